"""Which inputs become anchors: chosen once, on the inputs, and the same for every space."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import KMeans

from invis.errors import InvisError
from invis.stitching.checks import Matrix, choice, matrix

STRATEGIES = ("random", "kmeans", "farthest", "balanced")


def choose_anchors(
    inputs: ArrayLike,
    count: int,
    strategy: str = "random",
    *,
    labels: ArrayLike | None = None,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Indices (count,) of the inputs that become anchors, all different.

    Args:
        inputs: (N, d), such as flattened images. Anchors are chosen on what all encoders share, so
            that no encoder's own geometry decides.
        count: how many, at most N.
        strategy: `random`: uniformly; `kmeans`: the input nearest to each centre of k-means;
            `farthest`: each next one as far as possible from all before (Gonzalez 1985);
            `balanced`: random, as many of each class as of any other.
        labels: (N,) classes, for `balanced`.
        seed: of everything that is random here.

    Raises:
        InvisError: unknown strategy, a count outside 1..N, or `balanced` without fitting labels.
    """
    points = matrix("inputs", inputs)
    choice("strategy", strategy, STRATEGIES)
    if not 1 <= count <= len(points):
        raise InvisError(
            f"count {count} is not possible: there are {len(points)} inputs to choose anchors from."
        )
    rng = np.random.default_rng(seed)
    if strategy == "kmeans":
        return _kmeans(points, count, seed)
    if strategy == "farthest":
        return _farthest(points, count, rng)
    if strategy == "balanced":
        return _balanced(len(points), count, labels, rng)
    return rng.permutation(len(points))[:count]


def _kmeans(points: Matrix, count: int, seed: int) -> NDArray[np.int64]:
    centres = KMeans(count, n_init=1, random_state=seed).fit(points).cluster_centers_
    squares = np.square(points).sum(axis=1)
    taken = np.zeros(len(points), dtype=bool)
    chosen = np.empty(count, dtype=np.int64)
    for i, centre in enumerate(centres):
        # |x|^2 - 2 x.c orders the points as their distance does.
        nearest = np.where(taken, np.inf, squares - 2 * points @ centre)
        chosen[i] = nearest.argmin()
        taken[chosen[i]] = True
    return chosen


def _farthest(points: Matrix, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    chosen = np.empty(count, dtype=np.int64)
    chosen[0] = rng.integers(len(points))
    nearest = np.full(len(points), np.inf)
    for i in range(1, count):
        gap = np.square(points - points[chosen[i - 1]]).sum(axis=1)
        nearest = np.minimum(nearest, gap)
        # Below any distance, so that duplicates of a chosen point come before the point itself.
        nearest[chosen[i - 1]] = -1
        chosen[i] = nearest.argmax()
    return chosen


def _balanced(
    total: int, count: int, labels: ArrayLike | None, rng: np.random.Generator
) -> NDArray[np.int64]:
    if labels is None:
        raise InvisError("strategy 'balanced' needs labels, one class per input.")
    classes = np.asarray(labels)
    if classes.shape != (total,):
        raise InvisError(f"labels has shape {classes.shape}; it must be ({total},), one per input.")
    order = rng.permutation(total)
    rank = np.empty(total, dtype=np.int64)
    for value in np.unique(classes):
        members = order[classes[order] == value]
        rank[members] = np.arange(len(members))
    # Every class's first member, then every class's second, and so on, classes in random order.
    return order[np.argsort(rank[order], kind="stable")][:count]
