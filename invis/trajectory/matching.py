"""A null's curves laid over an observed trajectory: signs, scale, and how alike they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invis.trajectory.nulls import Null
from invis.trajectory.pca import PCA


@dataclass(frozen=True, eq=False)
class Matched:
    """A null beside what was observed.

    Attributes:
        curves: (T, K) the null's projections, with the signs and amplitudes of the observed ones:
            components have no sign of their own, and amplitudes are the spectrum's business.
        likeness: (K,) correlation of each component's course with the null's, 0 to 1.
        distance: (T,) how far the null lies from the plane of its first two components, when its
            whole variance is the observed one.
    """

    curves: NDArray[np.float64]
    likeness: NDArray[np.float64]
    distance: NDArray[np.float64]


def matched(found: PCA, null: Null) -> Matched:
    """Lay a null at the same times over an observed PCA."""
    count = min(len(found.eigenvalues), len(null.eigenvalues))
    courses = null.curves[:, :count]
    products = (found.vectors[:, :count] * courses).sum(0)
    signs = np.where(products < 0, -1.0, 1.0)
    scale = found.eigenvalues.sum() / null.eigenvalues.sum()
    rest = (null.curves[:, 2:] ** 2 * null.eigenvalues[2:] * scale).sum(1)
    return Matched(
        courses * signs * np.sqrt(found.eigenvalues[:count]), np.abs(products), np.sqrt(rest)
    )
