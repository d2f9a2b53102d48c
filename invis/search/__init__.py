"""Searches for invariant sets; `invis.search("vgg16/conv3_1/3")` calls the package itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, TypeAlias

import torch
import xarray as xr

from invis.files.saved import save
from invis.models.unit import Units, units_at
from invis.progress import until_done
from invis.search.engine import Snapshot, set_steps
from invis.search.paper import paper_steps
from invis.search.result import load
from invis.search.settings import Settings
from invis.search.threads import on_threads, worthwhile_threads

__all__ = ["Settings", "Snapshot", "load", "save", "search", "search_steps"]


def search_steps(
    units: Units | str,
    images: int = 8,
    activation: float = 0.9,
    contrast: float | None = None,
    band: tuple[float, float | None] | str | None = None,
    objective: str = "set",
    distance: str = "pixels",
    weights: str | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    metric: str = "natural",
) -> Iterator[Snapshot]:
    """Search the invariant set of each unit, step by step; closing the generator cancels.

    Args:
        units: an address such as `vgg16/conv3_1/0-15`, or Units.
        images: N, at least 2.
        activation: alpha; every image keeps at least this fraction of the reference's response
            above grey.
        contrast: RMS deviation from grey in grey levels; the metric's if left out.
        band: LOW:HIGH in cycles per image, or (low, high); None chooses by the size of the field.
        objective: `set`, or `paper` for the weighted objective of Cadena et al. (2018).
        distance: `pixels`, or an earlier layer in whose features the images are to differ.
        weights: a name or file for the address's model.
        seed: of the random starts.
        device: where to compute.
        metric: `natural`, `pixels`, or a file of `invis statistics`: what distance means.

    Raises:
        InvisError: at the first step, for any bad argument.
    """
    settings = Settings(
        images=images,
        activation=activation,
        contrast=contrast,
        band=band,
        objective=objective,
        distance=distance,
        seed=seed,
        metric=metric,
    )
    found = units_at(units, weights, device) if isinstance(units, str) else units
    if device is not None:
        found = found.to(device)
    steps = (paper_steps if objective == "paper" else set_steps)(found, settings)
    yield from on_threads(steps, worthwhile_threads(found, images))


def search(units: Units | str, **settings: Any) -> list[xr.Dataset]:
    """Run `search_steps` to the end.

    Returns:
        One result for each unit, in the order of the units.
    """
    where = (
        units_at(units, settings.pop("weights", None), settings.get("device"))
        if isinstance(units, str)
        else units
    )
    found = until_done(search_steps(where, **settings))
    order = {address: k for k, address in enumerate(where.addresses)}
    return sorted(found, key=lambda ds: order[ds.attrs["address"]])


# Inside the class these names are its attributes.
_Settings: TypeAlias = Settings
_Snapshot: TypeAlias = Snapshot


class Room(ModuleType):
    """Lets `invis.search(...)` be the function while `invis.search` is the package.

    To type checkers the package is an object of this class; they know the names listed here.
    """

    Settings: type[_Settings]
    Snapshot: type[_Snapshot]

    def __call__(self, units: Units | str, **settings: Any) -> list[xr.Dataset]:
        """`search`."""
        return search(units, **settings)


sys.modules[__name__].__class__ = Room
