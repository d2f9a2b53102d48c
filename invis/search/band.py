"""A band of spatial frequencies: the linear subspace that a search lives in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor

from invis.errors import InvisError

DEFAULT_CYCLES_PER_PIXEL = 0.5


class Band:
    """Images (C, h, w) whose frequencies lie in [low, high] cycles per image.

    The basis is the orthonormal cosine transform (DCT-II; mode k has k/2 cycles per image), so an
    image and its coefficients have the same norm, and images need not be periodic. For images that
    are not square, cycles are counted along each axis and combined as a radius.

    Attributes:
        shape: (C, h, w).
        low, high: the band in cycles per image.
        size: number of coefficients, D.
        frequencies: (D,) cycles per image of each coefficient.
        cycles_per_pixel: (D,) the same per pixel.
    """

    def __init__(self, shape: tuple[int, int, int], low: float, high: float) -> None:
        channels, height, width = shape
        self.shape, self.low, self.high = shape, low, high
        radius = torch.hypot(
            torch.arange(height, dtype=torch.float64)[:, None] / 2,
            torch.arange(width, dtype=torch.float64)[None, :] / 2,
        )
        mask = (radius >= low) & (radius <= high)
        if not mask.any():
            raise InvisError(
                f"band {low:g}:{high:g} holds no frequency of a {height} x {width} px image: use "
                f"one between 0 and {full_band(shape):.1f} cycles per image"
            )
        rows = int(mask.any(1).nonzero().max()) + 1
        cols = int(mask.any(0).nonzero().max()) + 1
        self._grid = (channels, rows, cols)
        mask = mask[:rows, :cols].expand(self._grid)
        self._where = mask.flatten().nonzero()[:, 0]
        self.size = len(self._where)
        per_pixel = torch.hypot(
            torch.arange(height, dtype=torch.float64)[:, None] / (2 * height),
            torch.arange(width, dtype=torch.float64)[None, :] / (2 * width),
        )
        self.frequencies, self.cycles_per_pixel = (
            each[:rows, :cols].expand(self._grid).flatten()[self._where].float()
            for each in (radius, per_pixel)
        )
        self._down = _cosines(height)[:rows]
        self._across = _cosines(width)[:cols]

    @classmethod
    def from_attrs(cls, attrs: Mapping[str, Any], shape: tuple[int, int, int]) -> Band:
        """The band of a saved result."""
        return cls(shape, float(attrs["band_low"]), float(attrs["band_high"]))

    def attrs(self) -> dict[str, float]:
        """What a saved result says of the band."""
        return {"band_low": self.low, "band_high": self.high}

    def to(self, device: torch.device) -> Band:
        """Move the basis in place and return it."""
        for name in ("_where", "frequencies", "_down", "_across"):
            setattr(self, name, getattr(self, name).to(device))
        return self

    def image(self, coefficients: Tensor) -> Tensor:
        """Coefficients (B, D) -> images (B, C, h, w)."""
        channels, rows, cols = self._grid
        grid = coefficients.new_zeros(len(coefficients), channels * rows * cols)
        grid = grid.index_copy(1, self._where, coefficients)
        return self._down.T @ grid.view(-1, *self._grid) @ self._across

    def coefficients(self, images: Tensor) -> Tensor:
        """Images (B, C, h, w) -> coefficients (B, D) of their part inside the band."""
        grid = self._down @ images @ self._across.T
        return grid.flatten(1)[:, self._where]


def _cosines(n: int) -> Tensor:
    """(n, n) orthonormal DCT-II matrix; row k is the mode with k/2 cycles."""
    return torch.from_numpy(dct(np.eye(n), axis=0, norm="ortho")).float()


def full_band(shape: tuple[int, int, int]) -> float:
    """The highest frequency, in cycles per image, that an image of this shape can hold."""
    return math.hypot(shape[1] - 1, shape[2] - 1) / 2


def default_band(shape: tuple[int, int, int]) -> tuple[float, float]:
    """0 to 0.5 cycles a pixel in every direction, finer diagonals left out.

    Chosen by looking (docs/band_figure.py) and by what units keep: narrower bands look softer, but
    take the finest units of real networks most of their response.
    """
    return 0.0, DEFAULT_CYCLES_PER_PIXEL * max(shape[1:])
