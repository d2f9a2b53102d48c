"""Probes and explanations of an atlas's units, kept as notes beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from invis.atlas.layer import AtlasLayer
from invis.errors import InvisError
from invis.models.unit import Units, units_at
from invis.probe.explain.explanation import explain_steps
from invis.probe.probe import probe_steps
from invis.progress import Counted

# Kinds of notes and what makes them, the one whose sentence is shown first.
NOTES: dict[str, Callable[..., Iterator[Any]]] = {
    "explain": partial(explain_steps, photographs=False),
    "probe": probe_steps,
}
# The kind of note that tells tolerance from invariance: `invis.atlas.profiles` makes it.
PROFILE = "profile"


@dataclass
class Annotated(Counted):
    """The finished units of layers; done are those that have a note now, or can have none.

    Attributes:
        failed: `PATH/CHANNEL` -> why a unit has none.
    """

    failed: dict[str, str] = field(default_factory=dict)


def annotate_steps(
    layers: Sequence[AtlasLayer],
    weights: str | None = None,
    device: str | None = None,
    note: str = "probe",
) -> Iterator[Annotated]:
    """Probe or explain every finished unit that has no such note yet; one record, again and again.

    Args:
        layers: of an atlas opened with mode `a`.
        weights: a name or file, where the atlas was made with a file.
        device: where to compute.
        note: its kind, of NOTES.

    Raises:
        InvisError: where a model cannot be loaded or nothing can be written.
    """
    channels = [sorted(layer.done()) for layer in layers]
    told = Annotated(total=sum(map(len, channels)))
    yield told
    for layer, finished in zip(layers, channels, strict=True):
        units: Units | None = None
        for channel in finished:
            told.done += 1
            if layer.noted(channel, note) is not None:
                yield told
                continue
            ds = layer.read(channel)
            if units is None and not ds.attrs["dead"]:
                units = units_of(layer, str(ds.attrs["address"]), weights, device)
            for snapshot in NOTES[note](ds, units.only([channel]) if units else None):
                for found in snapshot.finished:
                    layer.note(channel, note, found.summary())
                for why in snapshot.skipped.values():
                    told.failed[f"{layer.path}/{channel}"] = why
            yield told


def sentence_of(row: Mapping[str, Any]) -> str:
    """What is said of a unit, of a row of a table with notes; empty where it has none."""
    return next((str(row[key]) for key in (f"{n}_sentence" for n in NOTES) if row.get(key)), "")


def first_note(layer: AtlasLayer, channel: int) -> dict[str, Any] | None:
    """The note of a unit whose sentence is shown; None where it has none."""
    return next((one for n in NOTES if (one := layer.noted(channel, n)) is not None), None)


def units_of(layer: AtlasLayer, address: str, weights: str | None, device: str | None) -> Units:
    """All units of a layer.

    Args:
        layer: of an atlas.
        address: of any of its units.

    Raises:
        InvisError: where the weights are not those of the atlas.
    """
    every = f"{address.rpartition('/')[0]}/0-{layer.channels - 1}"
    units = units_at(every, weights, device)
    if units.model.weights_hash != layer.weights_hash:
        raise InvisError(
            f"weights of {address} have the hash {units.model.weights_hash} here, but "
            f"{layer.path} was made with others: give those"
        )
    return units
