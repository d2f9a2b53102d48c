"""How far a sweep is: what has been finished, what failed, how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from invis.atlas.plan import Plan
from invis.atlas.task import News


@dataclass(frozen=True)
class SweepSnapshot:
    """Where a sweep stands.

    Attributes:
        phase: `plan`, `wait` (for a worker), `search` or `done`.
        layer: what is planned or searched, as in addresses.
        total: units asked for.
        done: units of these in the store, with those of earlier sweeps.
        before: units of these that earlier sweeps had finished.
        failed: units that failed in this sweep so far.
        workers: who search at the moment.
        seconds: since the search began.
        seconds_left: an estimate, None while there is nothing to go by.
        fraction_done: 0 to 1, of the work that this sweep has to do.
        finished: addresses of the units that ended since the last snapshot.
        failures: address -> reason, since the last snapshot.
    """

    phase: str
    layer: str
    total: int
    done: int = 0
    before: int = 0
    failed: int = 0
    workers: int = 1
    seconds: float = 0.0
    seconds_left: float | None = None
    fraction_done: float = 0.0
    finished: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """A few words for a progress bar."""
        if self.phase == "plan":
            return f"planning {self.layer}"
        if self.phase == "wait":
            return "waiting for a worker of the scheduler"
        words = [f"{self.done}/{self.total} units", self.layer]
        if self.failed:
            words.insert(1, f"{self.failed} failed")
        if self.workers != 1:
            words.append(f"{self.workers} workers")
        if self.seconds_left is not None and self.phase == "search":
            words.append(f"{duration(self.seconds_left)} left")
        return ", ".join(words)


class Tally:
    """Counts what the batches of a plan report; work is weighed by the seconds it should take.

    Attributes:
        done: units in the store, with those of earlier sweeps.
        failed: units that failed.
    """

    def __init__(self, plan: Plan) -> None:
        self._total, self._before = plan.units, plan.units - plan.todo
        self._layers = {layer.path: layer for layer in plan.layers}
        self._tasks = plan.tasks
        self._ended: list[set[int]] = [set() for _ in plan.tasks]
        self._spent = [0.0] * len(plan.tasks)
        self._work = sum(layer.seconds for layer in plan.layers)
        self._began = time.perf_counter()
        self._layer = ""
        self.done, self.failed = self._before, 0

    def add(self, number: int, news: News, workers: int = 1) -> SweepSnapshot:
        """Count what the batch `number` reports; what it had reported before counts once."""
        ended, layer = self._ended[number], self._layers[news.path]
        finished = [k for k in news.finished if k not in ended]
        failed = {k: why for k, why in news.failed.items() if k not in ended}
        ended |= {*finished, *failed}
        self.done += len(finished)
        self.failed += len(failed)
        size = len(self._tasks[number].address.channels)
        share = max(news.fraction_done, len(ended) / size)
        self._spent[number] = max(self._spent[number], share * size * layer.cost.seconds)
        self._layer = layer.address
        return self.now(
            workers,
            [f"{layer.address}/{k}" for k in finished],
            {f"{layer.address}/{k}": why for k, why in failed.items()},
        )

    def now(
        self,
        workers: int = 1,
        finished: Sequence[str] = (),
        failures: Mapping[str, str] | None = None,
    ) -> SweepSnapshot:
        """Where the sweep stands."""
        seconds = time.perf_counter() - self._began
        share = min(1.0, sum(self._spent) / self._work) if self._work else 1.0
        return SweepSnapshot(
            phase="search",
            layer=self._layer,
            total=self._total,
            done=self.done,
            before=self._before,
            failed=self.failed,
            workers=workers,
            seconds=seconds,
            seconds_left=seconds * (1 - share) / share if share else None,
            fraction_done=share,
            finished=list(finished),
            failures=dict(failures or {}),
        )


def duration(seconds: float) -> str:
    """Seconds as people say them: `40 s`, `12 min`, `3.5 h`, `2.1 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 or unit == "min" else f"{value:.1f} {unit}"
    return f"{seconds:.0f} s"
