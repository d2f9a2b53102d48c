"""Sweeps: the search of every unit of many layers into a store, resumed where it was left."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invis.atlas.batches import here, smallest
from invis.atlas.pattern import parse_pattern
from invis.atlas.plan import Plan, plan_steps
from invis.atlas.tally import SweepSnapshot, Tally
from invis.atlas.task import task_steps
from invis.atlas.workers import (
    cluster_workers,
    count_workers,
    local_workers,
    places,
    spread_steps,
    threads_of,
)
from invis.errors import InvisError
from invis.models.memory import check_memory
from invis.progress import told
from invis.search.settings import Settings, takes_settings

if TYPE_CHECKING:
    from distributed import Client

SECONDS_BETWEEN_COUNTS = 2.0
SECONDS_WITHOUT_WORKERS = 60.0
SECONDS_BETWEEN_LOOKS = 0.5
# Bytes of a process that has imported torch and searches nothing yet.
A_WORKER = 300_000_000


@takes_settings
def sweep_steps(
    pattern: str,
    store: str,
    units: str | None = None,
    *,
    weights: str | None = None,
    device: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    dry: bool = False,
    **named: Any,
) -> Generator[SweepSnapshot, None, Plan]:
    """Search every unit that the store lacks, step by step; closing the generator cancels.

    Each unit is written as soon as it is found, so whatever ends a sweep (a cancel, a kill, a lost
    worker) costs at most the batches in flight. The next sweep with the same settings goes on from
    there, and tries those units again that failed.

    Args:
        pattern: `MODEL[@WEIGHTS]/LAYERS`, such as `vgg19/conv1_1..conv4_4`; see `parse_pattern`.
        store: a folder or any fsspec URL; created where there is none.
        units: channels of every layer, such as `0-63`; all if left out.
        weights: a name or file for the pattern's model; workers need the file at the same place.
        device: where to compute.
        workers: processes of this machine, one a GPU, or with an equal share of its cores each;
            in this process if left out.
        scheduler: address of a dask scheduler, whose workers do the work.
        dry: plan only, and create nothing.
        named: settings by name, such as `images=8, alpha=0.9`: see `invis.search.Settings`.

    Returns:
        The plan.

    Raises:
        InvisError: for any bad argument, a store that cannot be written, a scheduler that is not
            reachable or is lost. Units that fail are no error: `SweepSnapshot.failures` tells them.
    """
    settings = Settings.of(**named)
    _check(workers, scheduler)
    # Workers have folders of their own.
    store = store if "://" in store else str(Path(store).absolute())
    weights = str(Path(weights).absolute()) if weights and Path(weights).is_file() else weights
    parts = parse_pattern(pattern, units)
    total = sum(len(part.channels) for part in parts)
    with ExitStack() as stack:
        client, place, on = None, None, device
        if scheduler is not None:
            client = stack.enter_context(cluster_workers(scheduler))
            while not count_workers(client):
                yield SweepSnapshot("wait", "", total, workers=0)
                time.sleep(SECONDS_BETWEEN_LOOKS)
            place, on = smallest(places(client, device)), None
        else:
            place = here(device, workers or 1)
        planning = plan_steps(parts, store, settings, weights, device, on, place, dry)
        plan = yield from told(planning, lambda layer: SweepSnapshot("plan", layer, total))
        if dry:
            return plan
        tally = Tally(plan)
        yield tally.now(place.workers)
        if workers is not None and plan.tasks:
            client = stack.enter_context(local_workers(workers))
        if client is None:
            for number, task in enumerate(plan.tasks):
                for news in task_steps(task):
                    yield tally.add(number, news)
        elif plan.tasks:
            yield from _spread(client, plan, tally, threads_of(workers) if workers else None)
    yield replace(tally.now(place.workers), phase="done", fraction_done=1.0, seconds_left=0.0)
    return plan


def sweep(pattern: str, store: str, units: str | None = None, **asked: Any) -> SweepSnapshot:
    """Run `sweep_steps` to the end.

    Returns:
        The last snapshot, with the addresses and failures of the whole sweep.
    """
    finished: list[str] = []
    failures: dict[str, str] = {}
    for progress in sweep_steps(pattern, store, units, **asked):
        finished += progress.finished
        failures |= progress.failures
    return replace(progress, finished=finished, failures=failures)


def sweep_plan(pattern: str, store: str, units: str | None = None, **asked: Any) -> Plan:
    """What `sweep` with the same arguments would do, and what it would cost; creates nothing."""
    steps = sweep_steps(pattern, store, units, dry=True, **asked)
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            return ended.value


def _check(workers: int | None, scheduler: str | None) -> None:
    if workers is not None and workers < 1:
        raise InvisError(f"workers is {workers}: use at least 1")
    if workers is not None:
        check_memory(A_WORKER * workers, f"workers {workers} need", "ask for fewer")
    if workers is not None and scheduler is not None:
        raise InvisError(
            f"workers {workers} and scheduler {scheduler!r} are given at once: a scheduler brings "
            "workers of its own, so leave out one"
        )


def _spread(
    client: Client, plan: Plan, tally: Tally, threads: int | None
) -> Iterator[SweepSnapshot]:
    """The search by workers; `threads` of each local one, None for those of a scheduler."""
    workers, looked = 0, 0.0
    alive = time.monotonic()
    for report in spread_steps(client, plan.tasks, threads):
        now = time.monotonic()
        if now - looked > SECONDS_BETWEEN_COUNTS:
            workers, looked = count_workers(client), now
        alive = now if workers else alive
        # A scheduler may get new workers after hours; local ones start at once or never.
        if threads is not None and now - alive > SECONDS_WITHOUT_WORKERS:
            raise InvisError(
                "all local workers were killed: what was finished is kept, so start the same sweep "
                "again, with fewer workers where memory is short"
            )
        yield tally.now(workers) if report is None else tally.add(*report, workers)
