"""How alike two latent spaces are, told without training anything.

Rows of both arrays belong to the same inputs. CKA and SVCCA compare spaces of any widths;
correlations compare relative spaces of the same anchors.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from invis.errors import InvisError
from invis.stitching.checks import Matrix, pair
from invis.stitching.similarities import cosine, euclidean


def linear_cka(x: ArrayLike, y: ArrayLike) -> float:
    """Linear centred kernel alignment of (N, d) and (N, e), 0 to 1 (Kornblith et al. 2019, eq. 3).

    Ignores rotation, translation and isotropic scaling. NaN where a space is a single point.
    """
    x, y = (_centred(array) for array in pair("x", x, "y", y))
    norms = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(x.T @ y) ** 2 / norms) if norms > 0 else float("nan")


def svcca(x: ArrayLike, y: ArrayLike, variance: float = 0.99) -> float:
    """Mean canonical correlation of the leading directions, 0 to 1 (Raghu et al. 2017).

    Args:
        x, y: (N, d) and (N, e).
        variance: of each space, as many principal directions are kept as explain this share.

    Raises:
        InvisError: variance outside 0..1, or a space that is a single point.
    """
    if not 0 < variance <= 1:
        raise InvisError(f"variance {variance} is no share; it must be above 0 and at most 1.")
    left, right = (_leading(_centred(array), variance) for array in pair("x", x, "y", y))
    # The bases are orthonormal, so these are the cosines of the principal angles.
    return float(np.clip(np.linalg.svd(left.T @ right, compute_uv=False), 0, 1).mean())


def _leading(x: Matrix, variance: float) -> Matrix:
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    rank = int((s > s[0] * max(x.shape) * np.finfo(x.dtype).eps).sum()) if s[0] > 0 else 0
    if rank == 0:
        raise InvisError("a space whose points are all the same has no directions to compare.")
    share = np.cumsum(s[:rank] ** 2) / np.sum(s[:rank] ** 2)
    return u[:, : int((share < variance - 1e-12).sum()) + 1]


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Correlation of a point's relative coordinates in both spaces, mean over the points.

    Args:
        x, y: (N, K) relative representations with the same anchors.

    Raises:
        InvisError: the shapes differ. NaN is returned where no point's coordinates vary.
    """
    a, b = _same("x", x, "y", y)
    a = a - a.mean(axis=1, keepdims=True)
    b = b - b.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    varies = norms > 0
    if not varies.any():
        return float("nan")
    return float(((a * b).sum(axis=1)[varies] / norms[varies]).mean())


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Rank correlation of a point's relative coordinates, mean over the points; see `pearson`."""
    a, b = _same("x", x, "y", y)
    return pearson(rankdata(a, axis=1), rankdata(b, axis=1))


def neighbour_jaccard(x: ArrayLike, y: ArrayLike, neighbours: int = 10) -> float:
    """Shared nearest neighbours of a point in both spaces over all of them, mean over the points.

    Args:
        x, y: (N, d) and (N, e); neighbours are nearest in Euclidean distance, without the point.
        neighbours: how many of each point.

    Raises:
        InvisError: neighbours outside 1..N-1.
    """
    a, b = pair("x", x, "y", y)
    if not 1 <= neighbours < len(a):
        raise InvisError(
            f"neighbours {neighbours} is not possible: each of {len(a)} points has "
            f"{len(a) - 1} others."
        )
    shared = (_nearest(a, neighbours) & _nearest(b, neighbours)).sum(axis=1)
    return float((shared / (2 * neighbours - shared)).mean())


def _nearest(x: Matrix, count: int) -> np.ndarray:
    gaps = euclidean(x, x)
    np.fill_diagonal(gaps, np.inf)
    chosen = np.argpartition(gaps, count - 1, axis=1)[:, :count]
    member = np.zeros(gaps.shape, dtype=bool)
    np.put_along_axis(member, chosen, True, axis=1)
    return member


def mean_reciprocal_rank(x: ArrayLike, y: ArrayLike) -> float:
    """1 / rank of a point's own counterpart when looked for from x among all points of y, mean.

    Args:
        x, y: (N, K) relative representations with the same anchors; compared by their cosine.

    Raises:
        InvisError: the shapes differ.
    """
    a, b = _same("x", x, "y", y)
    similarity = cosine(a, b)
    # Ties count as if the counterpart came last, so that a collapsed space is no success.
    rank = (similarity >= np.diag(similarity)[:, None] - 1e-12).sum(axis=1)
    return float((1 / rank).mean())


def _same(name_x: str, x: ArrayLike, name_y: str, y: ArrayLike) -> tuple[Matrix, Matrix]:
    a, b = pair(name_x, x, name_y, y)
    if a.shape != b.shape:
        raise InvisError(
            f"{name_x} has {a.shape[1]} columns and {name_y} has {b.shape[1]}; "
            "both must be relative to the same anchors."
        )
    return a, b


def _centred(x: Matrix) -> Matrix:
    return x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
