"""Dots on a line that do not hide each other: a beeswarm, the same every time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def swarm(positions: NDArray[np.floating], size: float) -> NDArray[np.float64]:
    """Offsets (n,) that keep dots of diameter `size` at `positions` (n,) from overlapping.

    In order of position each dot takes the free place nearest to the middle.
    """
    offsets = np.zeros(len(positions))
    order = np.argsort(positions, kind="stable")
    for rank, i in enumerate(order):
        blocked = []
        for j in order[:rank]:
            along = float(positions[i] - positions[j])
            if along < size:
                room = math.sqrt(size**2 - along**2)
                blocked.append((offsets[j] - room, offsets[j] + room))
        places = [0.0, *(edge for pair in blocked for edge in pair)]
        free = [p for p in places if not any(a + 1e-9 < p < b - 1e-9 for a, b in blocked)]
        offsets[i] = min(free, key=lambda p: (abs(p), p))
    return offsets
