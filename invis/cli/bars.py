"""Bars on a terminal's stderr; in a pipe there is nothing to see."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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
def progress(name: str) -> Iterator[Callable[[Any], None]]:
    """The same; yields a function of a snapshot, which has `fraction_done` and `summary`."""
    with moving() as tell:
        tell(0.0, name)
        yield lambda snapshot: tell(snapshot.fraction_done, f"{name}  {snapshot.summary}")


@contextmanager
def counting(name: str) -> Iterator[Callable[[int, int], None]]:
    """The same; yields a function of how many units of how many."""
    with moving() as tell:
        yield lambda done, total: tell(done / max(total, 1), f"{name}  {done:,} of {total:,} units")
