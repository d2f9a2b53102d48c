"""The metric of pixels: the Euclidean distance of images whose frequencies lie in a band."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor

from invis.search.band import Band

CONTRAST = 12.0
# Cycles an image below which amplitudes of noise no longer rise.
LOWEST = 0.5


class Pixels:
    """Coefficients of the cosines of a band, in units of R; see `invis.search.metric.Metric`.

    Attributes:
        band: the band.
        radius: R, the norm of every image in grey levels.
    """

    def __init__(self, band: Band, contrast: float) -> None:
        self.band, self.shape, self.size = band, band.shape, band.size
        self.contrast = contrast
        self.radius = contrast * math.sqrt(math.prod(band.shape))

    @classmethod
    def usual_contrast(cls, shape: tuple[int, int, int]) -> float:
        return CONTRAST

    @classmethod
    def build(cls, band: Band, contrast: float | None, source: str) -> Self:
        return cls(band, cls.usual_contrast(band.shape) if contrast is None else contrast)

    @classmethod
    def from_attrs(cls, attrs: Mapping[str, Any], shape: tuple[int, int, int]) -> Self:
        return cls(Band.from_attrs(attrs, shape), float(attrs["contrast"]))

    def attrs(self) -> dict[str, Any]:
        return {"metric": "pixels", "contrast": self.contrast, **self.band.attrs()}

    def to(self, device: torch.device) -> Self:
        self.band.to(device)
        return self

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        white = torch.randn(count, self.size, generator=generator, dtype=torch.float32)
        return white / self.band.frequencies.cpu().clamp_min(LOWEST)

    def image(self, v: Tensor) -> Tensor:
        return self.band.image(v) * self.radius

    def vectors(self, x: Tensor) -> Tensor:
        return self.band.coefficients(x) / self.radius

    def pull(self, x: Tensor) -> Tensor:
        return self.band.coefficients(x) * self.radius
