"""The steps of a cone: which operations run on which crops, in which order."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from invis.models import crops, ops
from invis.models.calls import call_step
from invis.models.crops import Pads
from invis.models.flow import Flow, Window
from invis.models.geometry import Span, adaptive_bin, average_counts, clip
from invis.models.window import wanted

Cut = tuple[int, int, int]
"""Axis, start and length of a crop."""


@dataclass
class Call:
    """One step of a cone: which tensors it reads, how they are cut, where its result goes."""

    sources: tuple[tuple[int, tuple[Cut, ...]], ...]
    out: int
    dead: tuple[int, ...] = ()


def cut(x: Any, cuts: tuple[Cut, ...]) -> Any:
    """A crop of a tensor, or of each of several."""
    if isinstance(x, tuple | list):
        return type(x)(cut(part, cuts) for part in x)
    for axis, start, length in cuts:
        x = x.narrow(axis, start, length)
    return x


def plan_steps(
    flow: Flow, needed: list[fx.Node], need: dict[fx.Node, Window], target: fx.Node, folding: bool
) -> list[tuple[nn.Module, Call]]:
    """Steps from the patch to the target, freeing each tensor behind its last reader."""
    traced = flow.traced
    readers: dict[fx.Node, list[fx.Node]] = {}
    for node in needed:
        for other in flow.sources(node):
            readers.setdefault(other, []).append(node)
    slot: dict[fx.Node, int] = {traced.image: 0}
    merged: set[fx.Node] = set()
    plan: list[tuple[nn.Module, Call]] = []
    for node in needed:
        if node is traced.image:
            continue
        op = flow.ops[node]
        sources = flow.sources(node)
        if folding and _folds(flow, node, readers, target):
            merged.add(node)
            continue
        source_op = flow.ops[sources[0]] if sources else None
        if isinstance(op, ops.Norm) and sources[0] in merged and isinstance(source_op, ops.Conv):
            if node not in flow.folded:
                flow.folded[node] = crops.fold(source_op.weight, source_op.bias, op.module)
            weight, bias = flow.folded[node]
            op = ops.Conv(source_op.rows, source_op.cols, weight, bias, source_op.groups)
            sources = flow.sources(sources[0])[:1]
        passes = isinstance(op, ops.Pointwise) and op.identity
        if passes and need[node] == need[sources[0]]:
            slot[node] = slot[sources[0]]
            continue
        step, cuts = _step(flow, node, op, sources, need)
        alone = len(sources) == 1 and list(slot.values()).count(slot[sources[0]]) == 1
        if isinstance(step, crops.ReluStep) and not any(cuts) and alone:
            step.inplace = _may_overwrite(flow, sources[0], readers)
        slot[node] = len(slot)
        call = Call(tuple((slot[s], c) for s, c in zip(sources, cuts, strict=True)), slot[node])
        plan.append((step, call))
    used = {s for _, call in plan for s, _ in call.sources} | {slot[target]}
    plan = [(step, call) for step, call in plan if call.out in used]
    last = {s: i for i, (_, call) in enumerate(plan) for s, _ in call.sources}
    for s, i in last.items():
        plan[i][1].dead += (s,)
    return plan


def _folds(
    flow: Flow, node: fx.Node, readers: dict[fx.Node, list[fx.Node]], target: fx.Node
) -> bool:
    """Whether a node is a convolution that only a batch norm reads."""
    if not isinstance(flow.ops[node], ops.Conv) or node is target or len(readers[node]) != 1:
        return False
    return isinstance(flow.ops[readers[node][0]], ops.Norm)


def _may_overwrite(flow: Flow, node: fx.Node, readers: dict[fx.Node, list[fx.Node]]) -> bool:
    """Whether a node's result is its own memory, read once, and not kept for its gradient."""
    op = flow.ops[node]
    own = isinstance(op, ops.Conv | ops.Concat | ops.Norm | ops.AvgPool)
    adds = getattr(node.target, "__name__", "") in ("add", "iadd", "sub", "isub")
    return len(readers[node]) == 1 and (own or (adds and isinstance(op, ops.Pointwise)))


def _step(
    flow: Flow, node: fx.Node, op: ops.Op, sources: list[fx.Node], need: dict[fx.Node, Window]
) -> tuple[nn.Module, list[tuple[Cut, ...]]]:
    """The step that computes a node's window, and how its inputs are cut for it."""
    if isinstance(op, ops.Sliding):
        window, source = need[node], sources[0]
        have = need.get(source) or flow.whole_map(source)
        (cut_rows, top, bottom) = _fit(have[0], op.rows.needs(window[0]))
        (cut_cols, left, right) = _fit(have[1], op.cols.needs(window[1]))
        step = _sliding(flow, op, window, source, (left, right, top, bottom))
        return step, [_cuts((2, 3), have, (cut_rows, cut_cols))]
    if node in flow.fixed:
        return crops.ConstantStep(_cropped(flow, node, need)), []
    if isinstance(op, ops.Windowed):
        return _other_window(flow, node, op, sources[0], need)
    if isinstance(op, ops.AdaptivePool):
        window, source = need[node], sources[0]
        have = need.get(source) or flow.whole_map(source)
        rows, cols = (
            [tuple(edge - start for edge in adaptive_bin(i, size, bins)) for i in range(*span)]
            for span, size, bins, (start, _) in zip(
                window, flow.map_size(source), op.bins, have, strict=True
            )
        )
        return crops.AdaptivePoolStep(rows, cols, op.largest), [()]
    cuts: list[tuple[Cut, ...]] = []
    for source in sources:
        axes = flow.axes[source]
        if axes is None:
            cuts.append(())
            continue
        region = wanted(flow, node, source, need.get(node))
        cuts.append(_cuts(axes, need[source], region))
    if isinstance(op, ops.Regroup):
        return crops.RegroupStep(op.shape, flow.axes[sources[0]], flow.axes[node]), cuts
    joins = getattr(node.target, "__name__", "") in ("cat", "concat", "concatenate")
    if joins and any(source in flow.fixed for source in sources):
        return _joined(flow, node, sources), cuts
    return call_step(flow.traced, node, sources), cuts


