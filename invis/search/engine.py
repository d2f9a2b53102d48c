"""The main job as a generator of snapshots: maxima, sets, measured results."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
import xarray as xr
from torch import Tensor

from invis.models.unit import Units
from invis.search.band import Band
from invis.search.diverse import start_sets
from invis.search.problem import Problem
from invis.search.reference import Maxima, maxima_steps
from invis.search.result import build_result
from invis.search.settings import Settings

RESTARTS = 16
MOST_STEPS = 600
STEPS_PER_SNAPSHOT = 5
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

    def results(self) -> list[xr.Dataset]:
        """The units that are not finished as they stand now, measured, marked as not converged."""
        return self.current()


def unit_generator(seed: int, address: str) -> torch.Generator:
    """The random numbers of one unit, the same whatever else is searched with it."""
    digest = hashlib.sha256(f"{seed}|{address}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def set_steps(units: Units, settings: Settings) -> Iterator[Snapshot]:
    """Search the invariant sets of all units of a batch."""
    began = time.perf_counter()
    band = Band(units.image_shape, *settings.band_for(units.image_shape))
    problem = Problem(units, band, settings.contrast)
    generators = [unit_generator(settings.seed, address) for address in units.addresses]
    maxima: Maxima | None = None
    for step, news in enumerate(maxima_steps(problem, generators, RESTARTS)):
        if isinstance(news, Maxima):
            maxima = news
        else:
            yield Snapshot("reference", step, 0.3 * news, "finding the strongest images")
    assert maxima is not None
    free = maxima.free_values.clone()

    def result(
        unit: int, vectors: Tensor, reference: Tensor, *, steps: int = 0, converged: bool = True,
        dead: bool = False, course: tuple[list[int], list[float]] = ([], []),
    ) -> xr.Dataset:  # fmt: skip
        attrs = {
            "steps": steps,
            "seconds": time.perf_counter() - began,
            "converged": converged,
            "dead": dead,
            "batch": len(units),
        }
        return build_result(
            problem, settings, unit, vectors, reference, float(free[unit]), attrs, course
        )

    rise = maxima.best - problem.grey_response
    dead = (maxima.best <= 0) | (rise <= SMALLEST_RISE * maxima.best.abs())
    if dead.any():
        picked = [k for k in range(len(units)) if bool(dead[k])]
        lifeless = [
            result(k, _strongest(maxima, k, settings.images), maxima.reference[k], dead=True)
            for k in picked
        ]
        yield Snapshot("measure", 0, 0.3, f"{len(picked)} dead", lifeless)
    alive = (~dead).nonzero()[:, 0]
    if not len(alive):
        return
    sets = start_sets(
        problem, maxima, alive, [generators[k] for k in alive.tolist()],
        settings.images, settings.activation,
    )  # fmt: skip
    total = len(sets.units)

    def now(k: int, converged: bool) -> xr.Dataset:
        unit = int(sets.units[k])
        rows = slice(k * settings.images, (k + 1) * settings.images)
        free[unit] = torch.maximum(free[unit], sets.best[k])
        course = ([s for s, _ in sets.course], [float(d[k]) for _, d in sets.course])
        return result(
            unit, sets.held[rows], sets.reference[k], steps=sets.steps, converged=converged,
            course=course,
        )  # fmt: skip

    while len(sets.units):
        for _ in range(STEPS_PER_SNAPSHOT):
            sets.step()
        ended = sets.converged()
        late = sets.steps >= MOST_STEPS
        leaving = [k for k in range(len(sets.units)) if late or bool(ended[k])]
        finished = [now(k, bool(ended[k])) for k in leaving]
        staying = [k for k in range(len(sets.units)) if k not in set(leaving)]
        share = 1 - len(staying) / total
        done = 0.3 + 0.7 * max(share, min(sets.steps / 300, 0.95) * (1 - share))
        distance = float(sets.distance.mean())
        if leaving:
            sets = sets.only(torch.tensor(staying, dtype=torch.long))
        yield Snapshot(
            "set",
            sets.steps,
            done,
            f"{total - len(staying)}/{total} units, distance {distance:.2f} R",
            finished,
            lambda: [now(k, False) for k in range(len(sets.units))],
        )


def _strongest(maxima: Maxima, unit: int, count: int) -> Tensor:
    """(N, D) the strongest images that were found, repeated where there are fewer."""
    order = maxima.values[unit].argsort(descending=True)
    return maxima.vectors[unit][order[torch.arange(count, device=order.device) % len(order)]]
