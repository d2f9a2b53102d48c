"""Measures the statistics of pictures: powers of crops by frequency, colours with colours."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.search.statistics import GREY, Floats, Statistics, fitted

SHORTEST, LONGEST_SIDE = 8, 125
EDGES = np.geomspace(1 / (2 * LONGEST_SIDE), math.sqrt(0.5), 41)
EDGES[0], EDGES[-1] = 0, 1
# JPEG's blocks of 8 px. Where it keeps chroma at half the size (a mean of two pixels, then
# triangles between them), what is left at f cycles per pixel is cos(pi f)^4: three quarters at 1/8,
# and beyond that soon more alias than colour.
GRID = 8
# In ring m (modes from m - 1/2 to m + 1/2) of a crop of an image whose amplitude is 1/f, the cosine
# transform has 1 - 0.3 / m of it: a mode is broad, and the lowest look at the hollow around zero,
# of which a crop knows only its mean. By simulation, to 2 %; at 1/f^0.6 and 1/f^1.2 to 4 %.
HOLLOW = 0.3
CHROMA_ENDS = 1 / 8


class Spectrum:
    """Adds up the powers of pictures, crop by crop.

    A crop's side is no multiple of 8 and its place is drawn, so that JPEG's grid lies anywhere in
    it; coefficients at multiples of 1/8 cycle per pixel, where that grid shows, are left out.
    Frequencies come in 40 bins, equal in logarithms.

    Attributes:
        images, grey, halved: pictures added; those without colour; those with chroma of half size.
        crops: of them all.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        bins = len(EDGES) - 1
        # Of grey pictures (0) and coloured ones (1).
        self._power = [np.zeros((bins, 3, 3)) for _ in range(2)]
        self._logs = [np.zeros(bins) for _ in range(2)]
        self._count = [np.zeros(bins) for _ in range(2)]
        self._pixels = 0
        self._sum = np.zeros(3)
        self._square = np.zeros((3, 3))
        self._crops = [0, 0]
        self.images = self.grey = self.halved = 0

    @property
    def crops(self) -> int:
        return sum(self._crops)

    def add(self, pixels: NDArray[np.uint8], crops: int = 1, halved: bool = False) -> int:
        """Add `crops` places of a picture (H, W, 3), fewer where they would lie on each other.

        Args:
            halved: its chroma was kept at half the size.

        Returns:
            how many; 0 where the picture is smaller than 8 px.
        """
        height, width = pixels.shape[:2]
        shorter = min(height, width)
        if shorter < SHORTEST:
            return 0
        # Less than all: whoever takes a picture puts something in its middle.
        side = min(LONGEST_SIDE, 3 * shorter // 4)
        side -= side % GRID == 0
        coloured = int(np.abs(pixels - pixels.mean(-1, keepdims=True)).mean() >= 1)
        crops = min(crops, max(1, 2 * height * width // side**2))
        where, gain, logs, counts = _bins(side)
        down = _cosines(side)
        for _ in range(crops):
            top = int(self._rng.integers(height - side + 1))
            left = int(self._rng.integers(width - side + 1))
            crop = pixels[top : top + side, left : left + side].astype(np.float64)
            grid = (down @ crop.transpose(2, 0, 1) @ down.T).reshape(3, -1) * gain
            for i in range(3):
                for j in range(i, 3):
                    sums = np.bincount(where, grid[i] * grid[j], len(counts) + 1)[:-1]
                    self._power[coloured][:, i, j] += sums
            self._logs[coloured] += logs
            self._count[coloured] += counts
            if coloured:
                flat = crop.reshape(-1, 3)
                self._pixels += len(flat)
                self._sum += flat.sum(0)
                self._square += flat.T @ flat
        self._crops[coloured] += crops
        self.images += 1
        self.grey += 1 - coloured
        self.halved += halved
        return crops

    def statistics(self, **about: Any) -> Statistics:
        """What they say.

        Where most pictures are grey it is of one channel, colours made grey; else of three, and
        grey pictures don't count. Where most files keep chroma at half the size, its known loss is
        made good up to CHROMA_ENDS, and above it stands the fitted curve of the opponent axes;
        `about["as_measured"]` has what was there.

        Raises:
            InvisError: if the pictures are too few or too small for a curve.
        """
        colour = 2 * self.grey <= self.images
        kinds = [1] if colour else [0, 1]
        count = np.sum([self._count[k] for k in kinds], 0)
        power = np.sum([self._power[k] for k in kinds], 0)
        some = count > 0
        if some.sum() < 4:
            raise InvisError(
                f"{self.images} pictures of {SHORTEST} px or more are too few or too small to "
                "measure: give some of 16 px or more"
            )
        frequencies = np.exp(np.sum([self._logs[k] for k in kinds], 0)[some] / count[some])
        # The upper triangle was added up.
        power = power[some] / count[some][:, None, None]
        power = power + np.triu(power, 1).transpose(0, 2, 1)
        basis = self._basis() if colour else np.ones((1, 1))
        axes = basis if colour else GREY[None]
        squares = np.einsum("ac,fcd,ad->af", axes, power, axes)
        if not (squares > 1e-6).all():
            raise InvisError("the pictures hold no detail at some frequency: give photographs")
        amplitudes = np.sqrt(squares)
        ends = np.full(len(basis), frequencies[-1])
        if colour and 2 * self.halved > self.images:
            about["as_measured"] = [[float(f"{x:.5g}") for x in row] for row in amplitudes]
            ends[1:] = CHROMA_ENDS
            amplitudes[1:] /= np.cos(np.pi * np.minimum(frequencies, CHROMA_ENDS)) ** 4
        about["measured_to"] = [float(f"{one:.5g}") for one in ends]
        fit = fitted(frequencies, amplitudes, ends)
        amplitudes = np.where(frequencies > ends[:, None], fit(frequencies), amplitudes)
        return Statistics(
            basis, frequencies, amplitudes, fit,
            self.images - self.grey if colour else self.images,
            self._crops[1] if colour else self.crops, about,
        )  # fmt: skip

    def _basis(self) -> Floats:
        """Luminance and two opponent axes, rows (3, 3)."""
        mean = self._sum / self._pixels
        return colour_basis(self._square / self._pixels - np.outer(mean, mean))


def colour_basis(covariance: Floats) -> Floats:
    """(C, C) covariance of colours -> (C, C) orthonormal rows.

    The eigenvector nearest to grey comes first, with a positive sum; then by falling variance, the
    largest entry positive.
    """
    vectors = np.linalg.eigh(covariance)[1].T[::-1]
    first = int(np.abs(vectors.sum(1)).argmax())
    order = [first, *(k for k in range(len(vectors)) if k != first)]
    signs = [vectors[first].sum(), *(vectors[k][np.abs(vectors[k]).argmax()] for k in order[1:])]
    return vectors[order] * np.sign(signs)[:, None]


@lru_cache(maxsize=256)
def _bins(side: int) -> tuple[NDArray[np.intp], Floats, Floats, Floats]:
    """The bin of each coefficient (side * side,), the last for those left out, and its factor; of
    each bin the sum of log frequencies and the number of coefficients."""
    axis = np.arange(side) / (2 * side)
    radius = np.hypot(axis[:, None], axis[None, :])
    bins = len(EDGES) - 1
    # Rings one mode wide: the few modes of a small crop fall together in all directions.
    ring = np.round(radius * 2 * side)
    ring[0, 0] = 1
    gain = 1 / (1 - HOLLOW / ring).ravel()
    where = np.digitize(ring / (2 * side), EDGES) - 1
    nearest = np.round(axis * GRID)
    grid = (nearest > 0) & (np.abs(axis - nearest / GRID) < 0.5 / (2 * side))
    if side >= 2 * GRID:
        where[grid[:, None] | grid[None, :]] = bins
    where[0, 0] = bins
    where = where.ravel()
    radius[0, 0] = 1
    logs = np.bincount(where, np.log(radius).ravel(), bins + 1)[:-1].astype(np.float64)
    return where, gain, logs, np.bincount(where, minlength=bins + 1)[:-1].astype(np.float64)


@lru_cache(maxsize=256)
def _cosines(side: int) -> Floats:
    """(side, side) orthonormal DCT-II; a row is a mode."""
    k = np.arange(side)
    basis = np.cos(np.pi * (k[None, :] + 0.5) * k[:, None] / side) * math.sqrt(2 / side)
    basis[0] /= math.sqrt(2)
    return basis
