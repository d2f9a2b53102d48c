"""Which axes of a layer's output are rows and columns, found by changing a part of the image."""

from collections.abc import Callable

import torch
from torch import Tensor

# By how much of a map the change moves, at least, where a half of the image changes place.
SHIFT = 0.05
# And by how many times more than along any other axis.
CLEARLY = 2.0


@torch.no_grad()
def find_axes(
    run: Callable[[Tensor], Tensor], shape: tuple[int, int, int], like: Tensor
) -> tuple[int | None, int | None]:
    """The axes along which the output follows the rows and the columns of the image.

    One half of the image is replaced, then the other: along the axis of rows the place of what
    changes in the output moves with it, along the channels it does not.

    Args:
        run: images (B, C, H, W) -> (B, ...).
        shape: (C, H, W) of the image.
        like: a tensor of the device and precision to compute in.

    Returns:
        The axis of rows and that of columns, each None where there is none.
    """
    draw = torch.Generator().manual_seed(0)
    image, other = (torch.randn(shape, generator=draw).to(like) for _ in range(2))
    return follow(run, image[None], other[None], (2, 3))


def follow(
    run: Callable[[Tensor], Tensor], x: Tensor, other: Tensor, axes: tuple[int, int]
) -> tuple[int | None, int | None]:
    """The axes of the output that follow two axes of the input.

    Args:
        run: one input (1, ...) -> one output (1, ...).
        x, other: two inputs of noise.
        axes: of the input.
    """
    base, found = run(x), []
    for axis in axes:
        half = x.shape[axis] // 2
        energies = []
        for start, length in ((0, half), (half, x.shape[axis] - half)):
            changed = x.clone()
            changed.narrow(axis, start, length).copy_(other.narrow(axis, start, length))
            energies.append((run(changed) - base)[0].double().square())
        found.append(_moving(*energies))
    return found[0], found[1]


def _moving(near: Tensor, far: Tensor) -> int | None:
    """The axis (of the batch) along which the change moves from near to far."""
    moves = [_middle(far, axis) - _middle(near, axis) for axis in range(near.ndim)]
    order = sorted(range(near.ndim), key=lambda axis: -moves[axis])
    if not order or not moves[order[0]] > SHIFT:
        return None
    if len(order) > 1 and moves[order[0]] < CLEARLY * abs(moves[order[1]]):
        return None
    return order[0] + 1


def _middle(energy: Tensor, axis: int) -> float:
    """Where along an axis the energy lies, from 0 to 1."""
    length = energy.shape[axis]
    if length < 2 or not float(energy.sum()) > 0:
        return 0.5
    along = energy.movedim(axis, 0).reshape(length, -1).sum(1)
    places = torch.linspace(0, 1, length, dtype=along.dtype, device=along.device)
    return float((along * places).sum() / along.sum())
