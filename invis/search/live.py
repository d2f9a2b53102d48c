"""A search to look at while it runs: glimpses for a screen, results that outlast a stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import xarray as xr

from invis.models.unit import Units
from invis.search import search_steps
from invis.search.engine import Snapshot
from invis.search.preview import Preview

SECONDS_BETWEEN = 0.1


@dataclass(frozen=True)
class Glimpse:
    """Where a search stands, free of its machinery: it may be kept and read on any thread.

    Attributes:
        phase, step, fraction_done, summary: as in `Snapshot`.
        previews: the unfinished sets as they stand; empty where they were not asked for.
        finished: results of the units that ended since the last glimpse.
    """

    phase: str
    step: int
    fraction_done: float
    summary: str
    previews: list[Preview] = field(default_factory=list)
    finished: list[xr.Dataset] = field(default_factory=list)


class LiveSearch:
    """One search for one screen; `steps` is the work of a job.

    Attributes:
        results: of the units that ended, and after a stop of the others as they stood then.
        updates: glimpses given so far.
    """

    def __init__(
        self, open_units: Callable[[], Units], unfinished: bool = True, **settings: Any
    ) -> None:
        """`open_units` is called on the worker's thread; `settings` as for `search_steps`.

        Without `unfinished` there are no previews, and a stop keeps what had ended only: for
        batches of many units, where both take long.
        """
        self._open, self._unfinished, self._settings = open_units, unfinished, settings
        self.results: list[xr.Dataset] = []
        self.updates = 0

    def steps(self) -> Iterator[Glimpse]:
        """Search, with at most ten glimpses a second.

        Closing it measures the sets as they stand, so that a stop loses nothing that was seen.
        """
        snapshot: Snapshot | None = None
        shown = 0.0
        try:
            for snapshot in search_steps(self._open(), **self._settings):
                self.results += snapshot.finished
                now = time.perf_counter()
                if snapshot.finished or now - shown >= SECONDS_BETWEEN:
                    shown = now
                    self.updates += 1
                    yield self._glimpse(snapshot)
        except GeneratorExit:
            if snapshot is not None and self._unfinished:
                self.results += snapshot.results()
            raise

    def _glimpse(self, snapshot: Snapshot) -> Glimpse:
        return Glimpse(
            snapshot.phase,
            snapshot.step,
            snapshot.fraction_done,
            snapshot.summary,
            snapshot.previews() if self._unfinished else [],
            snapshot.finished,
        )
