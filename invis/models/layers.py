"""The layers of a network: their names, and which tensor each name means."""

from dataclasses import dataclass, field
from difflib import get_close_matches
from math import prod

from torch import fx, nn
from torch.nn import functional as F

from invis.errors import InvisError
from invis.models import ops
from invis.models.flow import Flow
from invis.models.model import Model
from invis.models.window import field_of

_RELUS = ("relu", "relu_")


@dataclass(frozen=True)
class Layer:
    """One layer whose units can be shown.

    Attributes:
        layer: the name in addresses: the paper's (`conv3_1`) or the dotted one.
        alias: torchvision's dotted name where `layer` is another one, or None.
        channels: number of units.
        receptive_field: pixels that a unit sees along a side, without regard to the border; the
            image's side where every unit sees all of it.
        stride: pixels between neighbouring units.
        tensor: the value meant, in words.
        node: the value's node in the traced graph.
    """

    layer: str
    alias: str | None
    channels: int
    receptive_field: int
    stride: int
    tensor: str
    node: str = field(repr=False)


def layers(model: Model) -> list[Layer]:
    """The convolutions and residual sums of a model, in the order in which they run.

    Of the ground truth, and of a model without any, the direct children are listed instead.
    """
    flow, paper = model.flow, paper_names(model.module)
    order = {node.name: i for i, node in enumerate(flow.traced.full.graph.nodes)}
    found: dict[str, Layer] = {}
    for path, outputs in flow.traced.outputs.items():
        module = model.module.get_submodule(path)
        shown = isinstance(module, nn.Conv2d) or _residual_sum(flow, outputs[-1]) is not None
        shown = shown or (_is_feature(module) and _placed(flow, _one(flow, outputs[-1])))
        if not shown or not _has_value(flow, path) or isinstance(model.module, _ground_truth()):
            continue
        layer = _layer(model, flow, path, paper.get(path, path), False)
        # A block and the stage that it ends have one sum: the block gives the name.
        if layer.node not in found or len(path) > len(found[layer.node].layer):
            found[layer.node] = layer
    if not found:
        children = [path for path, _ in model.module.named_children() if _has_value(flow, path)]
        found = {path: _layer(model, flow, path, path, False) for path in children}
    return sorted(found.values(), key=lambda layer: order[layer.node])


def _ground_truth() -> type[nn.Module]:
    from invis.models.truth import GroundTruth

    return GroundTruth


def _has_value(flow: Flow, path: str) -> bool:
    outputs = flow.traced.outputs.get(path, [])
    return len(outputs) == 1 and outputs[0] in flow.traced.shapes


def find_layer(model: Model, name: str, raw: bool = False) -> Layer:
    """The layer with this name: the paper's, or any module's dotted name.

    Args:
        model: the network.
        name: e.g. `conv3_1`, `features.10`, `layer1.0.conv2`, `layer1.0`.
        raw: mean the convolution's own output where batch norm follows it.

    Raises:
        InvisError: if there is no such layer, or it has no single value.
    """
    flow = model.flow
    paper = {short: path for path, short in paper_names(model.module).items()}
    path = paper.get(name, name)
    outputs = flow.traced.outputs.get(path, [])
    if not outputs:
        near = _near(model, name)
        raise InvisError(f"layer {name!r} does not exist in {model.name}: {near}")
    if len(outputs) > 1:
        raise InvisError(
            f"layer {name!r} of {model.name} runs {len(outputs)} times: name the convolution "
            "in front of it"
        )
    if outputs[0] not in flow.traced.shapes:
        raise InvisError(
            f"layer {name!r} of {model.name} has no value for an image of "
            f"{model.input_size[0]} x {model.input_size[1]} ({flow.traced.failure or 'no tensor'}):"
            " give another input_size"
        )
    short = next((s for s, p in paper.items() if p == path), path)
    return _layer(model, flow, path, short, raw)


