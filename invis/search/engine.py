"""The main job as a generator of snapshots: maxima, sets, measured results."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, Self

import torch
import xarray as xr
from torch import Tensor

from invis.models.unit import Units
from invis.search.course import Course, Mark, of_unit
from invis.search.diverse import start_sets
from invis.search.feature_null import feature_null
from invis.search.features import Features
from invis.search.metric import metric_for
from invis.search.preview import Preview, preview
from invis.search.problem import Problem
from invis.search.reference import Climb, Maxima, maxima_steps
from invis.search.result import Ended, build_results
from invis.search.settings import Settings

RESTARTS = 96
MOST_STEPS = 900
USUAL_STEPS = 300
STEPS_PER_SNAPSHOT = 5
LONGEST_SILENCE = 0.1
# A response above grey this small against the response itself is rounding, not selectivity.
SMALLEST_RISE = 1e-5


@dataclass(frozen=True)
class Snapshot:
    """Where a search stands.

    Attributes:
        phase: `reference`, `set` or `measure`.
        step: steps taken in this phase.
        fraction_done: 0 to 1, an estimate.
        summary: a few words for a progress bar.
        finished: results of the units that ended since the last snapshot.
    """

    phase: str
    step: int
    fraction_done: float
    summary: str
    finished: list[xr.Dataset] = field(default_factory=list)
    current: Callable[[], list[xr.Dataset]] = field(default=list, repr=False)
    glance: Callable[[], list[Preview]] = field(default=list, repr=False)

    def results(self) -> list[xr.Dataset]:
        """The units that are not finished as they stand now, measured, marked as not converged."""
        return self.current()

    def previews(self) -> list[Preview]:
        """The same at a glance: cheap enough for every snapshot, not measured on the full model.

        Like `results` it must be asked for before the search goes on, on the same thread.
        """
        return self.glance()


@dataclass
class Batch:
    """The units of one search once their maxima are known.

    Attributes:
        generators: (U) random numbers of each unit.
        maxima: of all units.
        alive: (A,) the units that can be searched.
        began: when, by `time.perf_counter`.
        features: what distances are between; images if None.
    """

    problem: Problem
    settings: Settings
    generators: list[torch.Generator]
    maxima: Maxima
    alive: Tensor
    began: float
    features: Features | None = None

    def ended(
        self, unit: int, vectors: Tensor, reference: Tensor, *, steps: int = 0,
        converged: bool = True, dead: bool = False,
        course: Course = (), best: float = -torch.inf,
        feature_distance: float | None = None,
    ) -> Ended:  # fmt: skip
        """A unit's set (N, D) and what is known of it; a_free cannot be below `best`."""
        attrs: dict[str, Any] = {
            "steps": steps,
            "seconds": time.perf_counter() - self.began,
            "converged": converged,
            "dead": dead,
            "batch": len(self.generators),
        }
        if self.features is not None and feature_distance is not None:
            null = feature_null(
                self.problem, self.settings, self.features, unit, reference,
                self.generators[unit], MOST_STEPS,
            )  # fmt: skip
            attrs |= {
                "feature_distance": feature_distance,
                "feature_null_distance": null,
                "feature_index": feature_distance / null if null > 0 else math.nan,
            }
        free = max(float(self.maxima.free_values[unit]), best)
        return Ended(unit, vectors, reference, free, attrs, course)

    def results(self, ended: list[Ended]) -> list[xr.Dataset]:
        """Measure sets."""
        return build_results(self.problem, self.settings, ended)


class Searched(Protocol):
    """What the sets of a batch offer while they are searched; U units, B = U N images.

    Attributes:
        units: (U,) which unit of the problem each set belongs to.
        best: (U,) a*, the response that counts as 1.
        reference: (U, D) its image.
        held: (B, D) the sets as they stand.
        held_value: (B,) their fractions (f - g) / (a* - g).
        course: marks of steps past.
    """

    units: Tensor
    best: Tensor
    reference: Tensor
    held: Tensor
    steps: int
    course: list[Mark]

    @property
    def held_value(self) -> Tensor: ...

    @property
    def distance(self) -> Tensor:
        """(U,) mean distance to the nearest neighbour, in units of R."""

    def step(self) -> None:
        """Move every image once."""

    def converged(self) -> Tensor:
        """(U,) on the CPU: there is nothing more to gain; asked after every few steps."""

    def only(self, keep: Tensor) -> Self:
        """The sets of some units (K,), with their state."""


def unit_generator(seed: int, address: str) -> torch.Generator:
    """The random numbers of one unit, the same whatever else is searched with it."""
    return torch.Generator().manual_seed(unit_seed(seed, address))


