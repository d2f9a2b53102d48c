"""The receptive-field cone: one unit of a network, evaluated on the patch that it sees."""

import copy
from math import prod

import torch
from torch import Tensor, fx, nn

from invis.errors import InvisError
from invis.models import ops
from invis.models.address import Position
from invis.models.field import Edges
from invis.models.flow import Flow, Window
from invis.models.layers import Layer, find_layer
from invis.models.model import Model
from invis.models.plan import Call, Cut, cut, plan_steps
from invis.models.trace import upto
from invis.models.window import ancestors, field_of, needs, place_of

CACHED_NUMBERS = 1 << 22
"""Activations of a micro-batch: 16 MB in single precision."""


class Cone(nn.Module):
    """The pre-activation of a layer at one position, from the patch of the image that it sees.

    The values are exactly those of the full model on any image that holds the patch at `window`,
    up to rounding: positions outside the patch are never computed, and where the field crosses
    the image's border, the full model's own padding takes its place.

    Attributes:
        image_shape: (C, h, w) of the patch.
        input_size: (H, W) of the full model's image.
        position: (row, column) in the layer's map; (token, 0) where it has tokens, (0, 0) where
            it has neither.
        window: (top, left, bottom, right) of the patch on the full image.
        channels: length of the output.
        receptive_field: side of the field in pixels, without regard to the border.
        stride: pixels between neighbouring units of the layer.
        whole: the field exceeds the image, so that the patch is the whole image.
        numbers: activations that one image leaves behind for its gradient, roughly.
        canvas: (h, w) of the canvas on which the patch is placed before anything is computed,
            because the steps cannot be cut down to the field; None for a cone proper.
        stopped_by: what the cone could not follow, in words, or "".
        uniform: units at other positions do the same to the patches that they see.
        run_whole: the network itself runs, not step by step.
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
        plan: list[tuple[nn.Module, Call]],
        pick: tuple[Cut, ...] = (),
        stopped_by: str = "",
        uniform: bool = True,
        run_whole: bool = False,
    ) -> None:
        super().__init__()
        self.paper: Tensor | None
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
        self.stopped_by, self.uniform, self.run_whole = stopped_by, uniform, run_whole
        self.canvas: tuple[int, int] | None = None
        self._corner = (0, 0)
        self.register_buffer("paper", None)

    @property
    def cpu_batch(self) -> int:
        """Images at once (a power of 2) whose activations fit a CPU's caches.

        Larger ones gain nothing: from 8 images on, the time of an image stays the same.
        """
        return 1 << max(2, min(10, (CACHED_NUMBERS // self.numbers).bit_length() - 1))

    def of_numbers(self, numbers: int) -> "Cone":
        """The same cone where an image leaves more behind than its graph shows."""
        other = copy.copy(self)
        other.numbers = numbers
        return other

    def on_canvas(self, window: Edges, paper: Tensor) -> "Cone":
        """The same values from a smaller patch, which is all that they depend on.

        Args:
            window: (top, left, bottom, right) of the patch inside this cone's own.
            paper: (C,) the normalised colour around it.
        """
        top, left, bottom, right = window
        other = copy.copy(self)
        other._buffers = {**self._buffers, "paper": paper[:, None, None]}
        other.canvas, other._corner = self.image_shape[1:], (top, left)
        other.uniform = False
        other.image_shape = (self.image_shape[0], bottom - top, right - left)
        above, before = self.window[:2]
        other.window = (above + top, before + left, above + bottom, before + right)
        other.whole = other.image_shape[1:] == self.input_size
        (height, width), (first, left, last, right) = self.input_size, other.window
        if first > 0 and left > 0 and last < height and right < width:
            other.receptive_field = max(other.image_shape[1:])
        return other

    @property
    def remark(self) -> str:
        """What it costs that the cone could not follow, in a line; "" where it could."""
        if self.canvas is None or not self.stopped_by:
            return ""
        (height, width), (_, h, w) = self.canvas, self.image_shape
        return (
            f"a cone cannot follow {self.stopped_by}: each patch of {h} x {w} px is searched on a "
            f"canvas of {height} x {width} px, about {height * width / (h * w):.0f} times the work"
        )

    def forward(self, x: Tensor) -> Tensor:
        """Normalised patches (B, C, h, w) -> pre-activations (B, channels)."""
        if tuple(x.shape[1:]) != self.image_shape:
            raise InvisError(
                f"x has shape {tuple(x.shape)}: this cone takes (B, "
                f"{', '.join(map(str, self.image_shape))})"
            )
        if self.canvas is not None:
            assert self.paper is not None
            (top, left), (_, height, width) = self._corner, self.image_shape
            patch, x = x, self.paper.to(x.dtype).expand(len(x), -1, *self.canvas).clone()
            x[..., top : top + height, left : left + width] = patch
        if self.run_whole:
            # The network's own code may depend on the layout (`view`, 3D pooling): it gets the
            # plain one, in memory of its own, whatever lies in memory here.
            x = x.clone(memory_format=torch.contiguous_format)
        else:
            x = x.contiguous(memory_format=torch.channels_last)
        values: dict[int, Tensor] = {0: x}
        out = x
        for step, call in zip(self.steps, self._calls, strict=True):
            out = step(*(cut(values[slot], cuts) for slot, cuts in call.sources))
            values[call.out] = out
            for slot in call.dead:
                del values[slot]
        if isinstance(out, tuple | list):
            out = out[0]
        return cut(out, self._pick).flatten(1)

    def extra_repr(self) -> str:
        return f"image_shape={self.image_shape}, window={self.window}, channels={self.channels}"


def build_cone(
    model: Model,
    layer: str | Layer,
    position: Position = "center",
    fold: bool = True,
) -> Cone:
    """The cone of one layer of a model; `layer` may be a name. See `compile_cone`."""
    if isinstance(layer, str):
        layer = find_layer(model, layer.removesuffix(":raw"), raw=layer.endswith(":raw"))
    return compile_cone(model.flow, model.flow.node(layer.node), position, fold)


def compile_cone(
    flow: Flow,
    target: fx.Node,
    position: Position,
    fold: bool = True,
    follow: bool = True,
) -> Cone:
    """Build the cone of one node.

    Args:
        flow: the network and its geometry.
        target: the node whose value is wanted.
        position: (row, column) in the target's map or grid of tokens, "cls", or the position at
            the centre that sees most.
        fold: fold batch norm into the convolution in front of it.
        follow: follow the unit position by position; else the network itself runs on whole images.

    Raises:
        InvisError: for a position outside the map, or a layer that has no value of its own.
    """
    traced = flow.traced
    needed = ancestors(flow, target)
    for node in needed:
        op = flow.ops[node]
        if isinstance(op, ops.Opaque) and op.problem:
            raise InvisError(op.problem)
    if traced.image not in needed:
        raise InvisError(f"layer {target.name!r} does not depend on the image")
    place = place_of(flow, target, needed, position)
    run_whole = traced.entangled or not follow
    whole = flow.is_whole(target) or run_whole
    need = needs(flow, needed, target, place)
    if whole:
        need[traced.image] = flow.whole_map(traced.image)
    axes, shape = flow.axes[target], traced.shapes[target]
    pick: tuple[Cut, ...] = ()
    if axes and (run_whole or isinstance(flow.ops[target], ops.Opaque)):
        pick = tuple((axis, at, 1) for axis, at in zip(axes, place, strict=True))
    tokens = flow.tokens.get(target) if axes is None else None
    if tokens is not None:
        pick = ((tokens.axis, place[0], 1),)
    if run_whole:
        plan: list[tuple[nn.Module, Call]] = [(upto(traced, target), Call(((0, ()),), 1, (0,)))]
    else:
        plan = plan_steps(flow, needed, need, target, fold)
    (top, bottom), (left, right) = need[traced.image]
    spatial = {0, *axes} if axes else {0, tokens.axis} if tokens else {0}
    channels = 1
    for axis, size in enumerate(shape):
        channels *= 1 if axis in spatial else size
    return Cone(
        image_shape=(traced.shapes[traced.image][1], bottom - top, right - left),
        input_size=traced.input_size,
        position=place,
        window=(top, left, bottom, right),
        channels=channels,
        receptive_field=field_of(flow, target),
        stride=flow.stride(target),
        whole=whole or need[traced.image] == flow.whole_map(traced.image),
        numbers=sum(
            _size(flow, node, need.get(node))
            for node in needed
            if node in flow.fields and not isinstance(flow.ops[node], ops.Pointwise | ops.Norm)
        ),
        plan=plan,
        pick=pick,
        uniform=follow and flow.is_uniform(needed),
        run_whole=run_whole,
        stopped_by=flow.stopped_by(needed) if follow else "the network as it was traced",
    )


def _size(flow: Flow, node: fx.Node, window: Window | None) -> int:
    """Numbers in a node's output for one image, inside the window."""
    shape, axes = flow.traced.shapes.get(node, (0,)), flow.axes[node]
    inside = dict(zip(axes, window, strict=True)) if axes and window else {}
    spans = [inside.get(axis, (0, length)) for axis, length in enumerate(shape)]
    return prod(stop - start for start, stop in spans)
