"""Tell what each node of a traced network does to space.

What is not known to be local is opaque, never guessed.
"""

from dataclasses import dataclass
from itertools import permutations
from math import prod
from typing import Any

import torch
from torch import fx, nn
from torch.nn.modules.utils import _pair

from invis.models.behaviour import behaviour
from invis.models.calls import call_step
from invis.models.geometry import Cells, Kernel, Transposed
from invis.models.hooked import Until
from invis.models.ops import (
    AdaptivePool,
    Alone,
    AvgPool,
    Axes,
    Concat,
    Conv,
    ConvTransposed,
    LastAxis,
    MaxPool,
    Norm,
    Op,
    Opaque,
    Pointwise,
    Rearrange,
    Regroup,
    Shuffle,
)
from invis.models.trace import Traced

_POINTWISE = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.RReLU,
    nn.PReLU,
    nn.ELU,
    nn.SELU,
    nn.CELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Hardtanh,
    nn.Sigmoid,
    nn.Tanh,
    nn.LogSigmoid,
    nn.Softplus,
    nn.Softsign,
    nn.Tanhshrink,
    nn.Hardshrink,
    nn.Softshrink,
    nn.Threshold,
    nn.Identity,
    nn.modules.dropout._DropoutNd,
)
_MAPS = (
    nn.Conv2d,
    nn.ConvTranspose2d,
    nn.GroupNorm,
    nn.InstanceNorm2d,
    nn.LocalResponseNorm,
    nn.Upsample,
)
_MAPS_NAMES = {"conv2d", "conv_transpose2d", "group_norm", "instance_norm", "interpolate"}
_POINTWISE_NAMES = {"hardswish", "dropout", "stochastic_depth", "contiguous", "prelu", "clone"}
_POINTWISE_NAMES |= {"dropout2d", "alpha_dropout", "feature_dropout", "truediv", "pow", "float"}


def classify(
    traced: Traced, node: fx.Node, axes: dict[fx.Node, Axes | None]
) -> tuple[Op, Axes | None]:
    """What a node does, and which axes of its output are rows and columns (None: not known).

    Args:
        traced: the network.
        node: one node of its graph.
        axes: the answer for the nodes in front of it.
    """
    shape = traced.shapes.get(node)
    module = traced.module(node)
    if shape is None or node in traced.fixed or node.op in ("placeholder", "output"):
        return Opaque(), ((2, 3) if node is traced.image else None)
    if isinstance(module, Until):
        maps = len(shape) == 4 and type(module.watched).__name__.endswith("2d")
        return Opaque(), ((2, 3) if maps else None)
    op = _from_module(module, node) if module is not None else _from_call(traced, node)
    found = _located(traced, node, op, axes)
    if isinstance(found[0], Opaque) and not found[0].problem:
        return _tried(traced, node, axes) or found
    return found


def _located(
    traced: Traced, node: fx.Node, op: Op, axes: dict[fx.Node, Axes | None]
) -> tuple[Op, Axes | None]:
    """Where an operation leaves rows and columns; opaque where its name promises too much."""
    shape = traced.shapes[node]
    inputs = [n for n in traced.inputs(node) if n not in traced.numbers]
    if isinstance(op, Opaque):
        maps = op.maps and len(shape) == 4 and axes.get(inputs[0]) == (2, 3)
        return op, (2, 3) if maps else None
    if isinstance(op, Pointwise | Concat):
        shared = _shared_axes(traced, inputs, axes, shape)
        if isinstance(op, Concat) and (shared is None or not _joins_channels(node, shared)):
            shared = None
        return (op, shared) if shared is not None else (Opaque(), _residual(traced, node, axes))
    if isinstance(op, LastAxis):
        shared = _shared_axes(traced, inputs, axes, shape)
        if shared is None or len(shape) - 1 in shared:
            return Opaque(), None
        return Pointwise(), shared
    if isinstance(op, Alone):  # one of several tensors
        return (op, axes[inputs[0]]) if axes.get(inputs[0]) else (Opaque(), None)
    if isinstance(op, Rearrange):
        before = axes.get(inputs[0])
        if before is None or len(op.source) != len(shape) or not set(before) <= set(op.source):
            return Opaque(), None
        moved = op.source.index(before[0]), op.source.index(before[1])
        sizes = traced.shapes[inputs[0]]
        # A slice of rows or columns is not the whole map any more.
        same = all(shape[m] == sizes[b] for m, b in zip(moved, before, strict=True))
        return (op, moved) if same else (Opaque(), None)
    if isinstance(op, Regroup):
        after = _regrouped(traced.shapes[inputs[0]], shape, axes.get(inputs[0]))
        return (Regroup(shape), after) if after is not None else (Opaque(), None)
    # Everything else works on (B, C, H, W).
    if len(shape) != 4 or axes.get(inputs[0]) not in ((2, 3), None):
        return Opaque(), None
    if axes.get(inputs[0]) is None and isinstance(op, Norm | ConvTransposed | Shuffle):
        return Opaque(), None
    return op, (2, 3)


