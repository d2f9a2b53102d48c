"""What units answer at every position of an image of any size."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.errors import InvisError
from invis.models.devices import single_precision
from invis.models.unit import FULL_BATCH, Units

Positions = Literal["center", "all"]
POSITIONS = ("center", "all")


def check_positions(positions: str) -> None:
    """Refuse a word that names no positions."""
    if positions not in POSITIONS:
        raise InvisError(f"positions {positions!r} is wrong: use 'center' or 'all'")


def at_positions(units: Units, maps: Tensor, positions: str) -> Tensor:
    """Maps (B, U, H, W) -> (B, U): the value at the units' own position, or the mean of all.

    On an image that is larger or smaller than the network's own, the position keeps its distance
    from the middle of the map.
    """
    if positions == "all":
        return maps.mean((2, 3))
    flow = units.model.flow
    sizes = (units.tokens.count, 1) if units.tokens else (1, 1)
    if units.map_axes:
        sizes = flow.map_size(flow.node(units.layer.node))
    row, column = (
        min(max(at + now // 2 - usual // 2, 0), now - 1)
        for at, now, usual in zip(units.cone.position, maps.shape[2:], sizes, strict=True)
    )
    return maps[:, :, row, column]


@torch.no_grad()
@single_precision()
def measure(units: Units, images: NDArray[np.uint8], positions: Positions = "center") -> Tensor:
    """The pre-activations of all units on whole 8-bit images, through the full network.

    Args:
        images: (B, H, W, C) 8-bit pixels.
        positions: `center`, the units' own position, or `all` for the mean over their map.

    Returns:
        (B, U) pre-activations, float32 on the CPU.

    Raises:
        InvisError: for images of another type or shape, or of a size that the network cannot take.
    """
    check_positions(positions)
    images, colours = np.ascontiguousarray(images), units.model.channels
    if (
        images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[3] != colours
        or not len(images)
    ):
        raise InvisError(
            f"images have type {images.dtype} and shape {images.shape}: give uint8 images "
            f"(B, H, W, {colours})"
        )
    pixels = torch.as_tensor(images).permute(0, 3, 1, 2)
    found = []
    for part in pixels.split(FULL_BATCH):
        out = run_full(units, units.normalise(part.to(units.device, units.readout.dtype)))
        found.append(at_positions(units, units.unit_maps(out), positions))
    return torch.cat(found).float().cpu()


def run_full(units: Units, x: Tensor) -> Tensor:
    """The layer's output on whole normalised images (B, C, H, W).

    Raises:
        InvisError: if the network cannot take images of this size.
    """
    try:
        return units.full(x)
    except RuntimeError as error:
        raise InvisError(
            f"{units.model.name} cannot compute {units.layer.layer} for images of "
            f"{x.shape[2]} x {x.shape[3]} ({str(error).splitlines()[0]}): its own size is "
            f"{units.model.input_size[0]} x {units.model.input_size[1]}"
        ) from error
