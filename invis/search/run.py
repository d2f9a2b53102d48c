"""Run a search: of units or an address, step by step or to the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
import xarray as xr

from invis.models.unit import Units, units_at
from invis.progress import until_done
from invis.search.engine import Snapshot, set_steps
from invis.search.paper import paper_steps
from invis.search.room import check_room
from invis.search.settings import Settings, takes_settings
from invis.search.threads import on_threads, worthwhile_threads


@takes_settings
def search_steps(
    units: Units | str,
    settings: Settings | None = None,
    *,
    weights: str | None = None,
    device: str | torch.device | None = None,
    **named: Any,
) -> Iterator[Snapshot]:
    """Search the invariant set of each unit, step by step; closing the generator cancels.

    Args:
        units: an address such as `vgg16/conv3_1/0-15`, or Units.
        settings: all at once; or each by its name, such as `images=8, alpha=0.9`: see `Settings`.
        weights: a name or file for the address's model.
        device: where to compute.
        named: settings by name, over those of `settings`.

    Raises:
        InvisError: at the first step, for any bad argument.
    """
    asked = Settings.of(settings, **named)
    found = opened(units, weights, device)
    check_room(found, asked)
    steps = (paper_steps if asked.objective == "paper" else set_steps)(found, asked)
    yield from on_threads(steps, worthwhile_threads(found, asked.images))


@takes_settings
def search(
    units: Units | str,
    settings: Settings | None = None,
    *,
    weights: str | None = None,
    device: str | torch.device | None = None,
    **named: Any,
) -> list[xr.Dataset]:
    """Run `search_steps` to the end.

    Returns:
        One result for each unit, in the order of the units.
    """
    where = opened(units, weights, device)
    return in_order(until_done(search_steps(where, settings, **named)), where)


def opened(units: Units | str, weights: str | None, device: str | torch.device | None) -> Units:
    """The units at an address, or those given, where they are to be computed."""
    found = units_at(units, weights, device) if isinstance(units, str) else units
    return found if device is None else found.to(device)


def in_order(found: Iterable[xr.Dataset], units: Units) -> list[xr.Dataset]:
    """One result of each unit, in the order of the units."""
    by_address = {str(ds.attrs["address"]): ds for ds in found}
    return [by_address[address] for address in units.addresses]
