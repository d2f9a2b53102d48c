"""The receptive-field cone: one unit of a network, evaluated on the patch that it sees."""

import copy
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from invis.errors import InvisError
from invis.models import ops, steps
from invis.models.flow import Flow, Window, is_aligned
from invis.models.geometry import Span, adaptive_bin, average_counts, clip, hull
from invis.models.steps import Pads, Slot

if TYPE_CHECKING:
    from invis.models.layers import Layer
    from invis.models.zoo import Model

CACHED_NUMBERS = 1 << 22
"""Activations of a micro-batch: 16 MB in single precision."""

Cut = tuple[int, int, int]
"""Axis, start and length of a crop."""


@dataclass
class _Call:
    """One step of a cone: which tensors it reads, how they are cut, where its result goes."""

    sources: tuple[tuple[int, tuple[Cut, ...]], ...]
    out: int
    dead: tuple[int, ...] = ()


class Cone(nn.Module):
    """The pre-activation of a layer at one position, from the patch of the image that it sees.

    The values are exactly those of the full model on any image that holds the patch at `window`,
    up to rounding: positions outside the patch are never computed, and where the field crosses
    the image's border, the full model's own padding takes its place.

    Attributes:
        image_shape: (C, h, w) of the patch.
        input_size: (H, W) of the full model's image.
        position: (row, column) in the layer's map; (0, 0) for layers without a map.
        window: (top, left, bottom, right) of the patch on the full image.
        channels: length of the output.
        receptive_field: side of the field in pixels, without regard to the border.
        stride: pixels between neighbouring units of the layer.
        whole: the field exceeds the image, so that the patch is the whole image.
        numbers: activations that one image leaves behind for its gradient, roughly.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        input_size: tuple[int, int],
        position: tuple[int, int],
        window: tuple[int, int, int, int],
        channels: int,
        receptive_field: int,
        stride: int,
        whole: bool,
        numbers: int,
        plan: list[tuple[nn.Module, _Call]],
        pick: tuple[Cut, ...] = (),
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        self.input_size = input_size
        self.position = position
        self.window = window
        self.channels = channels
        self.receptive_field = receptive_field
        self.stride = stride
        self.whole = whole
        self.numbers = numbers
        self.steps = nn.ModuleList(step for step, _ in plan)
        self._calls = [call for _, call in plan]
        self._pick = pick

    @property
    def cpu_batch(self) -> int:
        """Images at once (a power of 2) whose activations fit a CPU's caches.

        Larger ones gain nothing: from 8 images on, the time of an image stays the same.
        """
        return 1 << max(2, min(10, (CACHED_NUMBERS // self.numbers).bit_length() - 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalised patches (B, C, h, w) -> pre-activations (B, channels)."""
        if tuple(x.shape[1:]) != self.image_shape:
            raise InvisError(
                f"x has shape {tuple(x.shape)}: this cone takes (B, "
                f"{', '.join(map(str, self.image_shape))})"
            )
        x = x.contiguous(memory_format=torch.channels_last)
        values: dict[int, Tensor] = {0: x}
        out = x
        for step, call in zip(self.steps, self._calls, strict=True):
            out = step(*(_cut(values[slot], cuts) for slot, cuts in call.sources))
            values[call.out] = out
            for slot in call.dead:
                del values[slot]
        return _cut(out, self._pick).flatten(1)

    def extra_repr(self) -> str:
        return f"image_shape={self.image_shape}, window={self.window}, channels={self.channels}"


def _cut(x: Tensor, cuts: tuple[Cut, ...]) -> Tensor:
    for axis, start, length in cuts:
        x = x.narrow(axis, start, length)
    return x


def build_cone(
    model: "Model",
    layer: "str | Layer",
    position: Literal["center"] | tuple[int, int] = "center",
    fold: bool = True,
) -> Cone:
    """The cone of one layer of a model; `layer` may be a name. See `compile_cone`."""
    from invis.models.layers import find_layer

    if isinstance(layer, str):
        layer = find_layer(model, layer.removesuffix(":raw"), raw=layer.endswith(":raw"))
    name = layer.node
    target = next(node for node in model.flow.traced.full.graph.nodes if node.name == name)
    return compile_cone(model.flow, target, position, fold)


