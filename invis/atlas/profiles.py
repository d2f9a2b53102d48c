"""Profiles of an atlas's units, kept as notes beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from invis.atlas.annotate import PROFILE, Annotated, units_of
from invis.atlas.layer import AtlasLayer
from invis.search.again import settings_of
from invis.search.profile import profile_steps
from invis.search.profile_result import summary

# Units that are searched together.
BATCH = 16


def profiles_steps(
    layers: Sequence[AtlasLayer], weights: str | None = None, device: str | None = None
) -> Iterator[Annotated]:
    """Profile every finished unit that has no note yet, with the settings of its layer.

    Args:
        layers: of an atlas opened with mode `a`.
        weights: a name or file, where the atlas was made with a file.
        device: where to compute.

    Yields:
        The same record again and again.

    Raises:
        InvisError: where a model cannot be loaded or nothing can be written.
    """
    channels = [sorted(layer.done()) for layer in layers]
    told = Annotated(total=sum(map(len, channels)))
    yield told
    for layer, finished in zip(layers, channels, strict=True):
        missing = [one for one in finished if layer.noted(one, PROFILE) is None]
        told.done += len(finished) - len(missing)
        yield told
        if not missing:
            continue
        ds = layer.read(missing[0])
        units = units_of(layer, str(ds.attrs["address"]), weights, device)
        settings = settings_of(ds)
        for start in range(0, len(missing), BATCH):
            part = missing[start : start + BATCH]
            for snapshot in profile_steps(units.only(part), settings=settings):
                for found in snapshot.finished:
                    layer.note(int(found.attrs["channel"]), PROFILE, summary(found))
                    told.done += 1
                yield told
