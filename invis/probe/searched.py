"""The sets that a probe or an explanation is of: given ones, or those of an address."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import xarray as xr

from invis.errors import InvisError
from invis.models.unit import Units, units_at
from invis.progress import Step, within
from invis.search import search_steps
from invis.search.run import in_order


def searched(
    source: xr.Dataset | Sequence[xr.Dataset] | str,
    units: Units | None,
    weights: str | None,
    seed: int,
    device: str | None,
) -> Generator[Step[xr.Dataset], None, tuple[list[xr.Dataset], Units | None]]:
    """One or several results, or those of an address, which is searched first.

    Returns:
        The results, and their units in the same order; None where results find their own.

    Raises:
        InvisError: no result.
    """
    if isinstance(source, xr.Dataset):
        return [source], units
    if not isinstance(source, str):
        if not source:
            raise InvisError("source is empty: give at least one result")
        return list(source), units
    units = units_at(source, weights, device) if units is None else units
    found = yield from within(search_steps(units, seed=seed, device=device), 0.0, 1.0)
    return in_order(found, units), units


def only_one(
    steps: Callable[..., Iterator[Any]],
    source: xr.Dataset | str,
    units: Units | None,
    settings: dict[str, Any],
) -> Any:
    """What `steps` find of one unit, given a result or an address.

    Raises:
        InvisError: if the address names several units, or the unit is dead.
    """
    if isinstance(source, str):
        units = units_at(source, settings.get("weights"), settings.get("device"))
        if len(units) != 1:
            raise InvisError(f"address {source!r} names {len(units)} units: give one channel")
    skipped: dict[str, str] = {}
    for snapshot in steps(source, units, **settings):
        skipped |= snapshot.skipped
        for found in snapshot.finished:
            return found
    ((address, why),) = skipped.items()
    raise InvisError(f"{address}: {why}")
