"""The plan of a sweep: what the store lacks, in batches; one process creates the arrays here."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from invis.atlas.batches import Place, batch_size, split
from invis.atlas.estimate import Cost, unit_cost
from invis.atlas.pattern import Part
from invis.atlas.store import Atlas, existing
from invis.atlas.task import Task
from invis.models.unit import units_at
from invis.search import Settings
from invis.search.room import check_room


@dataclass(frozen=True)
class PlannedLayer:
    """What a sweep has to do in one layer.

    Attributes:
        address: of the layer, as its units have it.
        path: in the store; "" where a dry run found no such layer yet.
        units: how many are asked for.
        failed: channel -> reason of an earlier sweep; they are tried again.
        todo: channels that the store lacks, the failed ones among them.
        size: units a batch.
        cost: of one unit; zero where nothing is to do.
    """

    address: str
    path: str
    units: int
    failed: dict[int, str]
    todo: tuple[int, ...]
    size: int
    cost: Cost

    @property
    def batches(self) -> list[tuple[int, ...]]:
        """The units to do, each in exactly one batch."""
        return split(self.todo, self.size)

    @property
    def seconds(self) -> float:
        """Of one worker for the whole layer."""
        return len(self.todo) * self.cost.seconds

    @property
    def bytes(self) -> int:
        """Of the units to do, in the store, at most."""
        return len(self.todo) * self.cost.bytes


@dataclass(frozen=True)
class Plan:
    """All layers of a sweep, and the batches in the order in which they are searched.

    Attributes:
        workers: how many will search them.
    """

    workers: int = 1
    layers: list[PlannedLayer] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)

    @property
    def units(self) -> int:
        """Units asked for."""
        return sum(layer.units for layer in self.layers)

    @property
    def todo(self) -> int:
        """Units that the store lacks."""
        return sum(len(layer.todo) for layer in self.layers)

    @property
    def seconds(self) -> float:
        """What the workers will need, all of them busy all the time."""
        return sum(layer.seconds for layer in self.layers) / self.workers

    @property
    def bytes(self) -> int:
        """What will be added to the store, at most."""
        return sum(layer.bytes for layer in self.layers)


def plan_steps(
    parts: list[Part], store: str, settings: Settings, weights: str | None, device: str | None,
    here: str | None, place: Place, dry: bool = False,
) -> Generator[str, None, Plan]:  # fmt: skip
    """Look at every layer and create its arrays; yields the layer that it looks at.

    Args:
        parts: what is asked for.
        store, settings, weights, device: as for `sweep_steps`.
        here: device of this process, on which costs are measured.
        place: where batches will be searched.
        dry: create nothing; then the store need not exist.

    Raises:
        InvisError: where a model cannot be loaded, a unit does not fit into the memory, or the
            store cannot be written.
    """
    atlas = existing(store) if dry else Atlas(store, mode="a")
    plan = Plan(place.workers)
    for part in parts:
        yield str(part.address()).rpartition("/")[0]
        units = units_at(part.address(), weights, here)
        # One unit must fit: batches grow only as far as there is room.
        check_room(units.only([0]), settings, free=place.memory)
        if atlas is None:
            layer = None
        else:
            layer = atlas.find(units, settings) if dry else atlas.plan(units, settings)
        done = set(layer.done()) if layer else set()
        failed = layer.failed() if layer else {}
        todo = tuple(one for one in part.channels if one not in done)
        planned = PlannedLayer(
            address=units.addresses[0].rpartition("/")[0],
            path=layer.path if layer else "",
            units=len(part.channels),
            failed={one: why for one, why in failed.items() if one in todo},
            todo=todo,
            size=batch_size(units.image_shape, settings.images, place, len(todo)),
            cost=unit_cost(units, settings) if todo else Cost(0.0, 0),
        )
        plan.layers.append(planned)
        plan.tasks.extend(
            Task(store, planned.path, part.address(channels), weights, settings, device)
            for channels in planned.batches
        )
    return plan
