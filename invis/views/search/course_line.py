"""The course of one search as lines to draw: of a result, or of a search that still runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from xarray import Dataset

from invis.errors import InvisError
from invis.views.base import words


def _none() -> NDArray[np.float64]:
    return np.zeros(0)


@dataclass(frozen=True)
class CourseLine:
    """The course of one search.

    Attributes:
        name: as the legend has it.
        steps: (S,).
        distance: (S,) mean distance to the nearest neighbour, in units of R.
        weakest: (S,) fraction of the weakest image, or (0,) where it was not kept.
        null_distance: the most that a linear unit allows, in units of R; None or NaN if unknown,
            and then the distance is not drawn, since there is nothing to hold it against.
        alpha: the floor.
    """

    name: str
    steps: NDArray[np.float64] = field(default_factory=_none)
    distance: NDArray[np.float64] = field(default_factory=_none)
    weakest: NDArray[np.float64] = field(default_factory=_none)
    null_distance: float | None = None
    alpha: float | None = None

    @property
    def relative(self) -> NDArray[np.float64]:
        """(S,) the distance in units of the null's; (0,) where there is no null."""
        null = self.null_distance
        if null is None or not math.isfinite(null) or null <= 0:
            return _none()
        return np.asarray(self.distance, dtype=float) / null


def null_at_floor(images: int, alpha: float) -> float:
    """The null distance while a search runs, in units of R: sqrt(2 N / (N - 1) (1 - alpha^2)).

    That of N images of equal norm which all lie on the floor, where the pixel range does not bind.

    Raises:
        InvisError: for fewer than two images, which have no distance.
    """
    if images < 2:
        raise InvisError(f"images is {images}: a distance needs 2 or more.")
    return math.sqrt(2 * images / (images - 1) * max(1 - alpha**2, 0.0))


def course_of(ds: Dataset, name: str | None = None) -> CourseLine:
    """The course that a result carries; the address and seed are its name if none is given."""

    def values(key: str) -> NDArray[np.float64]:
        return ds[key].values.astype(float) if key in ds.variables else _none()

    label = f"{ds.attrs.get('address', 'result')}, seed {ds.attrs.get('seed', '–')}"
    return CourseLine(
        name=label if name is None else name,
        steps=values("step"),
        distance=values("course_distance"),
        weakest=values("course_fraction_min"),
        null_distance=words.number(ds.attrs, "null_distance"),
        alpha=words.number(ds.attrs, "alpha"),
    )