def _tried(
    traced: Traced, node: fx.Node, axes: dict[fx.Node, Axes | None]
) -> tuple[Op, Axes] | None:
    """What an operation without a known name turns out to do."""
    sources = [n for n in traced.inputs(node) if n not in traced.numbers]
    image = [n for n in sources if n not in traced.fixed]
    where = axes.get(image[0]) if len(image) == 1 else None
    if where is None or image[0] in traced.several:
        return None
    module = traced.module(node)
    own = [*module.parameters(), *module.buffers()] if module is not None else []
    fixed = [traced.value(n) for n in sources if n in traced.fixed]
    exact = torch.zeros((), dtype=torch.float64)
    like = next((t.detach() for t in [*own, *fixed] if t.is_floating_point()), exact)
    if any(t.is_meta for t in [*own, *fixed]):
        return None
    step = call_step(traced, node, sources)
    places = {n: traced.value(n) for n in sources if n in traced.fixed}
    return behaviour(
        lambda x: step(*(places.get(n, x) for n in sources)), traced.shapes[image[0]], where, like
    )


def _regrouped(before: tuple[int, ...], after: tuple[int, ...], axes: Axes | None) -> Axes | None:
    """Rows and columns behind a reshape that leaves both whole, and images apart."""
    if axes is None or before[0] != after[0]:
        return None

    def signature(shape: tuple[int, ...], pair: Axes) -> tuple[int, ...]:
        first, second = sorted(pair)
        return (
            prod(shape[:first]), prod(shape[first + 1 : second]), prod(shape[second + 1 :]),
            shape[pair[0]], shape[pair[1]], pair[0] < pair[1],
        )  # fmt: skip

    wanted = signature(before, axes)
    pairs = permutations(range(1, len(after)), 2)
    return next((pair for pair in pairs if signature(after, pair) == wanted), None)


def _residual(traced: Traced, node: fx.Node, axes: dict[fx.Node, Axes | None]) -> Axes | None:
    """Rows and columns of a sum that only one of its parts knows: those of a residual stream."""
    shape = traced.shapes[node]
    known = {axes[n] for n in traced.inputs(node) if axes.get(n) and traced.shapes[n] == shape}
    return known.pop() if len(known) == 1 else None


def _shared_axes(
    traced: Traced, inputs: list[fx.Node], axes: dict[fx.Node, Axes | None], shape: tuple[int, ...]
) -> Axes | None:
    """Row and column axes on which all inputs agree, or None."""
    known = {axes[n] for n in inputs if axes.get(n) is not None and n not in traced.fixed}
    if len(known) != 1:
        return None
    shared = known.pop()
    assert shared is not None
    for node in inputs:
        other = traced.shapes.get(node)
        if other is None:
            return None  # a number computed from the data
        same_rank = axes.get(node) == shared and len(other) == len(shape)
        if same_rank and all(other[a] == shape[a] for a in shared):
            continue
        offset = len(shape) - len(other)
        if node in traced.fixed and all(
            a >= offset and other[a - offset] == shape[a] for a in shared
        ):
            # A map of the network's own, such as one of positions: cut like the image's.
            own = shared[0] - offset, shared[1] - offset
            if axes.setdefault(node, own) in (None, own):
                axes[node] = own
                continue
        # Anything else is read whole, so it must be the same at every position.
        if any(a >= offset and other[a - offset] != 1 for a in shared):
            return None
    return shared


def _joins_channels(node: fx.Node, axes: Axes) -> bool:
    dim = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
    rank = 4
    return isinstance(dim, int) and dim % rank not in (0, *axes)