def _joined(flow: Flow, node: fx.Node, sources: list[fx.Node]) -> nn.Module:
    """A concatenation, in the order of its arguments, of which some are the same for all images."""
    axis: Any = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
    parts: Any = node.args[0] if node.args else node.kwargs["tensors"]
    order = tuple(sources.index(flow.traced.read(node, part)) for part in parts)
    return crops.CatStep(axis % len(flow.traced.shapes[node]), order)


def _cropped(flow: Flow, node: fx.Node, need: dict[fx.Node, Window]) -> Tensor:
    """What does not depend on the image, where it is needed."""
    value = flow.traced.value(node)
    for axis, (start, stop) in zip(flow.axes[node] or (), need.get(node, ()), strict=False):
        value = value.narrow(axis, start, stop - start)
    return value


def _other_window(
    flow: Flow,
    node: fx.Node,
    op: ops.ConvTransposed | ops.Shuffle | ops.Resample,
    source: fx.Node,
    need: dict[fx.Node, Window],
) -> tuple[nn.Module, list[tuple[Cut, ...]]]:
    """The steps of windows that do not slide evenly over their input."""
    window, have, axes = need[node], need[source], flow.axes[source]
    sizes = flow.map_size(source)
    assert axes is not None
    wants = (op.rows.needs(window[0]), op.cols.needs(window[1]))
    region = clip(wants[0], sizes[0]), clip(wants[1], sizes[1])
    cuts = [_cuts(axes, have, region)]
    if isinstance(op, ops.Resample):
        parts = [
            crops.TapsStep(
                axis,
                [i - start if i >= 0 else -1 for i in taps.first[slice(*span)]],
                [i - start if i >= 0 else -1 for i in taps.second[slice(*span)]],
                taps.share[slice(*span)],
                op.fill,
            )
            for axis, taps, span, (start, _) in zip(
                axes, (op.rows, op.cols), window, region, strict=True
            )
        ]
        return nn.Sequential(*parts), cuts
    if isinstance(op, ops.Shuffle):
        kept = []
        for cells, span, (start, _) in zip((op.rows, op.cols), window, region, strict=True):
            first = start * cells.size if cells.up else start // cells.size
            kept.append((span[0] - first, span[1] - first))
        return crops.ShuffledStep(call_step(flow.traced, node, [source]), *kept), cuts
    kernels = op.rows.kernel, op.cols.kernel
    offsets = [
        span[0] - (start * kernel.stride - kernel.before)
        for kernel, span, (start, _) in zip(kernels, window, region, strict=True)
    ]
    step = crops.TransposedStep(
        op.weight.detach(),
        None if op.bias is None else op.bias.detach(),
        (kernels[0].stride, kernels[1].stride),
        (kernels[0].dilation, kernels[1].dilation),
        op.groups,
        (window[0][1] - window[0][0], window[1][1] - window[1][0]),
        (offsets[0], offsets[1]),
    )
    return step, cuts


def _fit(have: Span, wanted: Span) -> tuple[Span, int, int]:
    """Cut of the span at hand, then padding in front and behind, that give the span wanted.

    Negative padding takes away what the cut had to leave in, where the wanted span lies wholly
    in the padding.
    """
    cut = clip((wanted[0] - have[0], wanted[1] - have[0]), have[1] - have[0])
    cut = cut[0] + have[0], cut[1] + have[0]
    return cut, cut[0] - wanted[0], wanted[1] - cut[1]


def _cuts(axes: ops.Axes, have: Window, wanted: Window) -> tuple[Cut, ...]:
    return tuple(
        (axis, want[0] - span[0], want[1] - want[0])
        for axis, span, want in zip(axes, have, wanted, strict=True)
        if span != want
    )


def _sliding(flow: Flow, op: ops.Sliding, window: Window, source: fx.Node, pads: Pads) -> nn.Module:
    size = op.rows.size, op.cols.size
    stride = op.rows.stride, op.cols.stride
    dilation = op.rows.dilation, op.cols.dilation
    if isinstance(op, ops.Conv):
        bias = None if op.bias is None else op.bias.detach()
        alone = all(b - a == 1 for a, b in window)
        if alone and op.groups == 1 and not any(pads) and dilation == (1, 1):
            return crops.DenseStep(op.weight.detach(), bias)
        return crops.ConvStep(op.weight.detach(), bias, stride, dilation, op.groups, pads)
    if isinstance(op, ops.MaxPool):
        return crops.MaxPoolStep(size, stride, dilation, pads)
    like = next(flow.traced.full.parameters(), torch.zeros(()))
    counts = [
        torch.tensor(average_counts(span, kernel, length, op.include_pad), dtype=like.dtype)
        for span, kernel, length in zip(
            window, (op.rows, op.cols), flow.map_size(source), strict=True
        )
    ]
    area = counts[0][:, None] * counts[1]
    if op.divisor is not None:
        area = torch.full_like(area, op.divisor)
    return crops.AvgPoolStep(size, stride, pads, area[None, None].to(like.device))
