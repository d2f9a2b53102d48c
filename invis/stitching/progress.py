"""Long work of this room is a generator of snapshots; closing it cancels."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Progress(Generic[T]):
    """How far some work is.

    Attributes:
        phase: what is being done.
        fraction_done: of the whole work, 0 to 1.
        summary: one line for a progress bar.
        result: what there is so far; complete in the last snapshot, None before there is any.
    """

    phase: str
    fraction_done: float
    summary: str
    result: T | None = None


def finish(steps: Iterator[Progress[T]]) -> T:
    """Run to the end and return the last result."""
    last: T | None = None
    for snapshot in steps:
        last = snapshot.result
    assert last is not None, "the work ended without a result"
    return last


def within(
    steps: Iterator[Progress[T]], start: float, end: float
) -> Generator[Progress[Any], None, T]:
    """Pass on the progress of a part as start..end of the whole; returns the part's result."""
    last: T | None = None
    for snapshot in steps:
        last = snapshot.result
        fraction = start + (end - start) * snapshot.fraction_done
        yield Progress(snapshot.phase, fraction, snapshot.summary)
    assert last is not None, "the work ended without a result"
    return last
