"""Long work off the user interface's loop: one worker thread a device, and a queue before it.

Work is a generator of snapshots; see `invis.progress.Progress`. The worker keeps the latest one; a
user interface looks at it on its own loop, with `follow`, and is the only one to touch widgets.
Cancelling closes the generator between two snapshots, so that it can tidy up on that thread.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar

from invis.errors import InvisError
from invis.progress import Progress

S = TypeVar("S", bound=Progress[Any])
Work = Callable[[], Iterable[S]]

CAPACITY = 64
LOOKS_PER_SECOND = 12
SECONDS_TO_LEAVE = 10.0

log = logging.getLogger(__name__)


class State(StrEnum):
    """Of a job: the last three are final."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Generic[S]):
    """One piece of work in the queue of a worker; every method may be called from any thread.

    Attributes:
        label: what it is, for people.
        latest: the last snapshot, None before the first.
        count: snapshots so far.
        error: one sentence where the work failed, else "".
    """

    def __init__(self, label: str, work: Work[S], worker: Worker) -> None:
        self.label = label
        self.latest: S | None = None
        self.count = 0
        self.error = ""
        self._work: Work[S] | None = work
        self._worker = worker
        self._state = State.WAITING
        self._cancelled, self._ended = threading.Event(), threading.Event()
        self._began = self._stopped = 0.0

    def __repr__(self) -> str:
        return f"<Job {self.label!r} {self.state}>"

    @property
    def state(self) -> State:
        return self._state

    @property
    def ended(self) -> bool:
        """Whether it is done, failed or cancelled."""
        return self._ended.is_set()

    @property
    def cancelling(self) -> bool:
        """Whether it was told to end and has not yet."""
        return self._cancelled.is_set() and not self.ended

    @property
    def position(self) -> int:
        """How many jobs have to end before this one begins; 0 where it runs or has ended."""
        return self._worker.position(self)

    @property
    def seconds(self) -> float:
        """Time spent running."""
        if not self._began:
            return 0.0
        return (self._stopped or time.perf_counter()) - self._began

    @property
    def fraction_done(self) -> float:
        """What the latest snapshot says of itself, 0 to 1."""
        if self._state is State.DONE:
            return 1.0
        return 0.0 if self.latest is None else self.latest.fraction_done

    @property
    def summary(self) -> str:
        """What the latest snapshot says in words; empty before the first."""
        return "" if self.latest is None else self.latest.summary

    @property
    def finished(self) -> Sequence[Any]:
        """The results that came with the latest snapshot."""
        return () if self.latest is None else self.latest.finished

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the share that is done; None while there is too little to go by."""
        done = self.fraction_done
        return self.seconds * (1 - done) / done if done > 0.02 and not self.ended else None

    def cancel(self) -> None:
        """End it before its next snapshot; without effect where it has ended."""
        self._cancelled.set()
        self._worker.drop(self)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until it has ended; False where `timeout` seconds passed before that."""
        return self._ended.wait(timeout)

    def _run(self) -> None:
        self._began = time.perf_counter()
        self._state = State.RUNNING
        try:
            self._end(State.DONE if self._steps() else State.CANCELLED)
        except InvisError as error:
            self._end(State.FAILED, str(error))
        except Exception as error:
            log.exception("the job %r failed", self.label)
            words = str(error).strip().partition("\n")[0]
            self._end(State.FAILED, f"{type(error).__name__}: {words}" if words else repr(error))

    def _steps(self) -> bool:
        """Whether the work came to its own end."""
        work, self._work = self._work, None
        assert work is not None
        steps: Iterator[S] = iter(work())
        del work
        try:
            while not self._cancelled.is_set():
                try:
                    self.latest = next(steps)
                except StopIteration:
                    return True
                self.count += 1
            return False
        finally:
            if isinstance(steps, Generator):
                steps.close()

    def _end(self, state: State, error: str = "") -> None:
        self._stopped = time.perf_counter()
        self.error, self._state = error, state
        self._ended.set()


class Worker:
    """One job after the other on a thread that starts with the first and never blocks exit."""

    def __init__(self, name: str = "cpu", capacity: int = CAPACITY) -> None:
        self.name, self.capacity = name, capacity
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Work[S], label: str = "work") -> Job[S]:
        """Queue `work`, which is called on the worker's thread and returns its snapshots.

        Raises:
            InvisError: the queue is full, or the worker was closed.
        """
        job = Job(label, work, self)
        with self._change:
            if self._closed:
                raise InvisError(f"worker {self.name!r} is closed: ask for a new one")
            if len(self._waiting) >= self.capacity:
                raise InvisError(
                    f"the queue of {self.name!r} is full, {self.capacity} jobs wait: "
                    "try again when some have ended"
                )
            self._waiting.append(job)
            if self._thread is None or not self._thread.is_alive():
                name = f"invis-{self.name}"
                self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
                self._thread.start()
                _started.add(self)
            self._change.notify_all()
        return job

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    def position(self, job: Job) -> int:
        """How many jobs have to end before `job` begins."""
        with self._change:
            if job not in self._waiting:
                return 0
            return self._waiting.index(job) + (self._running is not None)

    def drop(self, job: Job) -> None:
        """End `job` at once if it is still waiting."""
        with self._change:
            if job not in self._waiting:
                return
            self._waiting.remove(job)
        job._work = None
        job._end(State.CANCELLED)

    def close(self) -> None:
        """Cancel everything; jobs are no longer taken."""
        with self._change:
            self._closed = True
            jobs = [*self._waiting, *([self._running] if self._running else [])]
            self._change.notify_all()
        for job in jobs:
            job.cancel()

    def leave(self, timeout: float) -> None:
        """Close, and wait for the running job to end."""
        self.close()
        if self._thread is not None:
            self._thread.join(timeout)

    def _loop(self) -> None:
        while True:
            with self._change:
                self._running = None
                while not self._waiting:
                    if self._closed:
                        return
                    self._change.wait()
                job = self._running = self._waiting.popleft()
            job._run()


_started: weakref.WeakSet[Worker] = weakref.WeakSet()


@atexit.register
def _leave() -> None:
    """A process that ends inside a computation of torch's aborts: let each job end first."""
    for one in list(_started):
        one.leave(SECONDS_TO_LEAVE)


_workers: dict[str, Worker] = {}
_lock = threading.Lock()


def worker(device: str | None = None) -> Worker:
    """The one worker of a device, chosen automatically when left out."""
    from invis.models.devices import pick_device

    name = str(pick_device(device))
    with _lock:
        return _workers.setdefault(name, Worker(name))


async def follow(job: Job[S], looks_per_second: float = LOOKS_PER_SECOND) -> AsyncIterator[Job[S]]:
    """Yield the job whenever there is news, on the caller's loop, and once more when it has ended.

    Its queue position counts as news; snapshots that come faster than one looks are skipped.
    """
    seen: tuple[State, int, int] | None = None
    while True:
        ended = job.ended
        now = (job.state, job.count, job.position)
        if ended or now != seen:
            seen = now
            yield job
        if ended:
            return
        await asyncio.sleep(1 / looks_per_second)
