"""The null of an invariant set: what a unit with no invariance at all would allow.

For an affine unit f = w.x + b every set of N images x_i (deviations from grey) obeys
|sum x_i| >= sum (f_i - g) / |w|, and the pairs obey sum |x_i - x_j|^2 = N sum |x_i|^2 - |sum
x_i|^2. With beta = (mean f_i - g) / (a_free - g) and a_free - g = R |w| this bounds the mean
squared distance of all pairs by

    d_null^2 = 2 / (N (N - 1)) * (N sum |x_i|^2 - (N R beta)^2),

with any bias and any pixel range. With equal norms it is 2 N / (N - 1) * (1 - beta^2) R^2, which a
simplex in the directions that the unit ignores reaches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Measures:
    """Distances of a set, in units of R, against those of the linear unit.

    Attributes:
        beta: mean response above grey over the largest that norm R allows without a pixel range.
        distance: mean distance of each image to its nearest neighbour.
        rms_distance: root mean square distance over all pairs.
        null_distance: the most that an affine unit allows; NaN where `reason` says why.
        index: distance / null_distance.
        spread: rms_distance / null_distance.
        reason: why index and spread are NaN; empty otherwise.
    """

    beta: float
    distance: float
    rms_distance: float
    null_distance: float
    index: float
    spread: float
    reason: str = ""


def pairwise(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, D) vectors -> (N, N) Euclidean distances."""
    rows = np.asarray(vectors, dtype=np.float64)
    return np.sqrt(np.maximum(((rows[:, None] - rows[None]) ** 2).sum(-1), 0.0))


def nearest(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, N) distances -> (N,) distance of each to its nearest other one."""
    return np.min(distances + np.diag(np.full(len(distances), np.inf)), axis=1)


def null_distance(norms: NDArray[np.floating], radius: float, beta: float) -> float:
    """The largest RMS pairwise distance that an affine unit allows, in the units of the norms.

    Args:
        norms: (N,) measured norms of the images.
        radius: R, the norm at which a_free was found.
        beta: mean (f_i - g) / (a_free - g), in (0, 1).
    """
    n = len(norms)
    total = n * float((np.asarray(norms, dtype=np.float64) ** 2).sum())
    return math.sqrt(max(2 / (n * (n - 1)) * (total - (n * radius * beta) ** 2), 0.0))


def measure(images: NDArray[np.floating], radius: float, beta: float) -> Measures:
    """Index and spread of a set.

    Args:
        images: (N, D) deviations from grey of the 8-bit images, in grey levels.
        radius: R in grey levels.
        beta: as in `null_distance`.
    """
    distances = pairwise(images)
    n = len(distances)
    distance = float(nearest(distances).mean()) / radius
    rms = math.sqrt(float((distances**2).sum()) / (n * (n - 1))) / radius
    null, reason = math.nan, ""
    if not 0 < beta < 1:
        reason = f"beta is {beta:.3g}, outside (0, 1): the linear null does not exist"
    else:
        null = null_distance(np.linalg.norm(images, axis=1), radius, beta) / radius
        if null <= 0:
            null, reason = math.nan, "the linear null allows no distance at all"
    return Measures(beta, distance, rms, null, distance / null, rms / null, reason)


def path_order(distances: NDArray[np.float64], start: int = 0) -> list[int]:
    """An order of N images in which neighbours are close: nearest neighbour, then 2-opt.

    Args:
        distances: (N, N).
        start: the image that the path begins with.
    """
    n = len(distances)
    order, left = [start], set(range(n)) - {start}
    while left:
        order.append(min(left, key=lambda j: (distances[order[-1], j], j)))
        left.remove(order[-1])
    # Numbers one by one are faster in lists than in arrays.
    apart = distances.tolist()
    improved = True
    while improved:
        improved = False
        for i in range(1, n - 1):
            for j in range(i + 1, n):
                before, first, last = order[i - 1], order[i], order[j]
                gain = apart[before][first] - apart[before][last]
                if j + 1 < n:
                    gain += apart[last][order[j + 1]] - apart[first][order[j + 1]]
                if gain > 1e-12:
                    order[i : j + 1] = order[i : j + 1][::-1]
                    improved = True
    return order
