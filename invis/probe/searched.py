"""The sets that a probe or an explanation is of: given ones, or those of an address."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import xarray as xr

from invis.errors import InvisError
from invis.models.unit import Units, units_at
from invis.progress import Step, within
from invis.search import search_steps


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
    places = {address: k for k, address in enumerate(units.addresses)}
    return sorted(found, key=lambda ds: places[ds.attrs["address"]]), units