def unit_seed(seed: int, address: str) -> int:
    """56 bits that follow from a seed and a unit's address."""
    digest = hashlib.sha256(f"{seed}|{address}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def set_steps(units: Units, settings: Settings) -> Generator[Snapshot, None, None]:
    """Search the invariant sets of all units of a batch."""
    batch = yield from batch_steps(units, settings)
    if not len(batch.alive):
        return
    generators = [batch.generators[k] for k in batch.alive.tolist()]
    sets = start_sets(
        batch.problem, batch.maxima, batch.alive, generators, settings.images,
        settings.alpha, batch.features,
    )  # fmt: skip
    yield from search_sets(batch, sets, MOST_STEPS, USUAL_STEPS)


def batch_steps(units: Units, settings: Settings) -> Generator[Snapshot, None, Batch]:
    """Find the maxima of all units and report the dead ones; returns the batch."""
    began = time.perf_counter()
    problem = Problem(units, metric_for(settings, units.image_shape))
    features = None if settings.distance == "images" else Features(units, settings.distance)
    generators = [unit_generator(settings.seed, address) for address in units.addresses]
    maxima: Maxima | None = None
    for step, news in enumerate(maxima_steps(problem, generators, RESTARTS)):
        if isinstance(news, Maxima):
            maxima = news
        else:
            climb = partial(_climbing, problem, news, settings.images)
            summary = "finding the strongest images"
            yield Snapshot("reference", step, 0.3 * news.done, summary, glance=climb)
    assert maxima is not None
    rise = maxima.best - problem.grey_response
    dead = (maxima.best <= 0) | (rise <= SMALLEST_RISE * maxima.best.abs())
    alive = (~dead).nonzero()[:, 0]
    batch = Batch(problem, settings, generators, maxima, alive, began, features)
    if dead.any():
        picked = dead.nonzero()[:, 0].tolist()
        lifeless = [
            batch.ended(k, _strongest(maxima, k, settings.images), maxima.reference[k], dead=True)
            for k in picked
        ]
        yield Snapshot("measure", 0, 0.3, f"{len(picked)} dead", batch.results(lifeless))
    return batch


def search_sets(
    batch: Batch, sets: Searched, most_steps: int, usual_steps: int
) -> Iterator[Snapshot]:
    """Step the sets until each has converged or `most_steps` are taken; who has ended leaves."""
    total, images = len(sets.units), batch.settings.images

    def now(k: int, ended: bool) -> Ended:
        rows = slice(k * images, (k + 1) * images)
        return batch.ended(
            int(sets.units[k]),
            sets.held[rows],
            sets.reference[k],
            steps=sets.steps,
            converged=ended and float(sets.held_value[rows].min()) >= batch.settings.alpha,
            course=of_unit(sets.course, k),
            best=float(sets.best[k]),
            feature_distance=float(sets.distance[k]) if batch.features is not None else None,
        )

    def unfinished() -> list[xr.Dataset]:
        return batch.results([now(k, False) for k in range(len(sets.units))])

    def glance() -> list[Preview]:
        return [
            preview(
                batch.problem, int(sets.units[k]), sets.held[k * images : (k + 1) * images],
                sets.reference[k], sets.held_value[k * images : (k + 1) * images],
                of_unit(sets.course, k),
            )
            for k in range(len(sets.units))
        ]  # fmt: skip

    def snapshot(finished: list[xr.Dataset]) -> Snapshot:
        ended, steps = 1 - len(sets.units) / total, min(sets.steps / usual_steps, 0.95)
        summary = f"{total - len(sets.units)}/{total} units"
        if len(sets.units):
            summary += f", distance {float(sets.distance.mean()):.2f} R"
        done = 0.3 + 0.7 * (ended + (1 - ended) * steps)
        return Snapshot("set", sets.steps, done, summary, finished, unfinished, glance)

    shown = time.perf_counter()
    while len(sets.units):
        for _ in range(STEPS_PER_SNAPSHOT):
            # Steps of large batches and deep layers are long: whoever watches may want to stop.
            if time.perf_counter() - shown > LONGEST_SILENCE:
                yield snapshot([])
                shown = time.perf_counter()
            sets.step()
        ended = sets.converged()
        late = sets.steps >= most_steps
        leaving = [k for k in range(len(sets.units)) if late or bool(ended[k])]
        finished = batch.results([now(k, bool(ended[k])) for k in leaving])
        if leaving:
            staying = [k for k in range(len(sets.units)) if k not in set(leaving)]
            sets = sets.only(torch.tensor(staying, dtype=torch.long))
        yield snapshot(finished)
        shown = time.perf_counter()


def _climbing(problem: Problem, climb: Climb, count: int) -> list[Preview]:
    """The strongest images of each unit that were met so far, as shares of the strongest."""
    found = []
    for unit, grey in enumerate(problem.grey_response):
        values = climb.values[unit]
        order = values.argsort(descending=True)
        order = order[torch.arange(count, device=order.device) % len(order)]
        fractions = (values[order] - grey) / (values.max() - grey).clamp_min(1e-12)
        vectors = climb.vectors[unit][order]
        found.append(preview(problem, unit, vectors, vectors[0], fractions, ()))
    return found


def _strongest(maxima: Maxima, unit: int, count: int) -> Tensor:
    """(N, D) the strongest images that were found, repeated where there are fewer."""
    order = maxima.values[unit].argsort(descending=True)
    return maxima.vectors[unit][order[torch.arange(count, device=order.device) % len(order)]]
