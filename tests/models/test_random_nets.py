"""Networks made at random: the cone equals the network at any position, in double precision.

As many as one likes, drawn anew, with a line to repeat a failure:

    INVIS_RANDOM_NETWORKS=20000 python -m pytest -m slow tests/models/test_random_nets.py
"""

import os
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from invis.models.cone import compile_cone
from invis.models.flow import analyse
from invis.models.trace import trace

CHANNELS = 4


class Residual(nn.Module):
    """x + branch(x), written in place, with an in-place ReLU behind it."""

    def __init__(self, branch: nn.Module, in_place: bool) -> None:
        super().__init__()
        self.branch = branch
        self.in_place = in_place
        self.relu = nn.ReLU(inplace=in_place)

    def forward(self, x: Tensor) -> Tensor:
        out = self.branch(x)
        if self.in_place:
            out += x
        else:
            out = torch.add(x, out)
        return self.relu(out)


class Branches(nn.Module):
    """Two branches of different reach, joined along the channels and mixed."""

    def __init__(self, near: nn.Module, far: nn.Module) -> None:
        super().__init__()
        self.near, self.far = near, far
        self.mix = nn.Conv2d(2 * CHANNELS, CHANNELS, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(torch.cat((self.near(x), self.far(x)), dim=1))


class FunctionalPool(nn.Module):
    """Pooling and ReLU as functions."""

    def __init__(self, largest: bool, settings: dict[str, Any]) -> None:
        super().__init__()
        self.largest, self.settings = largest, settings

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.max_pool2d(x, **self.settings) if self.largest else F.avg_pool2d(x, 2, 1)
        return F.elu(pooled)


def pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def convolutions(draw: st.DrawFn, same: bool = False) -> nn.Module:
    size, dilation = draw(pairs(1, 3)), draw(pairs(1, 2))
    groups = draw(st.sampled_from([1, 2, CHANNELS]))
    if same:
        stride: tuple[int, int] = (1, 1)
        padding: Any = "same"
    else:
        stride, padding = draw(pairs(1, 3)), draw(pairs(0, 3))
    return nn.Conv2d(CHANNELS, CHANNELS, size, stride, padding, dilation, groups)


@st.composite
def pools(draw: st.DrawFn) -> nn.Module:
    size = draw(pairs(1, 3))
    stride, ceil = draw(pairs(1, 3)), draw(st.booleans())
    padding = tuple(draw(st.integers(0, k // 2)) for k in size)
    if draw(st.booleans()):
        return nn.MaxPool2d(size, stride, padding, draw(st.integers(1, 2)), ceil_mode=ceil)
    divisor = draw(st.sampled_from([None, None, 3]))
    return nn.AvgPool2d(size, stride, padding, ceil, draw(st.booleans()), divisor)


class Strided(nn.Module):
    """Every so many positions, and an edge cut off."""

    def __init__(self, rows: tuple[int, int], cols: tuple[int, int]) -> None:
        super().__init__()
        self.rows, self.cols = rows, cols

    def forward(self, x: Tensor) -> Tensor:
        (top, down), (left, across) = self.rows, self.cols
        return x[:, :, top::down, left::across]


@st.composite
def paddings(draw: st.DrawFn) -> nn.Module:
    sides = draw(st.tuples(*[st.integers(0, 3)] * 4))
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return nn.ConstantPad2d(draw(st.tuples(*[st.integers(-1, 3)] * 4)), 0.5)
    if kind == 1:
        return nn.ReflectionPad2d(sides)
    if kind == 2:
        return nn.ReplicationPad2d(sides)
    if kind == 3:
        return nn.CircularPad2d(sides)
    if kind == 4:
        mode = draw(st.sampled_from(["reflect", "replicate", "circular"]))
        return nn.Conv2d(CHANNELS, CHANNELS, 3, padding=draw(pairs(0, 2)), padding_mode=mode)
    start_and_step = st.tuples(st.integers(0, 2), st.integers(1, 3))
    return Strided(draw(start_and_step), draw(start_and_step))


@st.composite
def pieces(draw: st.DrawFn) -> nn.Module:
    kind = draw(st.integers(0, 13))
    if kind in (0, 1):
        return draw(convolutions())
    if kind in (2, 3):
        return draw(pools())
    if kind == 4:
        bins = draw(pairs(1, 6))
        return draw(st.sampled_from([nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d]))(bins)
    if kind == 5:
        return nn.Sequential(draw(convolutions()), nn.BatchNorm2d(CHANNELS), nn.ReLU(True))
    if kind == 6:
        return Residual(draw(convolutions(same=True)), draw(st.booleans()))
    if kind == 7:
        return Branches(draw(convolutions(same=True)), draw(convolutions(same=True)))
    if kind == 8:
        return draw(paddings())
    if kind == 9:
        mode = draw(st.sampled_from(["nearest", "bilinear"]))
        return nn.Upsample(scale_factor=draw(st.sampled_from([0.5, 1.5, 2, 3])), mode=mode)
    if kind == 10:
        return nn.Sequential(nn.PixelUnshuffle(2), nn.ReLU(), nn.Conv2d(4 * CHANNELS, CHANNELS, 1))
    if kind == 11:
        return nn.Sequential(nn.Conv2d(CHANNELS, 4 * CHANNELS, 1), nn.PixelShuffle(2))
    if kind == 12:
        size, stride, dilation = draw(pairs(1, 3)), draw(pairs(1, 3)), draw(pairs(1, 2))
        padding, groups = draw(pairs(0, 1)), draw(st.sampled_from([1, 2]))
        more = tuple(
            draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)
        )
        return nn.ConvTranspose2d(
            CHANNELS, CHANNELS, size, stride, padding, more, groups, True, dilation
        )
    ceil = draw(st.booleans())
    return FunctionalPool(
        draw(st.booleans()), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": ceil}
    )


def set_numbers(net: nn.Module) -> None:
    draw = torch.Generator().manual_seed(0)
    for part in net.modules():
        for name, value in [*part.named_parameters(recurse=False)]:
            value.data.normal_(0, 1 if name == "bias" else 0.5, generator=draw)
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None and part.running_var is not None
            part.running_mean.normal_(generator=draw)
            part.running_var.uniform_(0.5, 2, generator=draw)


NETWORKS = (st.lists(pieces(), min_size=1, max_size=5), pairs(7, 20), st.booleans(), st.data())


@settings(max_examples=100)
@given(*NETWORKS)
def test_cone_equals_random_networks(
    parts: list[nn.Module], size: tuple[int, int], fold: bool, data: st.DataObject
) -> None:
    check(parts, size, fold, data)


@pytest.mark.slow
@settings(
    max_examples=int(os.environ.get("INVIS_RANDOM_NETWORKS", "3000")),
    derandomize=False,
    database=None,
    print_blob=True,
)
@given(*NETWORKS)
def test_cone_equals_networks_that_nobody_has_seen(
    parts: list[nn.Module], size: tuple[int, int], fold: bool, data: st.DataObject
) -> None:
    check(parts, size, fold, data)


def test_uneven_bins_of_adaptive_pooling_reach_as_far_as_they_do() -> None:
    parts = [
        nn.AvgPool2d((2, 1), (1, 1), (1, 0)),
        nn.AdaptiveAvgPool2d((6, 1)),
        nn.Conv2d(CHANNELS, CHANNELS, (2, 1), dilation=(2, 1)),
    ]
    flow = analyse(trace(nn.Sequential(*parts).eval(), CHANNELS, (10, 7)))
    target = flow.node("_2")
    windows = [compile_cone(flow, target, (row, 0)).window for row in range(4)]
    # Bins 1 and 3 of 11 rows of averages hold rows 1 to 7, each of them two rows of the image.
    assert windows[1] == (0, 0, 8, 7)
    assert max(bottom - top for top, _, bottom, _ in windows) <= flow.receptive_field(target)


def test_a_map_as_high_as_it_has_channels_is_padded_along_its_rows() -> None:
    parts = [nn.AdaptiveAvgPool2d((CHANNELS, 3)), nn.ReflectionPad2d((0, 0, 0, 1))]
    flow = analyse(trace(nn.Sequential(*parts).eval(), CHANNELS, (7, 7)))
    target = flow.node("_1")
    assert flow.axes[target] == (2, 3)
    # The row that is added is the one before the last.
    assert [compile_cone(flow, target, (row, 0)).window[0] for row in (2, 4)] == [3, 3]


def _wraps(part: nn.Module) -> bool:
    circular = getattr(part, "padding_mode", "") == "circular"
    return circular or isinstance(part, nn.CircularPad2d)


@torch.no_grad()
def check(parts: list[nn.Module], size: tuple[int, int], fold: bool, data: st.DataObject) -> None:
    net = nn.Sequential(*parts).double().eval()
    set_numbers(net)
    image = torch.randn(2, CHANNELS, *size, dtype=torch.float64)
    try:
        full = net(image)
    except RuntimeError:
        assume(False)  # a kernel larger than its map
    # Cuts may leave nothing; max pooling with dilation that sees padding only answers infinity.
    assume(full.numel() > 0 and bool(full.isfinite().all()))
    flow = analyse(trace(net, CHANNELS, size))
    target = next(node for node in flow.traced.full.graph.nodes if node.op == "output").args[0]
    rows, cols = full.shape[2:]
    row, col = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, cols - 1))
    for position in ((row, col), (0, 0), (rows - 1, cols - 1)):
        cone = compile_cone(flow, target, position, fold)
        top, left, bottom, right = cone.window
        value = cone(image[:, :, top:bottom, left:right])
        torch.testing.assert_close(
            value, full[:, :, position[0], position[1]], rtol=1e-9, atol=1e-9
        )
        # Windows that slide evenly are equally large; around the corner lies the opposite edge.
        if flow.fields[target] is not None and not any(_wraps(part) for part in parts):
            assert max(bottom - top, right - left) <= cone.receptive_field or cone.whole
