"""Which null explains a spectrum: parameters, a distance, a likelihood, and "can't tell".

The distance between two spectra is the root mean square of ln(observed ratio / expected ratio),
with weight 1/k for component k, so that every octave of the logarithmic plot counts alike: 0.1
means that they differ by about 10 %. Neighbouring components err together, so the sum of the
weights, about ln K for K components, takes the place of the number of observations in the
likelihood: misfits are taken as Gaussian with an unknown spread. Many parameters don't make up for
few checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from invis.errors import InvisError
from invis.trajectory.nulls import Null, checked_times, drift, momentum, ou, walk
from invis.trajectory.pca import PCA

Array = NDArray[np.float64]

CANNOT_TELL = "can't tell"
FEWEST = 8
# Compared are the components that hold a thousandth of the variance, and these in any case.
SMALLEST_SHARE, LEAST_COMPONENTS = 1e-3, 7
# Spectra are compared no finer than this, and no finer than finitely many dimensions allow.
FINEST = 0.03
# Difference in the information criterion that counts as strong evidence (Kass and Raftery 1995).
STRONG = 6.0
# Within 10 % a null explains a spectrum.
GOOD = 0.1
# Beyond a typical factor of 1.5 a null explains nothing.
POOR = float(np.log(1.5))
# Parameters are sought on so many checkpoints; distances are measured on all.
SEARCHED = 80
STARTS, REFINEMENTS = 4, 3
# The nulls of which each null is a special case; a far start with a weak pull is a drift.
GENERAL = {
    "walk": ("momentum", "drift", "ou"),
    "momentum": (),
    "drift": ("ou",),
    "ou": (),
}
LONG = {
    "walk": "a plain random walk",
    "momentum": "a random walk with momentum",
    "drift": "a random walk with drift",
    "ou": "an Ornstein-Uhlenbeck process",
}


@dataclass(frozen=True, eq=False)
class Fit:
    """One null fitted to an observed spectrum.

    Attributes:
        null: with its best parameters.
        distance: root mean square of ln(observed / expected), weighted 1/k.
        likelihood: logarithm, up to a constant common to all nulls.
        bic: information criterion; smaller is better.
    """

    null: Null
    distance: float
    likelihood: float
    bic: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """All nulls against an observed spectrum.

    Attributes:
        fits: by name: walk, momentum, drift, ou.
        best: a name, or "can't tell".
        plausible: the nulls that the spectrum does not rule out.
        reason: one sentence for people.
    """

    fits: dict[str, Fit]
    best: str
    plausible: tuple[str, ...]
    reason: str


def compare(found: PCA, times: ArrayLike | None = None) -> Comparison:
    """Fit every null to an observed spectrum and say which explains it.

    Args:
        found: the observed PCA.
        times: (T,) of the checkpoints; their steps if left out.

    Raises:
        InvisError: if there are not T increasing times.
    """
    t = checked_times(found.steps if times is None else times)
    if len(t) != len(found.steps):
        raise InvisError(f"times are {len(t)}, but there are {len(found.steps)} checkpoints.")
    thin = found.thinned(SEARCHED)
    thin_times = t[np.searchsorted(found.steps, thin.steps)]
    fits = {}
    for name, (make, grids) in _families(thin_times).items():
        values = _search(lambda p, m=make: distance(thin, m(thin_times, *p)), grids)  # type: ignore[misc]
        fits[name] = _score(found, make(t, *values), len(grids))
    return _decide(fits, len(t))


def distance(found: PCA, null: Null) -> float:
    """Root mean square of ln(observed ratio / expected ratio) with weights 1/k."""
    count = _components(found)
    expected = np.maximum(null.ratios[:count], 1e-300)
    apart = np.log(found.ratios[:count] / expected)
    weights = 1 / np.arange(1, count + 1)
    return float(np.sqrt((weights * apart**2).sum() / weights.sum()))


def _components(found: PCA) -> int:
    large = int((found.ratios >= SMALLEST_SHARE).sum())
    return min(max(large, LEAST_COMPONENTS), len(found.eigenvalues))


def _score(found: PCA, null: Null, parameters: int) -> Fit:
    apart = distance(found, null)
    observations = float((1 / np.arange(1, _components(found) + 1)).sum())
    finest = FINEST**2 + 2 / found.parameters
    likelihood = -0.5 * observations * float(np.log(apart**2 + finest))
    return Fit(null, apart, likelihood, parameters * np.log(observations) - 2 * likelihood)


def _decide(fits: dict[str, Fit], count: int) -> Comparison:
    # What explains nothing is not the best, however few parameters it has: of such, the nearest is.
    reach = max(POOR, min(fit.distance for fit in fits.values()))
    near = [name for name, fit in fits.items() if fit.distance <= reach]
    best = min(near, key=lambda name: fits[name].bic)
    plausible = tuple(name for name in near if fits[name].bic - fits[best].bic < STRONG)
    # What a special case explains is no evidence for the general one.
    simplest = [n for n in plausible if not any(n in GENERAL[one] for one in plausible)]
    if count < FEWEST:
        reason = f"{count} checkpoints are too few: {FEWEST} are the least that tell nulls apart."
    elif fits[best].distance > POOR:
        factor = np.exp(fits[best].distance)
        reason = f"None fits: even the nearest, {LONG[best]}, is off by a factor of {factor:.2f}."
    elif len(simplest) > 1:
        reason = f"{_start(' and '.join(LONG[n] for n in simplest))} explain it about equally well."
    elif fits[simplest[0]].distance > max(GOOD, fits[best].distance + FINEST):
        reason = f"{_start(LONG[best])} comes nearest, but {LONG[simplest[0]]} is not ruled out."
    else:
        name = simplest[0]
        off = 100 * np.expm1(fits[name].distance)
        return Comparison(
            fits, name, plausible, f"{_start(LONG[name])} explains it within {off:.0f} %."
        )
    return Comparison(fits, CANNOT_TELL, plausible, reason)


def _start(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


Family = tuple[Callable[..., Null], list[Array]]


def _families(times: Array) -> dict[str, Family]:
    """Each null with the grid of each of its parameters, from where it is plain to extremes."""
    length, least = times[-1], max(float(np.diff(times).min()), 1.0)
    gammas = np.concatenate([[0.0], np.exp(-1 / np.geomspace(least / 4, length, 20))])
    pulls = -np.expm1(-1 / np.geomspace(least / 2, 8 * length, 18))
    # A drift has gone as far as the noise after 1 / mu^2 steps.
    drifts = np.concatenate([[0.0], 1 / np.sqrt(np.geomspace(length * 1e3, length * 1e-3, 20))])
    starts = np.concatenate([[0.0], np.sqrt(length) * np.geomspace(0.05, 30, 12)])
    return {
        "walk": (walk, []),
        "momentum": (momentum, [gammas]),
        "drift": (drift, [drifts]),
        "ou": (ou, [pulls, starts]),
    }


def _search(apart: Callable[[tuple[float, ...]], float], grids: list[Array]) -> tuple[float, ...]:
    """The parameters of least distance: over the grids, then ever finer around the best few.

    `apart` takes one number a grid; with no grid there is nothing to find.
    """
    if not grids:
        return ()
    coarse = _tried(apart, grids)
    best = coarse[0]
    # Points that share the first parameter lie in one valley: the best of them is enough.
    valleys: dict[float, tuple[float, ...]] = {}
    for _, point in coarse:
        valleys.setdefault(point[0], point)
    for start in list(valleys.values())[:STARTS]:
        axes, here = grids, (np.inf, start)
        for _ in range(REFINEMENTS):
            axes = [_finer(axis, value) for axis, value in zip(axes, here[1], strict=True)]
            here = min(here, _tried(apart, axes)[0])
        best = min(best, here)
    return best[1]


def _tried(
    apart: Callable[[tuple[float, ...]], float], axes: list[Array]
) -> list[tuple[float, tuple[float, ...]]]:
    """Every point of a grid with its distance, the nearest first."""
    return sorted((apart(point), point) for point in product(*(axis.tolist() for axis in axes)))


def _finer(axis: Array, value: float) -> Array:
    """Five values between the neighbours of `value` on an axis."""
    k = int(np.argmin(np.abs(axis - value)))
    return np.linspace(axis[max(k - 1, 0)], axis[min(k + 1, len(axis) - 1)], 5)
