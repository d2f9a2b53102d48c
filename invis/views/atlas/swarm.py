"""Dots on a line that do not hide each other: a beeswarm, the same every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Dots may touch, and rounding is no overlap.
TOUCH = 1e-9


def swarm(positions: NDArray[np.floating], size: float) -> NDArray[np.float64]:
    """Offsets (n,) that keep dots of diameter `size` at `positions` (n,) from overlapping.

    In order of position each dot takes the free place nearest to the middle.
    """
    order = np.argsort(positions, kind="stable")
    along = np.asarray(positions, dtype=np.float64)[order]
    first = np.searchsorted(along, along - size, side="right")
    offsets = np.zeros(len(along))
    for rank, begin in enumerate(first):
        if begin < rank:
            near = slice(begin, rank)
            room = np.sqrt(np.maximum(size**2 - (along[rank] - along[near]) ** 2, 0))
            offsets[rank] = _nearest_free(offsets[near] - room, offsets[near] + room)
    placed = np.empty(len(along))
    placed[order] = offsets
    return placed


def _nearest_free(starts: NDArray[np.float64], ends: NDArray[np.float64]) -> float:
    """The number nearest to 0 inside none of the open intervals (k,); below 0 where two are."""
    order = np.argsort(starts)
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    # Intervals that overlap are one; the block that holds 0, if any, decides.
    new = np.flatnonzero(starts[1:] >= ends[:-1] - 2 * TOUCH) + 1
    block = np.searchsorted(starts[new], -TOUCH)
    low = float(starts[0 if block == 0 else new[block - 1]])
    high = float(ends[new[block] - 1 if block < len(new) else -1])
    if not low + TOUCH < 0 < high - TOUCH:
        return 0.0
    return low if -low <= high else high
