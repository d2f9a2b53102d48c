"""How a point is compared with an anchor, and which transformations each comparison ignores.

z -> (sim(z, a_1), ..., sim(z, a_K)) is the relative representation (Moschella et al., ICLR 2023).
What the similarity ignores, the representation ignores: choosing one is choosing an invariance
(Cannistraci et al., ICLR 2024).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist

from invis.stitching.checks import Matrix, choice, matrix


def cosine(points: Matrix, anchors: Matrix) -> Matrix:
    """Cosine of the angle between each point and each anchor; 0 where either is the origin."""
    return _directions(points) @ _directions(anchors).T


def geodesic(points: Matrix, anchors: Matrix) -> Matrix:
    """Angle between each point and each anchor as a share of a half turn, 0 to 1."""
    return np.arccos(np.clip(cosine(points, anchors), -1, 1)) / np.pi


def euclidean(points: Matrix, anchors: Matrix) -> Matrix:
    """Length of the difference."""
    return _distance(points, anchors, "euclidean")


def l1(points: Matrix, anchors: Matrix) -> Matrix:
    """Sum of the absolute differences of the coordinates."""
    return _distance(points, anchors, "cityblock")


def linf(points: Matrix, anchors: Matrix) -> Matrix:
    """Largest absolute difference of a coordinate."""
    return _distance(points, anchors, "chebyshev")


def _directions(points: Matrix) -> Matrix:
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    return points / np.where(norms > 0, norms, 1)


def _distance(points: Matrix, anchors: Matrix, metric: str) -> Matrix:
    # scipy works in float64; a float32 space stays one.
    return cdist(points, anchors, metric).astype(points.dtype, copy=False)


SIMILARITIES: dict[str, Callable[[Matrix, Matrix], Matrix]] = {
    "cosine": cosine,
    "euclidean": euclidean,
    "l1": l1,
    "linf": linf,
    "geodesic": geodesic,
}

# The four of the paper; the geodesic one is a function of the cosine.
PRODUCT = ("cosine", "euclidean", "l1", "linf")

# On the raw space. Centring by the anchors' mean adds translation to the angles, and division by
# one scalar adds scaling to the distances.
IGNORES: dict[str, frozenset[str]] = {
    "cosine": frozenset({"rotation", "permutation", "scaling"}),
    "geodesic": frozenset({"rotation", "permutation", "scaling"}),
    "euclidean": frozenset({"rotation", "permutation", "translation"}),
    "l1": frozenset({"permutation", "translation"}),
    "linf": frozenset({"permutation", "translation"}),
}


def relative(points: Matrix, anchors: Matrix, similarity: str = "cosine") -> Matrix:
    """Relative representation of `points` (N, d) with respect to `anchors` (K, d): (N, K).

    Raises:
        InvisError: the similarity is unknown, the widths differ, or a value is not finite.
    """
    compare = SIMILARITIES[choice("similarity", similarity, SIMILARITIES)]
    anchors = matrix("anchors", anchors)
    return compare(matrix("points", points, anchors.shape[1]), anchors)
