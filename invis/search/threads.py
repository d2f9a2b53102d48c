"""How many threads a search is worth: all where that is faster just now, one where it is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from invis.models.unit import Units

Step = TypeVar("Step")

SMALL_STEP = 6e7
"""Floating-point operations of one forward step below which a second thread gains nothing.

Threads that wait for each other after every small product spin; where the cores have other work,
a browser say, such a search takes several times as long (`benchmarks/threads.py`).
"""
COUNTED_IMAGES = 8

SETTLED = 0.5
"""Seconds before the first measurement."""
SHARE = 0.02
"""Of the time, that measuring may take."""
CLEARLY = 0.9
"""All threads must take less than this share of the time of one."""


class _Operations(TorchDispatchMode):
    """Counts the floating-point operations of products and convolutions on this thread."""

    count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.count += int(formula(*args, **(kwargs or {}), out_val=out))
        return out


def step_operations(units: Units, images: int) -> float:
    """Floating-point operations of one forward step of the sets of all units."""
    x = torch.zeros(COUNTED_IMAGES, *units.image_shape, device=units.device, dtype=torch.float32)
    index = torch.zeros(COUNTED_IMAGES, dtype=torch.long, device=units.device)
    with torch.no_grad(), _Operations() as operations:
        units.responses(x, index)
    return operations.count * images / COUNTED_IMAGES * len(units)


class Threads:
    """How many threads the next steps of a search are worth, measured while it runs.

    A second thread helps large steps where the cores are free. Where they have other work its
    threads wait for each other, and a step takes many times as long. So a search begins with one
    thread, now and then times one evaluation with one and with all, and keeps what is faster.

    Attributes:
        count: threads at the moment.
        spent: seconds that measuring has taken.
    """

    def __init__(self, most: int, evaluate: Callable[[], object]) -> None:
        """`evaluate` is what is timed; `most` threads there are."""
        self.most, self._evaluate = most, evaluate
        self.count, self.spent = 1, 0.0
        self._began = time.perf_counter()

    def now(self) -> int:
        """Threads for the next steps; measures where that has taken little of the time so far."""
        elapsed = time.perf_counter() - self._began
        if self.most > 1 and elapsed > SETTLED and self.spent <= SHARE * elapsed:
            self.measure()
        return self.count

    def measure(self) -> None:
        """Time one thread against all: all must win by their slower run."""
        began = time.perf_counter()
        one = min(self._seconds(1), self._seconds(1))
        many = 0.0
        for _ in range(2):
            if many < CLEARLY * one:
                many = max(many, self._seconds(self.most))
        self.count = self.most if many < CLEARLY * one else 1
        self.spent += time.perf_counter() - began

    def _seconds(self, threads: int) -> float:
        with _threads(threads):
            began = time.perf_counter()
            self._evaluate()
            return time.perf_counter() - began


def worthwhile_threads(units: Units, images: int) -> Threads:
    """One thread where the search is too small to use a second one; else what is measured."""
    most = torch.get_num_threads()
    fixed = units.device.type != "cpu" or most == 1
    if not fixed and step_operations(units, images) >= SMALL_STEP:
        return Threads(most, lambda: _one_evaluation(units, images))
    threads = Threads(1, lambda: None)
    threads.count = most if fixed else 1
    return threads


def _one_evaluation(units: Units, images: int) -> None:
    """Responses and gradients of a batch, as the steps of a search compute them."""
    count = min(max(units.cone.cpu_batch, COUNTED_IMAGES), images * len(units))
    x = torch.zeros(count, *units.image_shape, device=units.device, dtype=torch.float32)
    x.requires_grad_()
    index = torch.arange(count, device=units.device) % len(units)
    with torch.enable_grad():
        torch.autograd.grad(units.responses(x, index).sum(), x, allow_unused=True)


def on_threads(steps: Generator[Step, None, None], threads: Threads) -> Iterator[Step]:
    """The same steps, each taken with so many threads; between them the caller has its own."""
    try:
        while True:
            # Whoever asks may have switched gradients off.
            with torch.inference_mode(False), torch.enable_grad(), _threads(threads.now()):
                step = next(steps, None)
            if step is None:
                return
            yield step
    finally:
        steps.close()


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    if count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
