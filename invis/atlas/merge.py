"""Atlases made apart, put into one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import zarr

from invis.atlas.layer import AtlasLayer
from invis.atlas.store import Atlas
from invis.errors import InvisError
from invis.progress import Counted, until_done


@dataclass
class Merged(Counted):
    """What was taken so far of the units of all sources.

    Attributes:
        taken: units that the target lacked.
        same: units that it had already.
        differing: `PATH/CHANNEL` of units that it had with other images; it keeps its own.
    """

    taken: int = 0
    same: int = 0
    differing: list[str] = field(default_factory=list)


def merge_steps(target: Atlas, sources: Sequence[Atlas]) -> Iterator[Merged]:
    """Take from each source what the target lacks, unit by unit, with all notes.

    Raises:
        InvisError: for a damaged unit, a layer of another shape, or where nothing can be written.
    """
    layers = [layer for source in sources for layer in source.layers()]
    merged = Merged(total=sum(len(layer.done()) for layer in layers))
    yield merged
    for layer in layers:
        into = target.at(layer.path) or target.create(layer.path, layer.attrs(), layer.shape())
        if into.shape() != layer.shape() or into.channels != layer.channels:
            raise InvisError(
                f"source holds {layer.path} with {layer.channels} units of {layer.shape()}, the "
                f"target {into.channels} of {into.shape()}: they cannot be one layer"
            )
        known = into.done()
        for channel in sorted(layer.done()):
            _take(layer, into, channel, channel in known, merged)
            yield merged


def consolidated_copy(atlas: Atlas, url: str) -> None:
    """A copy whose metadata are in one file: quick to open from afar, and no place to append to.

    Raises:
        InvisError: for a damaged unit, or where nothing can be written.
    """
    until_done(merge_steps(Atlas(url, mode="a"), [atlas]))
    with warnings.catch_warnings():
        # Zarr warns that version 3 has no final word on consolidated metadata.
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(url, zarr_format=3)


def _take(layer: AtlasLayer, into: AtlasLayer, channel: int, known: bool, merged: Merged) -> None:
    merged.done += 1
    if not known:
        into.write(layer.read(channel))
        merged.taken += 1
    elif _same(layer, into, channel):
        merged.same += 1
    else:
        merged.differing.append(f"{layer.path}/{channel}")
        return
    for name in layer.notes():
        value = layer.noted(channel, name)
        if value is not None and into.noted(channel, name) is None:
            into.note(channel, name, value)


def _same(layer: AtlasLayer, into: AtlasLayer, channel: int) -> bool:
    """Whether both found the same images; how long it took may differ."""
    if into.record(channel)["hash"] == layer.record(channel)["hash"]:
        return True
    return np.array_equal(into.thumbnails([channel]), layer.thumbnails([channel]))