def paper_names(module: nn.Module) -> dict[str, str]:
    """Dotted name -> the paper's name (conv1_1, conv1_2, conv2_1, ...) for torchvision's VGGs."""
    from torchvision.models import VGG

    names: dict[str, str] = {}
    if not isinstance(module, VGG):
        return names
    stage, place = 1, 0
    for index, part in module.features.named_children():
        if isinstance(part, nn.MaxPool2d):
            stage, place = stage + 1, 0
        elif isinstance(part, nn.Conv2d):
            place += 1
            names[f"features.{index}"] = f"conv{stage}_{place}"
    return names


def _near(model: Model, name: str) -> str:
    """The layers with the nearest names, of those that are listed if there are any."""
    known = [layer.layer for layer in layers(model)]
    for names in (known, [path for path in model.flow.traced.outputs if path]):
        close = get_close_matches(name, names, n=3, cutoff=0.5)
        if close:
            break
    else:
        close = list(dict.fromkeys([*known[:1], *known[-1:]]))
    if not close:
        return "it has no layer of which a unit can be shown"
    return f"the nearest {'are' if len(close) > 1 else 'is'} {', '.join(close)}"


def _layer(model: Model, flow: Flow, path: str, name: str, raw: bool) -> Layer:
    node, tensor = _meant(flow, model.module, path, raw)
    model.locate(node)
    shape, axes = flow.traced.shapes[node], flow.axes[node]
    tokens = flow.tokens.get(node)
    places = axes or ((tokens.axis,) if tokens else ())
    channels = prod(size for axis, size in enumerate(shape) if axis and axis not in places)
    if tokens and not axes:
        rows, columns = tokens.grid
        behind = " behind a class token" if tokens.before else ""
        tensor += f", for {rows} x {columns} tokens{behind}"
    return Layer(
        layer=name,
        alias=path if path != name else None,
        channels=channels,
        receptive_field=field_of(flow, node),
        stride=flow.stride(node),
        tensor=tensor,
        node=node.name,
    )


def _meant(flow: Flow, module: nn.Module, path: str, raw: bool) -> tuple[fx.Node, str]:
    """The node that a module's name means, and its description."""
    node = flow.traced.outputs[path][0]
    if isinstance(module.get_submodule(path), nn.Conv2d):
        users = list(node.users)
        if len(users) == 1 and isinstance(flow.ops[users[0]], ops.Norm):
            norm = str(users[0].target)
            if not raw:
                return users[0], f"output of batch norm {norm} behind {path}"
            return node, f"output of {path}, in front of batch norm {norm}"
        return node, f"output of {path}"
    node = _one(flow, node)
    total = _residual_sum(flow, node)
    if total is not None and total is not node:
        return total, f"sum in {path}, in front of its last ReLU"
    if total is not None:
        return total, f"sum at the end of {path}"
    return node, f"output of {path}"


def _is_feature(module: nn.Module) -> bool:
    """Whether a module's output are features of a transformer's tokens, or of a map's positions."""
    return isinstance(module, nn.Linear) or "Attention" in type(module).__name__


def _placed(flow: Flow, node: fx.Node) -> bool:
    """Whether a node's output has places: a map, or tokens."""
    return flow.axes[node] is not None or node in flow.tokens


def _one(flow: Flow, node: fx.Node) -> fx.Node:
    """The first of several tensors that a node gives."""
    if node not in flow.traced.several:
        return node
    first = (user for user in node.users if user.args[1:] == (0,))
    return next(first, node)


def _residual_sum(flow: Flow, node: fx.Node) -> fx.Node | None:
    """The addition of two maps that a node is, or that it is the ReLU of."""
    module = flow.traced.module(node)
    relu = node.target in (F.relu, "relu", "relu_") or isinstance(module, nn.ReLU)
    if getattr(node.target, "__name__", "") in _RELUS:
        relu = True
    total = flow.traced.inputs(node)[0] if relu else node
    if getattr(total.target, "__name__", str(total.target)) not in ("add", "iadd", "add_"):
        return None
    maps = [n for n in flow.traced.inputs(total) if n in flow.fields]
    return total if len(maps) > 1 and _placed(flow, total) else None
