"""Exemplars: the crops of a user's pictures that excite a unit most, to lie beside its set.

A set shows what a unit could respond to; exemplars show what it meets. Every crop of every picture
as large as the unit's field is looked at by running the untouched network over whole pictures. Two
shares of the reference's activation are told for each: of the crop as it is, whose contrast is
usually far above the set's, and of its part in the set's band at the set's contrast, which is what
can be compared. Their null is a random crop of the same pictures.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from invis.errors import InvisError
from invis.models.memory import check_memory
from invis.models.unit import Units, units_at
from invis.probe.exemplars_result import build_exemplars
from invis.probe.pictures import list_pictures
from invis.probe.reader import Reader
from invis.progress import until_done
from invis.search import search_steps

MOST, EACH = 256, 2
# Bytes a value of a crop: its pixels, its part in the band, and both in floats meanwhile.
A_VALUE = 12


@dataclass(frozen=True)
class ExemplarSnapshot:
    """Where the reading of a folder stands.

    Attributes:
        step: pictures read.
        fraction_done: 0 to 1.
        summary: a few words for a progress bar.
        finished: a result for each unit, in the last snapshot.
        current: makes the results so far; only before the next snapshot is asked for.
    """

    step: int
    fraction_done: float
    summary: str
    finished: list[xr.Dataset] = field(default_factory=list)
    current: Callable[[], list[xr.Dataset]] = field(default=list, repr=False)


def exemplars_steps(
    units: Units | str,
    folder: str | Path,
    count: int = 8,
    *,
    results: Sequence[xr.Dataset] | None = None,
    each: int = EACH,
    weights: str | None = None,
    device: str | torch.device | None = None,
) -> Iterator[ExemplarSnapshot]:
    """Look for the strongest crops in a folder, picture by picture; closing the generator cancels.

    Memory does not grow with the folder: `count` crops of each unit are kept. A picture is shrunk
    so that its shorter side is that of the network's input. Unreadable files, and pictures smaller
    than the field, are skipped and told.

    Args:
        units: an address such as `minivgg/conv2_2/3`, or Units.
        folder: of pictures; folders below it count too.
        count: K, crops kept for each unit.
        results: the units' sets, in their order, which give the reference; searched if left out.
        each: crops at most from one picture.
        weights: a name or file for the address's model.
        device: where to compute.

    Raises:
        InvisError: at the first step, for any bad argument; at the end, if nothing could be read.
    """
    began = time.perf_counter()
    for name, value in (("count", count), ("each", each)):
        if not 1 <= value <= MOST:
            raise InvisError(f"{name} is {value}: use 1 to {MOST}")
    paths = list_pictures(folder)
    found = units_at(units, weights, device) if isinstance(units, str) else units
    if device is not None:
        found = found.to(device)
    check_memory(
        A_VALUE * len(found) * count * math.prod(found.image_shape),
        f"count {count} of {len(found)} units needs",
        "keep fewer crops, or ask for fewer units at once",
    )
    searched: Sequence[xr.Dataset] = results or []
    if results is None:
        for snapshot in search_steps(found):
            searched = [*searched, *snapshot.finished]
            yield ExemplarSnapshot(0, 0.1 * snapshot.fraction_done, "finding the set")
    sets = _in_order(found, searched)
    reader = Reader(found, Path(folder), paths, count, each)
    yield ExemplarSnapshot(0, 0.1, f"{len(paths)} pictures")

    def current() -> list[xr.Dataset]:
        about = reader.about() | {"seconds": time.perf_counter() - began}
        return [
            build_exemplars(found.only([k]), ds, strongest, about)
            for k, (ds, strongest) in enumerate(zip(sets, reader.strongest, strict=True))
        ]

    while reader.read < len(paths):
        reader.step()
        done = 0.1 + 0.88 * reader.read / len(paths)
        summary = f"{reader.read} of {len(paths)} pictures"
        yield ExemplarSnapshot(reader.read, done, summary, current=current)
    if not reader.used:
        told = "; ".join(reader.skipped[:3])
        raise InvisError(f"folder {str(folder)!r} holds no picture that can be used: {told}")
    yield ExemplarSnapshot(reader.read, 1.0, f"{reader.used} pictures", current())


def exemplars(
    units: Units | str, folder: str | Path, count: int = 8, **settings: Any
) -> list[xr.Dataset]:
    """Run `exemplars_steps` to the end: one result for each unit, in the order of the units."""
    return until_done(exemplars_steps(units, folder, count, **settings))


def _in_order(units: Units, results: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """The set of each unit.

    Raises:
        InvisError: if one is missing.
    """
    by_address = {str(ds.attrs.get("address")): ds for ds in results}
    missing = [address for address in units.addresses if address not in by_address]
    if missing:
        raise InvisError(f"results lack the set of {missing[0]}: give one for each unit")
    return [by_address[address] for address in units.addresses]
