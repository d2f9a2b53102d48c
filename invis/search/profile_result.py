"""Profiles as labelled arrays: the sets of one unit at several floors, and what follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.files.containers import Attributes
from invis.files.saved import Kind, register
from invis.search.result import FORMAT as SET_FORMAT
from invis.search.tolerance import intervals, kappas, packing_limit

FORMAT = "invis-profile-1"
KEPT_AS = Attributes(packed=("images", "reference_image"), booleans=("dead",))
# What a set says of itself that a profile has for each floor.
OF_A_FLOOR = (
    "fraction_min", "fraction_mean", "beta", "distance", "rms_distance", "null_distance", "index",
    "spread", "saturated", "pixel_contrast", "full_model_error", "converged", "steps",
)  # fmt: skip
IMAGES = ("images", "activation", "fraction", "nearest", "vectors")
NOT_KEPT = ("alpha", *OF_A_FLOOR)
SUMMARY = (
    "kappa", "kappa_low", "kappa_high", "kappa_spread", "kappa_spread_low", "kappa_spread_high",
    "packing", "packing_null",
)  # fmt: skip
# The floor of a single search: from here the others are reached, and here packings are grown.
USUAL = 0.9


@dataclass(frozen=True)
class Found:
    """What is known of a unit beyond its sets; F floors, N images.

    Attributes:
        kept: (F,) the mean fraction of the reference that each set keeps.
        vectors: (F, N, D) the sets, an image in the same row as the one it started from.
        heaps: (F, N) the heap of each image, in the order of the results.
        islands: how many heaps, or groups of them that walks connect, each floor has.
        packing: how many images fit.
        apart: the distance of all pairs, in units of R.
        most: where the packing would have stopped.
        seconds: the whole profile took.
    """

    kept: NDArray[np.float64]
    vectors: NDArray[np.float32]
    heaps: NDArray[np.int64]
    islands: Sequence[int]
    packing: int
    apart: float
    most: int
    seconds: float


def build_profile(
    sets: Sequence[xr.Dataset], alphas: Sequence[float], found: Found | None
) -> xr.Dataset:
    """Join the results of one unit, the lowest floor first; without `found` it is dead.

    Returns:
        images (floor, image, row, column, colour) and what else an image has; index, spread and
        what else a set has, heaps and islands (floor); coordinate alpha (floor). In attributes
        kappa, kappa_low, kappa_high and the same of kappa_spread; packing, packing_null,
        packing_distance, packing_alpha and packing_most; index and spread at the usual floor.
    """
    first = sets[0]
    usual = usual_place(alphas)
    count, images = len(sets), first.sizes["image"]
    values: dict[str, Any] = {
        name: (("floor", *first[name].dims), np.stack([ds[name].values for ds in sets]))
        for name in IMAGES
    }
    for name in OF_A_FLOOR:
        values[name] = ("floor", np.array([ds.attrs[name] for ds in sets]))
    values |= {name: first[name].variable for name in ("reference_image", "reference_vector")}
    attrs = {key: value for key, value in first.attrs.items() if key not in NOT_KEPT}
    attrs |= {"format": FORMAT}
    if found is None:
        heaps, islands = np.zeros((count, images), dtype=np.int64), [0] * count
        number, kept = np.zeros(count, dtype=np.int64), np.full(count, math.nan)
        attrs |= dict.fromkeys(
            ("kappa", "kappa_low", "kappa_high", "kappa_spread", "kappa_spread_low",
             "kappa_spread_high", "packing_null", "packing_distance", "packing_alpha"),
            math.nan,
        ) | {"packing": 0, "packing_most": 0}  # fmt: skip
    else:
        heaps, islands, kept = found.heaps, list(found.islands), found.kept
        number = np.array([len(np.unique(one)) for one in heaps])
        near, rms = kappas(found.kept, found.vectors)
        (low, high), (rms_low, rms_high) = intervals(found.kept, found.vectors)
        limit = packing_limit(found.apart, sets[usual].attrs["beta"])
        attrs |= {
            "kappa": near, "kappa_low": low, "kappa_high": high,
            "kappa_spread": rms, "kappa_spread_low": rms_low, "kappa_spread_high": rms_high,
            "packing": found.packing, "packing_null": math.inf if limit is None else float(limit),
            "packing_distance": found.apart, "packing_alpha": alphas[usual],
            "packing_most": found.most, "seconds": found.seconds,
        }  # fmt: skip
    values |= {
        "kept": ("floor", kept),
        "heap": (("floor", "image"), heaps),
        "heaps": ("floor", number),
        "islands": ("floor", np.array(islands, dtype=np.int64)),
    }
    attrs |= {name: float(values[name][1][usual]) for name in ("index", "spread")}
    return xr.Dataset(values, coords={"alpha": ("floor", np.asarray(alphas, float))}, attrs=attrs)


def usual_place(alphas: Sequence[float]) -> int:
    """The place of the floor that a single search would use, or of the nearest to it."""
    return int(np.argmin(np.abs(np.asarray(alphas) - USUAL)))


def summary(profile: xr.Dataset) -> dict[str, Any]:
    """A record for JSON and for the notes of an atlas, without the sets; NaN becomes None."""
    told = {key: _plain(profile.attrs[key]) for key in SUMMARY}
    for name in ("index", "islands"):
        for alpha, value in zip(profile["alpha"].values, profile[name].values, strict=True):
            told[f"{name}_{alpha:g}"] = _plain(value.item())
    return told


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def set_at(profile: xr.Dataset, alpha: float) -> xr.Dataset:
    """The set of a profile at one of its floors, as a search would have given it.

    Raises:
        InvisError: if the profile has no such floor.
    """
    floors = profile["alpha"].values
    (where,) = np.nonzero(np.isclose(floors, alpha))
    if not len(where):
        known = ", ".join(f"{one:g}" for one in floors)
        raise InvisError(f"alpha is {alpha:g}: this profile has the floors {known}")
    one = profile.isel(floor=int(where[0]))
    attrs = {key: value for key, value in profile.attrs.items() if "packing" not in key}
    attrs |= {name: one[name].values.item() for name in OF_A_FLOOR}
    attrs |= {"format": SET_FORMAT, "alpha": float(floors[where[0]])}
    kept = [*IMAGES, "reference_image", "reference_vector"]
    return one[kept].drop_vars("alpha").assign_attrs(attrs)


register(
    Kind(
        FORMAT,
        "profile",
        "a profile.nc written by `invis profile`",
        pack=KEPT_AS.pack,
        unpack=KEPT_AS.unpack,
    )
)
