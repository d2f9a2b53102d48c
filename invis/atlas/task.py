"""One batch of a sweep, as a worker does it: search, and write each unit into the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from invis.atlas.layer import AtlasLayer
from invis.atlas.store import Atlas
from invis.errors import InvisError
from invis.models.address import Address
from invis.models.unit import Units, units_at
from invis.search import Settings, search_steps


@dataclass(frozen=True)
class Task:
    """What a worker needs to know of a batch; plain values, so that it travels.

    Attributes:
        store: path or URL.
        path: the layer in the store.
        address: the units.
        weights: as for `load_model`.
        settings: of the search.
        device: where; chosen by the worker where it is None.
    """

    store: str
    path: str
    address: Address
    weights: str | None
    settings: Settings
    device: str | None = None


@dataclass(frozen=True)
class News:
    """What happened in a batch since the last news.

    Attributes:
        path: the layer in the store.
        fraction_done: of the batch, 0 to 1, an estimate.
        finished: channels that are in the store now.
        failed: channels that could not be searched, and why.
    """

    path: str
    fraction_done: float
    finished: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The layer."""
        return self.path


def task_steps(task: Task) -> Iterator[News]:
    """Search the units of a batch that the store lacks, and write each as soon as it is found.

    Units that the store has already, because a lost worker finished them, count as finished. A
    batch whose search fails is searched unit by unit, so that a bad unit costs itself only.

    Raises:
        InvisError: where the store cannot be written, or has no such layer.
    """
    layer = open_layer(task.store, task.path)
    done = set(layer.done())
    todo = [one for one in task.address.channels if one not in done]
    yield News(task.path, 0.0, [one for one in task.address.channels if one in done])
    if todo:
        every = replace(task.address, channels=tuple(range(layer.channels)))
        units = _layer_units(every, task.weights, task.device)
        if units.model.weights_hash != layer.weights_hash:
            raise InvisError(
                f"weights of {task.address} have the hash {units.model.weights_hash} here, but the "
                f"sweep was planned with {layer.weights_hash}: give this worker the same weights"
            )
        yield from _search_steps(layer, units, task, todo)


def _search_steps(
    layer: AtlasLayer, units: Units, task: Task, channels: Sequence[int]
) -> Iterator[News]:
    steps = search_steps(units.only(channels), task.settings)
    left = list(channels)
    while left:
        try:
            snapshot = next(steps)
        # Whatever one unit breaks must not end a sweep of days: it is kept and told.
        except Exception as error:
            reason = _reason(error)
            break
        finished = []
        for ds in snapshot.finished:
            layer.write(ds)
            finished.append(int(ds.attrs["channel"]))
            left.remove(finished[-1])
        yield News(task.path, snapshot.fraction_done, finished)
    if left and len(channels) == 1:
        layer.fail(left[0], reason)
        yield News(task.path, 1.0, failed={left[0]: reason})
    elif left:
        for one in left:
            yield from _search_steps(layer, units, task, [one])


def open_layer(store: str, path: str) -> AtlasLayer:
    """A layer that has been planned.

    Raises:
        InvisError: where the store lacks it.
    """
    layer = Atlas(store, mode="a").at(path)
    if layer:
        return layer
    raise InvisError(
        f"store {store!r} has no layer {path} here: give a store that all workers reach, such as a "
        "folder on a file system that they share"
    )


@lru_cache(maxsize=2)
def _layer_units(address: Address, weights: str | None, device: str | None) -> Units:
    """All units of a layer: batches of one layer follow each other, and loading takes a while."""
    return units_at(address, weights, device)


def _reason(error: Exception) -> str:
    """One line that tells what happened."""
    lines = str(error).splitlines() or [""]
    return lines[0] if isinstance(error, InvisError) else f"{type(error).__name__}: {lines[0]}"
