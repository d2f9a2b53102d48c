"""The profile of a unit: its set at several floors, and what tells tolerance from invariance."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import xarray as xr

from invis.errors import InvisError
from invis.models.unit import Units
from invis.progress import Step, told, until_done
from invis.search.engine import Batch, batch_steps
from invis.search.islands import Heaped, islands_steps
from invis.search.ladder import Ladder
from invis.search.packing import DISTANCE, MOST_IMAGES, Packable, packing_steps
from invis.search.profile_result import Found, build_profile, usual_place
from invis.search.result import build_results
from invis.search.room import check_room
from invis.search.run import in_order, opened
from invis.search.settings import Settings, checked_floors
from invis.search.threads import on_threads, worthwhile_threads
from invis.search.tolerance import cap_width, heaps

FLOORS = (0.8, 0.9, 0.95, 0.98)

ProfileStep = Step[xr.Dataset]


def profile_steps(
    units: Units | str,
    alphas: Sequence[float] = FLOORS,
    settings: Settings | None = None,
    *,
    apart: float = DISTANCE,
    most: int = MOST_IMAGES,
    weights: str | None = None,
    device: str | torch.device | None = None,
    **named: Any,
) -> Iterator[ProfileStep]:
    """Search units at several floors, step by step; closing the generator cancels.

    Args:
        units: an address such as `vgg16/conv3_1/0-15`, or Units.
        alphas: the floors, at least two.
        settings: of the searches; `alpha` is none of them.
        apart: the distance that the images of a packing keep, in units of R.
        most: images at which a packing stops growing.
        weights: a name or file for the address's model.
        device: where to compute.
        named: settings by name, over those of `settings`.

    Raises:
        InvisError: at the first step, for any bad argument.
    """
    floors = checked_floors(alphas)
    if not 0 < apart <= 2:
        raise InvisError(f"apart is {apart:g}: use a distance from 0 to 2, in units of the norm R")
    if most < 2:
        raise InvisError(f"most is {most}: a packing needs room for at least 2")
    usual = floors[usual_place(floors)]
    asked = replace(Settings.of(settings, **named), alpha=usual)
    if asked.objective != "set" or asked.distance != Settings.distance:
        raise InvisError(
            "a profile is of sets above a floor that differ as images: leave objective and "
            "distance as they are"
        )
    found = opened(units, weights, device)
    check_room(found, replace(asked, images=max(asked.images, most)), sets=len(floors))
    steps = _steps(found, floors, asked, apart, most)
    yield from on_threads(steps, worthwhile_threads(found, asked.images))


def profile(
    units: Units | str,
    alphas: Sequence[float] = FLOORS,
    settings: Settings | None = None,
    *,
    weights: str | None = None,
    device: str | torch.device | None = None,
    **asked: Any,
) -> list[xr.Dataset]:
    """Run `profile_steps` to the end.

    Returns:
        One profile for each unit, in the order of the units.
    """
    where = opened(units, weights, device)
    return in_order(until_done(profile_steps(where, alphas, settings, **asked)), where)


def _steps(
    units: Units, floors: tuple[float, ...], settings: Settings, apart: float, most: int
) -> Generator[ProfileStep, None, None]:
    began = time.perf_counter()
    dead: list[xr.Dataset] = []

    def reading(snapshot: Any) -> ProfileStep:
        dead.extend(snapshot.finished)
        return Step(0.4 * snapshot.fraction_done, snapshot.summary)

    batch: Batch = yield from told(batch_steps(units, settings), reading)
    if dead:
        lifeless = [build_profile([ds] * len(floors), floors, None) for ds in dead]
        yield Step(0.12, f"{len(dead)} dead", lifeless)
    if not len(batch.alive):
        return
    problem, generators = batch.problem, [batch.generators[k] for k in batch.alive.tolist()]
    ladder = Ladder(problem, batch.maxima, batch.alive, generators, settings.images, floors)
    usual = settings.alpha
    yield from told(ladder.steps(usual), lambda news: Step(0.12 + 0.6 * news[0], news[1]))
    kept = [ladder.fractions(ladder.rungs[alpha].vectors).mean(1).tolist() for alpha in floors]
    sets = [_measured(batch, ladder, alpha, began) for alpha in floors]
    given = Packable(
        problem, ladder.units, ladder.best, ladder.reference, usual,
        ladder.rungs[usual].vectors, ladder.known(usual),
    )  # fmt: skip
    packed = yield from told(
        packing_steps(given, generators, apart, most),
        lambda share: Step(0.75 + 0.15 * share, "how many fit"),
    )
    heaped = [
        _heaped(ladder, k, alpha, sets[f][k])
        for k in range(len(ladder.units)) for f, alpha in enumerate(floors)
    ]  # fmt: skip
    islands = yield from told(
        islands_steps(problem, heaped), lambda share: Step(0.9 + 0.09 * share, "walks")
    )
    done = []
    for k in range(len(ladder.units)):
        mine = slice(k * len(floors), (k + 1) * len(floors))
        found = Found(
            kept=np.array([one[k] for one in kept]),
            vectors=np.stack([ladder.rungs[a].vectors[k].cpu().numpy() for a in floors]),
            heaps=np.stack([one.heaps for one in heaped[mine]]),
            islands=islands[mine],
            packing=len(packed[k]),
            apart=apart,
            most=most,
            seconds=time.perf_counter() - began,
        )
        done.append(build_profile([one[k] for one in sets], floors, found))
    yield Step(1.0, f"{len(done)} units", done)


def _measured(batch: Batch, ladder: Ladder, alpha: float, began: float) -> list[xr.Dataset]:
    """The sets at one floor as results."""
    rung = ladder.rungs[alpha]
    ended = [
        batch.ended(
            int(unit), rung.vectors[k], ladder.reference[k],
            steps=int(rung.steps[k]), converged=bool(rung.converged[k]), best=float(ladder.best[k]),
        )
        for k, unit in enumerate(ladder.units)
    ]  # fmt: skip
    return build_results(batch.problem, replace(batch.settings, alpha=alpha), ended)


def _heaped(ladder: Ladder, k: int, alpha: float, ds: xr.Dataset) -> Heaped:
    vectors = ds["vectors"].values
    found = heaps(vectors, cap_width(float(ds.attrs["beta"])))
    places = torch.as_tensor(vectors, device=ladder.best.device)
    return Heaped(int(ladder.units[k]), float(ladder.best[k]), alpha, places, found)
