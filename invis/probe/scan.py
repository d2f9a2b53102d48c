"""Units run over whole pictures: every crop as large as the field, and the strongest ones kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from invis.models.devices import single_precision
from invis.models.unit import Units

# Crops of one picture whose corners are nearer than this share of the field, on both axes, count
# as one.
APART = 0.5
# Random crops that are remembered, as the null of the strongest ones.
SAMPLE = 4096


@dataclass(frozen=True)
class Grid:
    """Which crops of a canvas as large as the network's input a layer sees whole.

    Attributes:
        canvas: (H, W) the network's input.
        crop: (h, w) the field.
        positions: rows and columns of the layer's map; None for the units' own position alone.
        tops, lefts: where the crops of those rows and columns begin.
        step: by how much canvases move over a larger picture.
    """

    canvas: tuple[int, int]
    crop: tuple[int, int]
    positions: tuple[slice, slice] | None
    tops: NDArray[np.int64]
    lefts: NDArray[np.int64]
    step: tuple[int, int]

    def starts(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """Corners of the canvases that together hold every crop of a picture of this size."""
        rows, cols = (
            sorted({*range(0, max(length - side, 0) + 1, step), max(length - side, 0)})
            for length, side, step in zip(size, self.canvas, self.step, strict=True)
        )
        return [(row, col) for row in rows for col in cols]


def grid_of(units: Units) -> Grid:
    """The grid of the units' layer; a single crop where the field does not fit in the canvas."""
    cone = units.cone
    crop = (cone.image_shape[1], cone.image_shape[2])
    field_side = cone.receptive_field
    canvas = cone.input_size
    if cone.whole or not cone.uniform or crop != (field_side, field_side) or units.map_axes is None:
        top, left = cone.window[:2]
        step = (max(1, canvas[0] // 2), max(1, canvas[1] // 2))
        return Grid(canvas, crop, None, np.array([top]), np.array([left]), step)
    slices, corners = [], []
    for begin, position, side in zip(cone.window[:2], cone.position, canvas, strict=True):
        first = begin - position * cone.stride
        low = -(-max(0, -first) // cone.stride)
        high = (side - field_side - first) // cone.stride
        slices.append(slice(low, high + 1))
        corners.append(first + cone.stride * np.arange(low, high + 1))
    down, across = (int(c[-1] - c[0]) + cone.stride for c in corners)
    return Grid(canvas, crop, (slices[0], slices[1]), corners[0], corners[1], (down, across))


@torch.no_grad()
@single_precision()
def response_maps(units: Units, grid: Grid, canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(B, H, W, C) 8-bit canvases -> (B, U, rows, columns) responses, by the untouched network."""
    pixels = torch.as_tensor(canvases).permute(0, 3, 1, 2).to(units.device, units.readout.dtype)
    found = units.unit_maps(units.full(units.normalise(pixels)))
    if grid.positions is not None:
        found = found[..., grid.positions[0], grid.positions[1]]
    else:
        row, col = units.cone.position
        found = found[..., row : row + 1, col : col + 1]
    return found.float().cpu().numpy()


@dataclass(frozen=True, order=True)
class Crop:
    """One strong crop; ordered by response.

    Attributes:
        response: of the unit.
        path: of the picture, relative to the folder.
        top, left: in the picture as it was looked at.
        scale: pixels there per pixel of the file.
        pixels: (h, w, C).
    """

    response: float
    path: str = field(compare=False)
    top: int = field(compare=False)
    left: int = field(compare=False)
    scale: float = field(compare=False)
    pixels: NDArray[np.uint8] = field(compare=False, repr=False)


class Strongest:
    """The strongest crops of one unit so far, and a random sample of all crops.

    Attributes:
        crops: at most `count`, the strongest first.
        seen: how many crops were looked at.
    """

    def __init__(self, count: int, each: int, rng: np.random.Generator) -> None:
        self.count, self.each = count, each
        self.crops: list[Crop] = []
        self.seen = 0
        self._sample: list[float] = []
        self._drawn = 0
        self._rng = rng

    @property
    def least(self) -> float:
        """What a crop must exceed to be kept."""
        return self.crops[-1].response if len(self.crops) == self.count else -np.inf

    @property
    def sample(self) -> NDArray[np.float64]:
        """Responses to crops drawn at random, one from each picture's canvas."""
        return np.array(self._sample)

    def draw(self, responses: NDArray[np.float32]) -> None:
        """Remember one of these crops, all equally likely to be remembered in the end."""
        value = float(self._rng.choice(responses.ravel()))
        self._drawn += 1
        if len(self._sample) < SAMPLE:
            self._sample.append(value)
        elif (place := int(self._rng.integers(self._drawn))) < SAMPLE:
            self._sample[place] = value

    def keep(self, crops: list[Crop], size: tuple[int, int]) -> None:
        """Take in crops of this size (h, w); of those that overlap, the strongest stays."""
        kept: list[Crop] = []
        for crop in sorted([*self.crops, *crops], reverse=True):
            same = [other for other in kept if other.path == crop.path]
            apart = all(
                abs(other.top - crop.top) >= APART * size[0]
                or abs(other.left - crop.left) >= APART * size[1]
                for other in same
            )
            if apart and len(same) < self.each:
                kept.append(crop)
        self.crops = kept[: self.count]


def peaks(
    responses: NDArray[np.float32],
    tops: NDArray[np.int64],
    lefts: NDArray[np.int64],
    crop: tuple[int, int],
    least: float,
    most: int,
) -> Iterator[tuple[float, int, int]]:
    """The strongest crops (response, top, left) above `least` of one map (rows, columns).

    Non-maximum suppression: each rules out those that overlap it by more than half on both axes.
    """
    left_over = responses.astype(np.float64)
    for _ in range(most):
        row, col = np.unravel_index(int(np.argmax(left_over)), left_over.shape)
        value = float(left_over[row, col])
        if not value > least:
            return
        yield value, int(tops[row]), int(lefts[col])
        near_row = np.abs(tops - tops[row]) < APART * crop[0]
        near_col = np.abs(lefts - lefts[col]) < APART * crop[1]
        left_over[np.ix_(near_row, near_col)] = -np.inf