def compile_cone(
    flow: Flow, target: fx.Node, position: Literal["center"] | tuple[int, int], fold: bool = True
) -> Cone:
    """Build the cone of one node.

    Args:
        flow: the network and its geometry.
        target: the node whose value is wanted.
        position: (row, column) in the target's map, or the position at its centre that sees most.
        fold: fold batch norm into the convolution in front of it.

    Raises:
        InvisError: for a position outside the map, or a layer that has no value of its own.
    """
    traced = flow.traced
    needed = _ancestors(flow, target)
    for node in needed:
        op = flow.ops[node]
        if isinstance(op, ops.Opaque) and op.problem:
            raise InvisError(op.problem)
    if traced.image not in needed:
        raise InvisError(f"layer {target.name!r} does not depend on the image")
    place = _place(flow, target, needed, position)
    whole = flow.is_whole(target)
    need = _needs(flow, needed, target, place)
    if whole:
        need[traced.image] = flow.whole_map(traced.image)
    axes, shape = flow.axes[target], traced.shapes[target]
    pick: tuple[Cut, ...] = ()
    if axes and (traced.entangled or isinstance(flow.ops[target], ops.Opaque)):
        pick = tuple((axis, at, 1) for axis, at in zip(axes, place, strict=True))
    if traced.entangled:
        plan: list[tuple[nn.Module, _Call]] = [(upto(flow, target), _Call(((0, ()),), 1, (0,)))]
    else:
        plan = _plan(flow, needed, need, target, fold)
    (top, bottom), (left, right) = need[traced.image]
    spatial = {0, *axes} if axes else {0}
    channels = 1
    for axis, size in enumerate(shape):
        channels *= 1 if axis in spatial else size
    return Cone(
        image_shape=(traced.shapes[traced.image][1], bottom - top, right - left),
        input_size=traced.input_size,
        position=place,
        window=(top, left, bottom, right),
        channels=channels,
        receptive_field=flow.receptive_field(target),
        stride=flow.stride(target),
        whole=whole or need[traced.image] == flow.whole_map(traced.image),
        numbers=sum(
            _size(flow, node, need.get(node))
            for node in needed
            if node in flow.fields and not isinstance(flow.ops[node], ops.Pointwise | ops.Norm)
        ),
        plan=plan,
        pick=pick,
    )


def _size(flow: Flow, node: fx.Node, window: Window | None) -> int:
    """Numbers in a node's output for one image, inside the window."""
    shape, axes = flow.traced.shapes.get(node, (0,)), flow.axes[node]
    inside = dict(zip(axes, window, strict=True)) if axes and window else {}
    spans = [inside.get(axis, (0, length)) for axis, length in enumerate(shape)]
    return prod(stop - start for start, stop in spans)


def _ancestors(flow: Flow, target: fx.Node) -> list[fx.Node]:
    """The nodes that the target depends on, itself last, in the order of the graph."""
    found, queue = {target}, [target]
    while queue:
        for node in flow.traced.inputs(queue.pop()):
            if node not in found:
                found.add(node)
                queue.append(node)
    return [node for node in flow.traced.full.graph.nodes if node in found]


