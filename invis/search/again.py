"""The problem that a saved result was a solution of: its units, band, contrast and scale."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from invis.errors import InvisError
from invis.models.unit import Units, units_at
from invis.search.band import default_band
from invis.search.metric import kind_of, metric_of
from invis.search.problem import Problem
from invis.search.settings import SETTINGS, Settings, from_stored
from invis.search.sphere import unit

HASH_DIGITS = 12


def settings_of(ds: xr.Dataset) -> Settings:
    """The settings that a result was searched with, band and contrast only where unusual."""
    shape = (ds.sizes["colour"], ds.sizes["row"], ds.sizes["column"])
    told = {name: about.attr or name for name, about in SETTINGS.items()}
    found = from_stored({name: ds.attrs[attr] for name, attr in told.items() if attr in ds.attrs})
    if np.isclose(found["contrast"], kind_of(ds.attrs).usual_contrast(shape)):
        del found["contrast"]
    band = float(ds.attrs["band_low"]), float(ds.attrs["band_high"])
    return Settings.of(**found, band=None if np.allclose(band, default_band(shape)) else band)


def problem_of(
    ds: xr.Dataset,
    units: Units | None = None,
    weights: str | None = None,
    device: str | torch.device | None = None,
) -> Problem:
    """The problem of one unit in which a result's images live.

    Args:
        ds: a result of a search.
        units: the unit, one only; found by the result's address if left out.
        weights: a name or file for the address's model.
        device: where to compute.

    Raises:
        InvisError: if the unit is dead, there is no such unit, or it is not the one of the result.
    """
    address = str(ds.attrs.get("address", ""))
    if bool(ds.attrs.get("dead")):
        raise InvisError(f"ds is the result of {address}, a dead unit: nothing excites it")
    found = units_at(address, weights, device) if units is None else units
    if device is not None:
        found = found.to(device)
    if len(found) != 1:
        raise InvisError(f"units holds {len(found)} units: give the one of {address}")
    _, height, width = found.image_shape
    shape = (ds.sizes["row"], ds.sizes["column"])
    if shape != (height, width):
        raise InvisError(
            f"ds holds images of {shape[0]} x {shape[1]} px, but {found.addresses[0]} sees "
            f"{height} x {width} px: give the unit that the result was made with"
        )
    known, now = str(ds.attrs.get("weights_hash", "")), found.model.weights_hash
    if known and now and known[:HASH_DIGITS] != now[:HASH_DIGITS]:
        raise InvisError(
            f"weights of {found.addresses[0]} have the hash {now[:HASH_DIGITS]}, but the result "
            f"was made with {known[:HASH_DIGITS]}: give those weights"
        )
    return Problem(found, metric_of(ds, found.image_shape))


def vectors_of(ds: xr.Dataset, problem: Problem) -> Tensor:
    """(N + 1, D) unit vectors of a result's images, the reference last.

    As they were searched; where a result holds images only, those of the 8-bit images.
    """
    if "vectors" in ds:
        rows = np.concatenate([ds["vectors"].values, ds["reference_vector"].values[None]])
        return torch.as_tensor(rows.astype(np.float32), device=problem.device)
    pixels = np.concatenate([ds["images"].values, ds["reference_image"].values[None]])
    return unit(problem.vectors(pixels))
