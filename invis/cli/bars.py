"""Bars on a terminal's stderr; in a pipe there is nothing to see."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from invis.progress import Progress

P = TypeVar("P", bound=Progress[Any])
LAYOUT = "{desc} {percentage:3.0f}% |{bar}| {elapsed}<{remaining}"


@contextmanager
def moving(layout: str = LAYOUT) -> Iterator[Callable[[float, str], None]]:
    """A bar; yields a function of the share that is done, 0 to 1, and of the words before it."""
    if not sys.stderr.isatty():
        yield lambda _done, _words: None
        return
    from tqdm import tqdm

    # Some terminals say that they have no size, and tqdm would draw nothing there.
    size = shutil.get_terminal_size()
    with tqdm(
        total=1.0, bar_format=layout, leave=False, ncols=size.columns - 1, nrows=size.lines
    ) as bar:

        def tell(done: float, words: str) -> None:
            bar.set_description_str(words, refresh=False)
            bar.update(max(0.0, done - bar.n))

        yield tell


@contextmanager
def progress(name: str) -> Iterator[Callable[[Progress[Any]], None]]:
    """The same; yields a function of a snapshot."""
    with moving() as tell:
        tell(0.0, name)
        yield lambda snapshot: tell(snapshot.fraction_done, f"{name}  {snapshot.summary}")


def watched(steps: Iterable[P], name: str) -> Iterator[P]:
    """The snapshots of long work, each shown by such a bar."""
    with progress(name) as tell:
        for snapshot in steps:
            tell(snapshot)
            yield snapshot
