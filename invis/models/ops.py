"""The kinds of operations that a network is made of, by what they do to space.

An operation is local when its output at one position needs only a window of its input; every other
one is opaque and runs on whole maps.
"""

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from invis.models.geometry import Cells, Kernel, Taps, Transposed

Axes = tuple[int, int]


@dataclass(frozen=True)
class Pointwise:
    """Each position by itself; `identity` where the value passes through unchanged."""

    identity: bool = False


@dataclass(frozen=True)
class Norm:
    """Batch norm with running statistics."""

    module: nn.BatchNorm2d


@dataclass(frozen=True)
class Conv:
    """Convolution; weight (O, C / groups, kh, kw)."""

    rows: Kernel
    cols: Kernel
    weight: Tensor
    bias: Tensor | None
    groups: int


@dataclass(frozen=True)
class MaxPool:
    rows: Kernel
    cols: Kernel


@dataclass(frozen=True)
class AvgPool:
    rows: Kernel
    cols: Kernel
    include_pad: bool
    divisor: int | None


@dataclass(frozen=True)
class AdaptivePool:
    """Adaptive pooling to `bins` rows and columns; largest value or average."""

    bins: tuple[int, int]
    largest: bool


@dataclass(frozen=True)
class ConvTransposed:
    """Transposed convolution; weight (C, O / groups, kh, kw)."""

    rows: Transposed
    cols: Transposed
    weight: Tensor
    bias: Tensor | None
    groups: int


@dataclass(frozen=True)
class Shuffle:
    """Moves cells of positions into channels, or channels into cells."""

    rows: Cells
    cols: Cells


@dataclass(frozen=True)
class Resample:
    """Picks or mixes rows and columns; `fill` is the padding."""

    rows: Taps
    cols: Taps
    fill: float


@dataclass(frozen=True)
class Regroup:
    """A reshape that leaves rows and columns whole; `shape` is that of the output."""

    shape: tuple[int, ...]


@dataclass(frozen=True)
class Concat:
    """Joins maps along their channels."""


@dataclass(frozen=True)
class Rearrange:
    """Moves, cuts, drops or adds axes that are neither rows nor columns.

    Attributes:
        source: output axis -> the input axis that it is, or None where it is new.
    """

    source: tuple[int | None, ...]


@dataclass(frozen=True)
class Alone:
    """Each position by itself, whatever becomes of the other axes."""


@dataclass(frozen=True)
class LastAxis:
    """Acts along the last axis only (linear, layer norm): pointwise in maps with channels last."""


@dataclass(frozen=True)
class Opaque:
    """Anything else: needs whole inputs.

    Attributes:
        problem: why no unit behind this node can be shown, or "".
        maps: turns maps into maps, (B, C, H, W) into (B, C', H', W').
    """

    problem: str = ""
    maps: bool = False


Op = (
    Pointwise
    | LastAxis
    | Norm
    | Conv
    | MaxPool
    | AvgPool
    | AdaptivePool
    | ConvTransposed
    | Shuffle
    | Resample
    | Regroup
    | Alone
    | Concat
    | Rearrange
    | Opaque
)
Sliding = Conv | MaxPool | AvgPool
Windowed = Conv | MaxPool | AvgPool | ConvTransposed | Shuffle | Resample


def functional_target(node: fx.Node) -> Any:
    """The function of a node, not writing in place."""
    swaps: dict[Any, Any] = {
        getattr(operator, f"i{name}"): getattr(operator, name)
        for name in ("add", "sub", "mul", "truediv", "pow", "floordiv", "mod")
    }
    swaps |= {operator.iand: operator.and_, operator.ior: operator.or_}
    target = swaps.get(node.target, node.target)
    name = getattr(target, "__name__", "")
    if name.endswith("_") and not name.startswith("_"):
        return getattr(torch, name[:-1], None) or getattr(F, name[:-1])
    return target
