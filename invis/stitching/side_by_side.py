"""Several generators at once, each in a thread that keeps to its share of the cores.

Decoders are small: their products end before a second core has joined in. Training different kinds
of them side by side uses all cores where splitting each product would not.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from queue import SimpleQueue
from threading import Barrier, Event
from typing import TypeVar

import torch

T = TypeVar("T")


def side_by_side(
    works: Sequence[Generator[T, None, None]], workers: int
) -> Iterator[tuple[int, T]]:
    """What the works yield, as it comes: (position of the work, what it yielded).

    Works are begun in their order, `workers` at a time; with one worker they run in the calling
    thread, one after another. Closing ends all of them at their next yield; what one raises is
    raised here, and ends the others.
    """
    if workers < 2:
        for i, work in enumerate(works):
            with closing(work):
                for value in work:
                    yield i, value
        return
    threads = torch.get_num_threads()
    news: SimpleQueue[tuple[int, T | None, BaseException | None, bool]] = SimpleQueue()
    ready, stop = Barrier(workers + 1), Event()

    def begin() -> None:
        # Asking comes first: a thread's first question sets its own number to the common one.
        torch.get_num_threads()
        torch.set_num_threads(max(1, threads // workers))
        ready.wait()

    def run(i: int) -> None:
        try:
            with closing(works[i]) as work:
                for value in work:
                    news.put((i, value, None, False))
                    if stop.is_set():
                        break
            news.put((i, None, None, True))
        except BaseException as error:
            news.put((i, None, error, True))

    pool = ThreadPoolExecutor(workers, "invis-decoders", begin)
    try:
        for i in range(len(works)):
            pool.submit(run, i)
        ready.wait()
        # Setting a thread's own number also sets that of threads to come.
        torch.set_num_threads(threads)
        left = len(works)
        while left:
            i, new, error, ended = news.get()
            left -= ended
            if error is not None:
                raise error
            if new is not None:
                yield i, new
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
