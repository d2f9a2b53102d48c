"""Whether an atlas is whole: every finished unit is read and compared with what was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from invis.atlas.store import Atlas
from invis.errors import InvisError
from invis.progress import Counted, until_done


@dataclass
class Report(Counted):
    """What was found so far; each unit is finished once or not at all.

    Attributes:
        layers: looked at.
        failed: `PATH/CHANNEL` -> reason of units that a sweep could not search.
        damaged: `PATH/CHANNEL` -> what is wrong with a unit that counts as finished; `PATH` where
            it is the whole layer.
    """

    layers: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)


def verify_steps(atlas: Atlas, repair: bool = False) -> Iterator[Report]:
    """Read every finished unit; the same report again and again, which grows.

    Args:
        atlas: opened with mode `a` to repair.
        repair: make damaged units unfinished, so that the next sweep searches them again.

    Raises:
        InvisError: where a repair cannot be written.
    """
    layers = [(layer, sorted(layer.done())) for layer in atlas.layers()]
    report = Report(total=sum(len(channels) for _, channels in layers))
    report.damaged |= atlas.damaged()
    if repair:
        for path in report.damaged:
            atlas.forget(path)
    yield report
    for layer, channels in layers:
        report.layers += 1
        report.failed |= {f"{layer.path}/{k}": why for k, why in layer.failed().items()}
        for channel in channels:
            report.done += 1
            why = ""
            if not 0 <= channel < layer.channels:
                why = f"the layer has {layer.channels} units"
            else:
                try:
                    found = layer.read(channel)
                    if int(found.attrs["channel"]) != channel:
                        why = f"it is channel {found.attrs['channel']}"
                except InvisError as error:
                    why = str(error).partition(" is damaged: ")[2].partition("; `")[0] or str(error)
            if why:
                report.damaged[f"{layer.path}/{channel}"] = why
                if repair:
                    layer.drop(channel)
            yield report


def verify(atlas: Atlas, repair: bool = False) -> Report:
    """Run `verify_steps` to the end."""
    return until_done(verify_steps(atlas, repair))[-1]