def _place(
    flow: Flow,
    target: fx.Node,
    needed: list[fx.Node],
    position: Literal["center"] | tuple[int, int],
) -> tuple[int, int]:
    if flow.axes[target] is None:
        if position not in ("center", (0, 0)):
            raise InvisError(f"position {position} is wrong: layer {target.name!r} has no map")
        return 0, 0
    rows, cols = flow.map_size(target)
    if position != "center":
        row, col = position
        if not (0 <= row < rows and 0 <= col < cols):
            raise InvisError(
                f"position {position} lies outside the layer's map: rows 0 to {rows - 1}, "
                f"columns 0 to {cols - 1}"
            )
        return row, col
    # In a map of even size the four positions in the middle see more or less of the border.
    image = flow.traced.image
    best, most = (rows // 2, cols // 2), -1
    for row in {rows // 2, (rows - 1) // 2}:
        for col in {cols // 2, (cols - 1) // 2}:
            (top, bottom), (left, right) = _needs(flow, needed, target, (row, col))[image]
            area = (bottom - top) * (right - left)
            if area > most or (area == most and (row, col) > best):
                best, most = (row, col), area
    return best


def _needs(
    flow: Flow, needed: list[fx.Node], target: fx.Node, place: tuple[int, int]
) -> dict[fx.Node, Window]:
    """The window of each node's map that the target's position depends on."""
    need: dict[fx.Node, Window] = {}
    row, col = place
    if flow.axes[target] is not None:
        need[target] = (row, row + 1), (col, col + 1)
    for node in reversed(needed):
        if (
            isinstance(flow.ops[node], ops.Opaque)
            and node in need
            and node is not flow.traced.image
        ):
            need[node] = flow.whole_map(node)
        for other in flow.traced.inputs(node):
            if flow.axes[other] is None:
                continue
            rows, cols = _wanted(flow, node, other, need.get(node))
            height, width = flow.map_size(other)
            old_rows, old_cols = need.get(other, (None, None))
            need[other] = (
                hull(old_rows, clip(rows, height)),
                hull(old_cols, clip(cols, width)),
            )
    return need


def _wanted(flow: Flow, node: fx.Node, other: fx.Node, window: Window | None) -> Window:
    """The window of `other` that `node` reads for its own window; may cross the border."""
    op = flow.ops[node]
    if window is None or isinstance(op, ops.Opaque):
        return flow.whole_map(other)
    if isinstance(op, ops.Permute | ops.Norm):
        return window
    if isinstance(op, ops.Sliding):
        return op.rows.needs(window[0]), op.cols.needs(window[1])
    if isinstance(op, ops.AdaptivePool):
        rows, cols = (
            (adaptive_bin(a, size, bins)[0], adaptive_bin(b - 1, size, bins)[1])
            for (a, b), size, bins in zip(window, flow.map_size(other), op.bins, strict=True)
        )
        return rows, cols
    return window if is_aligned(flow, node, other) else flow.whole_map(other)


def _plan(
    flow: Flow, needed: list[fx.Node], need: dict[fx.Node, Window], target: fx.Node, folding: bool
) -> list[tuple[nn.Module, _Call]]:
    """Steps from the patch to the target, freeing each tensor behind its last reader."""
    traced = flow.traced
    readers: dict[fx.Node, list[fx.Node]] = {}
    for node in needed:
        for other in traced.inputs(node):
            readers.setdefault(other, []).append(node)
    slot: dict[fx.Node, int] = {traced.image: 0}
    merged: set[fx.Node] = set()
    plan: list[tuple[nn.Module, _Call]] = []
    for node in needed:
        if node is traced.image:
            continue
        op = flow.ops[node]
        sources = traced.inputs(node)
        if folding and _folds(flow, node, readers, target):
            merged.add(node)
            continue
        source_op = flow.ops[sources[0]] if sources else None
        if isinstance(op, ops.Norm) and sources[0] in merged and isinstance(source_op, ops.Conv):
            if node not in flow.folded:
                flow.folded[node] = steps.fold(source_op.weight, source_op.bias, op.module)
            weight, bias = flow.folded[node]
            op = ops.Conv(source_op.rows, source_op.cols, weight, bias, source_op.groups)
            sources = traced.inputs(sources[0])[:1]
        elif isinstance(op, ops.Conv):
            sources = sources[:1]
        passes = isinstance(op, ops.Pointwise) and op.identity
        if passes and need[node] == need[sources[0]]:
            slot[node] = slot[sources[0]]
            continue
        step, cuts = _step(flow, node, op, sources, need)
        alone = len(sources) == 1 and list(slot.values()).count(slot[sources[0]]) == 1
        if isinstance(step, steps.ReluStep) and not any(cuts) and alone:
            step.inplace = _may_overwrite(flow, sources[0], readers)
        slot[node] = len(slot)
        call = _Call(tuple((slot[s], c) for s, c in zip(sources, cuts, strict=True)), slot[node])
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
    if isinstance(op, ops.AdaptivePool):
        window, source = need[node], sources[0]
        have = need.get(source) or flow.whole_map(source)
        rows, cols = (
            [tuple(edge - start for edge in adaptive_bin(i, size, bins)) for i in range(*span)]
            for span, size, bins, (start, _) in zip(
                window, flow.map_size(source), op.bins, have, strict=True
            )
        )
        return steps.AdaptivePoolStep(rows, cols, op.largest), [()]
    cuts: list[tuple[Cut, ...]] = []
    for source in sources:
        axes = flow.axes[source]
        if axes is None:
            cuts.append(())
            continue
        wanted = _wanted(flow, node, source, need.get(node))
        cuts.append(_cuts(axes, need[source], wanted))
    return _call(flow, node, sources), cuts


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
            return steps.DenseStep(op.weight.detach(), bias)
        return steps.ConvStep(op.weight.detach(), bias, stride, dilation, op.groups, pads)
    if isinstance(op, ops.MaxPool):
        return steps.MaxPoolStep(size, stride, dilation, pads)
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
    return steps.AvgPoolStep(size, stride, pads, area[None, None].to(like.device))


def _call(flow: Flow, node: fx.Node, sources: list[fx.Node]) -> nn.Module:
    """A node's own function or module, not writing in place."""
    traced = flow.traced
    if node.op == "get_attr":
        return steps.ConstantStep(traced.attribute(node).detach())
    module = traced.module(node)
    function: Any = ops.functional_target(node)
    if isinstance(module, nn.ReLU) or function in (F.relu, torch.relu, "relu"):
        return steps.ReluStep(False)
    if module is not None:
        function = module
        if getattr(module, "inplace", False):
            function = copy.copy(module)
            function.inplace = False
    place = {source: Slot(i) for i, source in enumerate(sources)}

    def swap(argument: fx.Node) -> Any:
        return place[traced.read(node, argument)]

    args = fx.node.map_arg(node.args, swap)
    kwargs = dict(fx.node.map_arg(node.kwargs, swap))
    if kwargs.get("inplace"):
        kwargs["inplace"] = False
    return steps.CallStep(function, args, kwargs)


def upto(flow: Flow, target: fx.Node) -> fx.GraphModule:
    """The full network, with its own modules in their own order, stopped at one node.

    Nothing runs behind that node, so that no in-place operation can overwrite its value.
    """
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in flow.traced.full.graph.nodes:
        copies[node] = graph.node_copy(node, lambda n: copies[n])
        if node is target:
            break
    graph.output(copies[target])
    return fx.GraphModule(flow.traced.full, graph)
