"""What tells a broad maximum from an invariance: how distances fall as the floor rises.

Let the floor alpha rise and every set shrinks. For a linear unit, and close to every smooth
maximum, d^2 falls with 1 - alpha^2. Along an exact orbit d stays. With several floors

    kappa = 1 - d log d^2 / d log(1 - alpha^2)

by regression tells which: 0 for the first, towards 1 for the second. As alpha counts what the set
really keeps, its mean fraction, so that what a search leaves above the floor is no error.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist
from scipy.stats import t

from invis.search.null import nearest, pairwise

Array = NDArray[np.floating]
CONFIDENCE = 0.95


def kappa(alphas: Array, distances: Array) -> float:
    """1 minus the slope of log d^2 over log(1 - alpha^2), by least squares.

    Args:
        alphas: (F,) mean fractions kept.
        distances: (F,) in any unit.

    Returns:
        NaN with fewer than two floors, or where a distance is 0 or a fraction no fraction.
    """
    a, d = np.asarray(alphas, dtype=np.float64), np.asarray(distances, dtype=np.float64)
    if len(a) < 2 or not ((a > 0) & (a < 1) & (d > 0)).all() or np.ptp(a) == 0:
        return math.nan
    x = np.log1p(-(a**2))
    x -= x.mean()
    return float(1 - 2 * (x @ np.log(d)) / (x @ x))


def kappas(alphas: Array, sets: Array) -> tuple[float, float]:
    """`kappa` of the index's distance and of the spread's.

    Args:
        alphas: (F,).
        sets: (F, N, D) the images at each floor.
    """
    apart = [pairwise(one) for one in sets]
    near = np.array([nearest(one).mean() for one in apart])
    rms = np.array([math.sqrt((one**2).mean()) for one in apart])
    return kappa(alphas, near), kappa(alphas, rms)


def intervals(alphas: Array, sets: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Intervals of both `kappas` by the jackknife over images, which leaves out one at every floor.

    They tell how much hangs on single images, at CONFIDENCE by Student's t (Tukey, 1958); what
    another search would find is another question, which other seeds answer.

    Returns:
        (low, high) of each; NaN with fewer than three images.
    """
    count = sets.shape[1]
    if count < 3:
        return ((math.nan, math.nan),) * 2
    left_out = np.array([kappas(alphas, np.delete(sets, k, axis=1)) for k in range(count)])
    wide = float(t.ppf((1 + CONFIDENCE) / 2, count - 1))
    error = wide * np.sqrt((count - 1) * left_out.var(axis=0))
    middle = np.array(kappas(alphas, sets))
    low, high = (middle - error).tolist(), (middle + error).tolist()
    return (low[0], high[0]), (low[1], high[1])


def cap_width(beta: float) -> float:
    """The largest distance of two images that an affine unit allows, in units of R."""
    return 2 * math.sqrt(max(1 - beta**2, 0.0))


def heaps(vectors: Array, distance: float) -> NDArray[np.int64]:
    """(N, D) images -> (N,) the heap of each, from 0: steps of at most `distance` connect a heap.

    Single linkage. With the `cap_width` of a floor, a linear unit has one heap.
    """
    labels = fcluster(linkage(pdist(vectors), "single"), distance, "distance")
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[which].astype(np.int64)


def packing_limit(distance: float, beta: float) -> int | None:
    """How many images an affine unit allows that are all `distance` apart; None for any number.

    From the bound of `invis.search.null`: with all pairs at `distance` or more, so is their root
    mean square, and distance^2 <= 2 N / (N - 1) * (1 - beta^2).

    Args:
        distance: in units of R.
        beta: mean response above grey over the largest without a pixel range.
    """
    ratio = distance**2 / (2 * (1 - beta**2))
    return None if ratio <= 1 else max(1, math.floor(ratio / (ratio - 1) + 1e-9))
