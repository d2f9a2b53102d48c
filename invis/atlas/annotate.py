"""Probes of an atlas's units, kept as notes beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from invis.atlas.layer import AtlasLayer
from invis.errors import InvisError
from invis.models.unit import Units, units_at
from invis.probe.probe import probe_steps
from invis.progress import Counted

NOTE = "probe"


@dataclass
class Annotated(Counted):
    """The finished units of layers; done are those that have a note now, or can have none.

    Attributes:
        failed: `PATH/CHANNEL` -> why a unit has none.
    """

    failed: dict[str, str] = field(default_factory=dict)


def annotate_steps(
    layers: Sequence[AtlasLayer], weights: str | None = None, device: str | None = None
) -> Iterator[Annotated]:
    """Probe every finished unit that has no note yet; the same record again and again.

    Args:
        layers: of an atlas opened with mode `a`.
        weights: a name or file, where the atlas was made with a file.
        device: where to compute.

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
            if layer.noted(channel, NOTE) is not None:
                yield told
                continue
            ds = layer.read(channel)
            if units is None and not ds.attrs["dead"]:
                units = _units(layer, str(ds.attrs["address"]), weights, device)
            for snapshot in probe_steps(ds, units.only([channel]) if units else None):
                for found in snapshot.finished:
                    layer.note(channel, NOTE, found.summary())
                for why in snapshot.skipped.values():
                    told.failed[f"{layer.path}/{channel}"] = why
            yield told


def _units(layer: AtlasLayer, address: str, weights: str | None, device: str | None) -> Units:
    """All units of a layer, loaded once."""
    every = f"{address.rpartition('/')[0]}/0-{layer.channels - 1}"
    units = units_at(every, weights, device)
    if units.model.weights_hash != layer.weights_hash:
        raise InvisError(
            f"weights of {address} have the hash {units.model.weights_hash} here, but "
            f"{layer.path} was made with others: give those"
        )
    return units
