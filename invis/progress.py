"""Long work as a generator of snapshots: what each says of itself, and how such work is run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
News = TypeVar("News")
P = TypeVar("P", bound="Progress[Any]")


class Progress(Protocol[T_co]):
    """Where long work stands: the snapshots that a generator of steps yields.

    Jobs, bars, widgets and the dashboard know nothing else of the work, so that they run every
    generator that keeps to this; there is nothing to register.

    A snapshot
        must have `fraction_done`, 0 to 1, an estimate; `summary`, a few words for people, lower
        case, without full stop, empty where there is nothing to say; and `finished`, the results
        that came since the last snapshot.
        should be a value that may be kept and read on any thread; `fraction_done` should not fall.
        may say more (a phase, previews), may be the same record again and again, grown (`Counted`),
        and may offer methods to be called on the same thread before the next snapshot is asked for.

    The generator
        must allow to be closed between any two snapshots, which cancels: what was finished stays.
        must have given all results by its end.
        should raise InvisError for a bad argument at its first step; should yield several times a
        second; should be called `*_steps`, with a plain function beside it that runs it by
        `until_done`.
        may return a value for the generator that it is a part of.

    `Step` is a snapshot with nothing more than that.
    """

    @property
    def fraction_done(self) -> float: ...

    @property
    def summary(self) -> str: ...

    @property
    def finished(self) -> Sequence[T_co]: ...


@dataclass(frozen=True)
class Step(Generic[T]):
    """The plainest snapshot; see `Progress`."""

    fraction_done: float
    summary: str = ""
    finished: Sequence[T] = ()


@dataclass
class Counted:
    """A record that grows unit by unit and is the result itself once all are done.

    Attributes:
        total: units to look at.
        done: units looked at.
    """

    total: int = 0
    done: int = 0

    @property
    def fraction_done(self) -> float:
        return self.done / self.total if self.total else 1.0

    @property
    def summary(self) -> str:
        return f"{self.done:,} of {self.total:,} units"

    @property
    def finished(self) -> list[Self]:
        return [self] if self.done == self.total else []


def until_done(steps: Iterable[Progress[T]]) -> list[T]:
    """Run to the end; all that was finished, in the order in which it came."""
    return [one for snapshot in steps for one in snapshot.finished]


def within(
    steps: Iterable[Progress[T]], start: float, end: float
) -> Generator[Step[Any], None, list[T]]:
    """Pass on the progress of a part as start..end of the whole; returns what the part finished."""
    found: list[T] = []
    for snapshot in steps:
        found += snapshot.finished
        yield Step(start + (end - start) * snapshot.fraction_done, snapshot.summary)
    return found


def told(steps: Generator[News, None, T], tell: Callable[[News], P]) -> Generator[P, None, T]:
    """What a part of the work yields as snapshots; returns what that part returns."""
    while True:
        try:
            news = next(steps)
        except StopIteration as ended:
            return ended.value
        yield tell(news)
