"""Where checkpoints come from: an ordered list of parameter vectors that is read in blocks.

A checkpoint is one long vector, its tensors laid end to end. Nothing here ever holds all
checkpoints at once; `read` gives a range of parameters of some of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from invis.errors import InvisError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# Statistics that batch norm gathers are no parameters: nothing descends along them.
BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class Layout:
    """How the tensors of a checkpoint lie in its vector.

    Attributes:
        names: of the tensors, in order.
        shapes: of the tensors.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(tensors + 1,) where each tensor begins; the last entry is P, the number of all."""
        sizes = [math.prod(shape) for shape in self.shapes]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @property
    def parameters(self) -> int:
        """P, the length of the vector."""
        return int(self.starts[-1])

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """The modules that own the tensors: `conv1.weight` and `conv1.bias` belong to `conv1`."""
        return tuple(dict.fromkeys(self._layer_of(name) for name in self.names))

    @cached_property
    def layer_sizes(self) -> NDArray[np.int64]:
        """(L,) parameters of each layer."""
        sizes = np.zeros(len(self.layers), dtype=np.int64)
        np.add.at(sizes, self._layer_index, np.diff(self.starts))
        return sizes

    @cached_property
    def _layer_index(self) -> list[int]:
        order = {layer: k for k, layer in enumerate(self.layers)}
        return [order[self._layer_of(name)] for name in self.names]

    @staticmethod
    def _layer_of(name: str) -> str:
        return name.rpartition(".")[0] or name

    def pieces(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """The tensors inside a block: (layer's index, first, end), all counted from `start`."""
        for tensor, first, end in self.tensors(start, stop):
            yield self._layer_index[tensor], first - start, end - start

    def tensors(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """The tensors inside a block: (tensor's index, first parameter, end)."""
        tensor = int(np.searchsorted(self.starts, start, side="right")) - 1
        while start < stop:
            end = min(stop, int(self.starts[tensor + 1]))
            if end > start:
                yield tensor, start, end
            start, tensor = end, tensor + 1


class Source(Protocol):
    """Checkpoints of one model, ordered by step.

    Attributes:
        name: what to call it.
        steps: (T,) optimiser steps at which they were taken, increasing.
        layout: of each checkpoint.
        dtype: in which they are stored.
    """

    name: str
    steps: NDArray[np.int64]
    layout: Layout
    dtype: torch.dtype

    def read(self, rows: Sequence[int], start: int, stop: int) -> Tensor:
        """Parameters start..stop of some checkpoints: (rows, stop - start), in `dtype`."""


class ArraySource:
    """A trajectory in memory: small models, simulated walks, the images of a search.

    Args:
        values: (T, P), of any floating type.
        steps: (T,), increasing; 0, 1, 2, ... if left out.
        layout: how a row is cut into tensors; one tensor called `x` if left out.

    Raises:
        InvisError: if shapes don't fit or steps don't increase.
    """

    def __init__(
        self,
        values: ArrayLike | Tensor,
        steps: ArrayLike | None = None,
        layout: Layout | None = None,
        name: str = "trajectory",
    ) -> None:
        import torch

        array = torch.as_tensor(values)
        if array.ndim != 2 or not array.is_floating_point():
            raise InvisError(
                f"values have type {array.dtype} and shape {tuple(array.shape)}: give "
                "floating-point numbers (checkpoints, parameters)."
            )
        self.name = name
        self._values = array.detach()
        self.steps = checked_steps(np.arange(len(array)) if steps is None else steps)
        self.layout = layout or Layout(("x",), ((array.shape[1],),))
        self.dtype = array.dtype
        if len(self.steps) != len(array) or self.layout.parameters != array.shape[1]:
            raise InvisError(
                f"values have shape {tuple(array.shape)}, but there are {len(self.steps)} steps "
                f"and {self.layout.parameters} parameters: the numbers must agree."
            )

    def read(self, rows: Sequence[int], start: int, stop: int) -> Tensor:
        """As `Source.read`."""
        return self._values[list(rows), start:stop]


def checked_steps(steps: ArrayLike) -> NDArray[np.int64]:
    """Steps as whole numbers; raises InvisError unless they increase."""
    found = np.asarray(steps)
    if found.ndim != 1 or not np.array_equal(found, found.astype(np.int64)):
        raise InvisError(f"steps are {found.tolist()!r}: give one whole number a checkpoint.")
    if (np.diff(found) <= 0).any():
        late = int(np.argmax(np.diff(found) <= 0)) + 1
        raise InvisError(f"steps must increase, but {found[late]} comes after {found[late - 1]}.")
    return found.astype(np.int64)
