"""How many threads a search is worth: small convolutions gain nothing from a second one."""

from __future__ import annotations

from collections.abc import Generator, Iterator
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
    x = torch.zeros(COUNTED_IMAGES, *units.image_shape, device=units.device)
    index = torch.zeros(COUNTED_IMAGES, dtype=torch.long, device=units.device)
    with torch.no_grad(), _Operations() as operations:
        units.responses(x, index)
    return operations.count * images / COUNTED_IMAGES * len(units)


def worthwhile_threads(units: Units, images: int) -> int:
    """Torch's threads, or 1 where the search is too small to use a second one."""
    threads = torch.get_num_threads()
    if units.device.type != "cpu" or threads == 1:
        return threads
    return 1 if step_operations(units, images) < SMALL_STEP else threads


def on_threads(steps: Generator[Step, None, None], threads: int) -> Iterator[Step]:
    """The same steps, each taken with so many threads; between them the caller has its own."""
    try:
        while True:
            with _threads(threads):
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