def _kernels(
    size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1
) -> tuple[Kernel, Kernel]:
    sizes, strides, dilations = _pair(size), _pair(stride), _pair(dilation)
    if padding == "same":
        total = [(k - 1) * d for k, d in zip(sizes, dilations, strict=True)]
        pads = [(t // 2, t - t // 2) for t in total]
    else:
        pads = [(p, p) for p in _pair(0 if padding == "valid" else padding)]
    rows, cols = (
        Kernel(int(k), int(s), int(before), int(after), int(d))
        for k, s, (before, after), d in zip(sizes, strides, pads, dilations, strict=True)
    )
    return rows, cols


def _from_module(module: nn.Module, node: fx.Node) -> Op:
    if isinstance(module, nn.Conv2d):
        rows, cols = _kernels(module.kernel_size, module.stride, module.padding, module.dilation)
        return Conv(rows, cols, module.weight, module.bias, module.groups)
    if isinstance(module, nn.BatchNorm2d):
        if module.running_mean is None:
            return Opaque(
                f"batch norm {str(node.target)!r} has no running statistics, so that a unit's "
                "value would depend on the other images: build it with track_running_stats=True"
            )
        return Norm(module)
    if isinstance(module, nn.ConvTranspose2d):
        rows, cols = _kernels(module.kernel_size, module.stride, module.padding, module.dilation)
        sides = Transposed(rows), Transposed(cols)
        return ConvTransposed(*sides, module.weight, module.bias, module.groups)
    if isinstance(module, nn.PixelShuffle):
        return Shuffle(*(Cells(module.upscale_factor, True),) * 2)
    if isinstance(module, nn.PixelUnshuffle):
        return Shuffle(*(Cells(module.downscale_factor, False),) * 2)
    if isinstance(module, nn.Flatten | nn.Unflatten):
        return Regroup(())
    if isinstance(module, nn.MaxPool2d) and not module.return_indices:
        stride = module.stride or module.kernel_size
        return MaxPool(*_kernels(module.kernel_size, stride, module.padding, module.dilation))
    if isinstance(module, nn.AvgPool2d):
        stride = module.stride or module.kernel_size
        kernels = _kernels(module.kernel_size, stride, module.padding)
        return AvgPool(*kernels, module.count_include_pad, module.divisor_override)
    if isinstance(module, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d):
        return _adaptive(module.output_size, isinstance(module, nn.AdaptiveMaxPool2d), node)
    if isinstance(module, _POINTWISE):
        identity = isinstance(module, nn.Identity | nn.modules.dropout._DropoutNd)
        return Pointwise(identity)
    if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) > 1:
        return Opaque()
    if isinstance(module, nn.Linear | nn.LayerNorm):
        return LastAxis()
    return Opaque(maps=isinstance(module, _MAPS))


def _adaptive(size: Any, largest: bool, node: fx.Node) -> Op:
    bins = _pair(size)
    if any(b is None for b in bins):
        return Opaque()
    return AdaptivePool((int(bins[0]), int(bins[1])), largest)


def _from_call(traced: Traced, node: fx.Node) -> Op:
    call = _settled(traced, node)
    if any(isinstance(a, fx.Node) for a in [*call.args[1:], *call.kwargs.values()]):
        plain = None  # a setting computed at run time
    else:
        plain = _arguments(call)
    name = call.name
    if node.op == "call_function" and not _known_origin(node.target):
        return Opaque()
    if name == "getitem" and call.args[0] in traced.several:
        return Alone() if isinstance(call.args[1], int) else Opaque()
    if name in ("conv2d", "conv_transpose2d"):
        return _conv_function(traced, call)
    if name == "layer_norm" and len(_argument(call, 1, "normalized_shape", ())) == 1:
        return LastAxis()
    if name in ("pixel_shuffle", "pixel_unshuffle"):
        up = name == "pixel_shuffle"
        size = _argument(call, 1, "upscale_factor" if up else "downscale_factor", 1)
        return Shuffle(Cells(size, up), Cells(size, up))
    if name in ("view", "reshape", "flatten", "unflatten"):
        return Regroup(())
    if plain is not None:
        if name == "max_pool2d" and not plain.get("return_indices"):
            return MaxPool(
                *_kernels(
                    plain["kernel_size"],
                    plain.get("stride") or plain["kernel_size"],
                    plain.get("padding", 0),
                    plain.get("dilation", 1),
                )
            )
        if name == "avg_pool2d":
            size = plain["kernel_size"]
            kernels = _kernels(size, plain.get("stride") or size, plain.get("padding", 0))
            return AvgPool(
                *kernels, plain.get("count_include_pad", True), plain.get("divisor_override")
            )
        if name.startswith("adaptive_") and not plain.get("return_indices"):
            return _adaptive(plain["output_size"], "max" in name, node)
        if name == "permute" and plain.get("dims"):
            dims = plain["dims"]
            return Rearrange(tuple(d % len(dims) for d in dims))
        if name in ("getitem", "unsqueeze"):
            return _indexed(traced, node, plain)
    if name in ("cat", "concat"):
        return Concat()
    if _pointwise(name):
        return Pointwise(_passes(call, name))
    return Opaque(maps=name in _MAPS_NAMES)


@dataclass(frozen=True)
class _Call:
    """A node's call with plain numbers in place of the sizes that it computes."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def _settled(traced: Traced, node: fx.Node) -> _Call:
    def known(argument: fx.Node) -> Any:
        return traced.numbers.get(argument, argument)

    args, kwargs = fx.node.map_arg((node.args, node.kwargs), known)
    return _Call(getattr(node.target, "__name__", str(node.target)), args, dict(kwargs))


def _known_origin(function: Any) -> bool:
    """Whether a function is torch's own: others may carry the same names."""
    home = getattr(function, "__module__", None) or ""
    return home.split(".")[0] in ("torch", "torchvision", "_operator")


def _argument(node: _Call, place: int, name: str, default: Any) -> Any:
    return node.kwargs.get(name, node.args[place] if len(node.args) > place else default)


_CONV = {
    "conv2d": ("stride", "padding", "dilation", "groups"),
    "conv_transpose2d": ("stride", "padding", "output_padding", "groups", "dilation"),
}


def _conv_function(traced: Traced, call: _Call) -> Op:
    """`F.conv2d` with weights that are the network's own, or computed of them."""
    weight, bias = _argument(call, 1, "weight", None), _argument(call, 2, "bias", None)
    names = _CONV[call.name]
    rest = {
        name: _argument(call, 3 + place, name, 0 if "padding" in name else 1)
        for place, name in enumerate(names)
    }
    fixed = weight in traced.fixed and (bias is None or bias in traced.fixed)
    if not fixed or any(isinstance(value, fx.Node) for value in rest.values()):
        return Opaque(maps=True)
    weight, bias = traced.value(weight), None if bias is None else traced.value(bias)
    size = tuple(weight.shape[2:])
    rows, cols = _kernels(size, rest["stride"], rest["padding"], rest["dilation"])
    if call.name == "conv2d":
        return Conv(rows, cols, weight, bias, rest["groups"])
    return ConvTransposed(Transposed(rows), Transposed(cols), weight, bias, rest["groups"])


def _indexed(traced: Traced, node: fx.Node, plain: dict[str, Any]) -> Op:
    """`x[:, 0]`, `x[:, :2]`, `x.unsqueeze(1)`."""
    rank = len(traced.shapes.get(traced.inputs(node)[0], ()))
    source: list[int | None] = list(range(rank))
    if not isinstance(plain["input"], fx.Node) or rank == 0:
        return Opaque()
    if "dim" in plain:
        source.insert(plain["dim"] % (rank + 1), None)
        return Rearrange(tuple(source))
    index = plain["index"] if isinstance(plain["index"], tuple) else (plain["index"],)
    if not all(isinstance(i, int | slice) for i in index) or index[0] != slice(None):
        return Opaque()
    dropped = {axis for axis, i in enumerate(index) if isinstance(i, int)}
    strided = any(isinstance(i, slice) and i.step not in (None, 1) for i in index)
    return Opaque() if strided else Rearrange(tuple(a for a in source if a not in dropped))


_SIGNATURES = {
    name: ["input", *rest.split()]
    for name, rest in {
        "max_pool2d": "kernel_size stride padding dilation ceil_mode return_indices",
        "avg_pool2d": "kernel_size stride padding ceil_mode count_include_pad divisor_override",
        "adaptive_avg_pool2d": "output_size",
        "adaptive_max_pool2d": "output_size return_indices",
        "permute": "dims",
        "getitem": "index",
        "unsqueeze": "dim",
    }.items()
}


def _arguments(node: _Call) -> dict[str, Any] | None:
    """Arguments of a known function by name."""
    names = _SIGNATURES.get(node.name)
    if names is None:
        return None
    args = list(node.args)
    if node.name == "permute" and len(args) > 2:
        args = [args[0], tuple(args[1:])]
    return dict(zip(names, args, strict=False)) | dict(node.kwargs)


def _passes(node: _Call, name: str) -> bool:
    """Whether a function hands its argument on unchanged in evaluation mode."""
    if name == "stochastic_depth":
        return not (node.kwargs.get("training", node.args[-1] if len(node.args) > 3 else True))
    return name == "contiguous" or ("dropout" in name and not _dropout_training(node))


def _dropout_training(node: _Call) -> bool:
    return bool(node.kwargs.get("training", node.args[2] if len(node.args) > 2 else True))


def _pointwise(name: str) -> bool:
    """Whether a function or method acts on each element by itself, as ATen's own tags say."""
    name = name.rstrip("_")
    if name in _POINTWISE_NAMES:
        return True
    name = {"iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div"}.get(name, name)
    packet = getattr(torch.ops.aten, name, None)
    if packet is None or not hasattr(packet, "overloads"):
        return False
    first = getattr(packet, packet.overloads()[0])
    return torch.Tag.pointwise in first.tags
