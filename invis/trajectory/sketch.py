"""A random projection of checkpoints: small enough to keep, with a known error.

Every layer is cut into runs of D parameters; each run is multiplied by random signs, turned by a
random amount, and added to the others. Inner products are right on average, and a squared distance
within a layer has a standard deviation of at most sqrt(2 / D) of itself (CountSketch: Charikar,
Chen and Farach-Colton 2002; the error is that of a dense Gaussian projection, at the cost of one
pass). A layer of at most D parameters is kept as it is.

Growing runs are where it pays: of a sketched run only new checkpoints are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.errors import InvisError
from invis.trajectory.source import ArraySource, Layout, Source

ROWS = 64
RUNS = 64


@dataclass(frozen=True, eq=False)
class Sketch:
    """Projected differences of T checkpoints from the first one.

    Attributes:
        steps: (T,).
        values: (T, D') float32; the layers one after the other, each of at most D numbers.
        layout: of `values`: one tensor a layer.
        dimension: D.
        seed: of the signs.
        error: sqrt(2 / D): relative standard deviation of a squared distance within a layer.
    """

    steps: NDArray[np.int64]
    values: Tensor
    layout: Layout
    dimension: int
    seed: int

    @property
    def error(self) -> float:
        return math.sqrt(2 / self.dimension)

    def source(self) -> ArraySource:
        """For `gram`; layers keep their names, but have D parameters."""
        return ArraySource(self.values, self.steps, self.layout, name="sketch")


def sketch(
    source: Source, dimension: int = 4096, seed: int = 0, known: Sketch | None = None
) -> Sketch:
    """Project checkpoints, reading each once.

    Args:
        source: the checkpoints.
        dimension: D, at least 16.
        seed: of the signs.
        known: a sketch of the same run when it was shorter; its checkpoints are not read again.

    Raises:
        InvisError: if the dimension is too small, or there is no checkpoint.
    """
    if dimension < 16 or not len(source.steps):
        raise InvisError(
            f"dimension {dimension} for {len(source.steps)} checkpoints: give at least 16 for 1."
        )
    sizes = np.minimum(source.layout.layer_sizes, dimension)
    # A name without a dot is its own layer.
    names = tuple(layer.replace(".", "/") for layer in source.layout.layers)
    layout = Layout(names, tuple((int(size),) for size in sizes))
    old = 0
    if known is not None and _continues(known, source, layout, dimension, seed):
        old = len(known.steps)
    values = torch.zeros((len(source.steps), layout.parameters))
    if known is not None and old:
        values[:old] = known.values
    for start in range(old, len(source.steps), ROWS):
        rows = range(start, min(start + ROWS, len(source.steps)))
        for place, first, stop, signs, turns in _runs(source, layout, dimension, seed):
            block = source.read([0, *rows], first, stop).double()
            moved = ((block[1:] - block[:1]) * signs).float()
            _fold(values[rows.start : rows.stop, place], moved, dimension, turns)
    return Sketch(source.steps.copy(), values, layout, dimension, seed)


def _continues(known: Sketch, source: Source, layout: Layout, dimension: int, seed: int) -> bool:
    return (
        known.layout == layout
        and (known.dimension, known.seed) == (dimension, seed)
        and np.array_equal(known.steps, source.steps[: len(known.steps)])
    )


def _runs(
    source: Source, layout: Layout, dimension: int, seed: int
) -> Iterator[tuple[slice, int, int, Tensor, list[int]]]:
    """Ranges of parameters: (place of their layer in the sketch, first, end, signs, turns)."""
    filled = [0] * len(layout.names)
    generator = torch.Generator().manual_seed(seed)
    for layer, begin, end in source.layout.pieces(0, source.layout.parameters):
        place = slice(int(layout.starts[layer]), int(layout.starts[layer + 1]))
        whole = int(source.layout.layer_sizes[layer]) <= dimension
        for first in range(begin, end, RUNS * dimension):
            stop = min(first + RUNS * dimension, end)
            count = -(-(stop - first) // dimension)
            signs = torch.randint(0, 2, (stop - first,), generator=generator) * 2.0 - 1
            turns = torch.randint(0, dimension, (count,), generator=generator).tolist()
            yield place, first, stop, signs, [filled[layer]] if whole else turns
        filled[layer] += end - begin


def _fold(out: Tensor, moved: Tensor, dimension: int, turns: list[int]) -> None:
    """Add the runs of (T, B) to out (T, at most D), each turned."""
    for run, turn in zip(moved.split(dimension, dim=1), turns, strict=True):
        size = run.shape[1]
        room = min(size, out.shape[1] - turn)
        out[:, turn : turn + room] += run[:, :room]
        out[:, : size - room] += run[:, room:]
