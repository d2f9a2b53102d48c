"""Trace a network into a graph that knows its modules, shapes and in-place writes."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from invis.errors import InvisError
from invis.models.hooked import Until, flat_graph
from invis.models.sized import SizedTracer
from invis.models.tracer import IN_PLACE, ONE_AT_A_TIME, PathTracer

# fmt: off
_VIEWS = {
    "view", "reshape", "flatten", "unflatten", "permute", "transpose", "t", "movedim", "swapaxes",
    "chunk", "split", "tensor_split", "unbind", "getitem", "narrow", "select", "expand", "view_as",
    "unsqueeze", "squeeze", "contiguous", "detach", "to", "float",
}
# fmt: on


@dataclass
class Traced:
    """A traced network.

    Attributes:
        full: the graph with the network's own modules, in their own order; running it is running
            the network.
        outputs: module path -> the node of its output, one for each call.
        shapes: node -> shape of its output for a batch of 1; missing behind a failed shape pass.
        reads: (user, argument) -> the node to read in place of `argument`, because an in-place
            operation has overwritten it before `user` runs.
        entangled: a view of a tensor was overwritten in place while the tensor is still read, so
            that the graph only means something when it runs whole and in order.
        input_size: rows and columns of the image.
        failure: what stopped the shape pass, or "".
        numbers: node -> what it gives where that is no tensor: sizes, and what is made of them.
        several: node -> the shapes of its tensors, where it gives several; `shapes` has the first.
        fixed: nodes of tensors that depend on no pixel: parameters, what is computed of them, and
            what has only its size from the image.
    """

    full: fx.GraphModule
    outputs: dict[str, list[fx.Node]]
    shapes: dict[fx.Node, tuple[int, ...]]
    input_size: tuple[int, int]
    reads: dict[tuple[fx.Node, fx.Node], fx.Node] = field(default_factory=dict)
    entangled: bool = False
    failure: str = ""
    numbers: dict[fx.Node, Any] = field(default_factory=dict)
    several: dict[fx.Node, list[tuple[int, ...]]] = field(default_factory=dict)
    fixed: set[fx.Node] = field(default_factory=set)
    _values: dict[fx.Node, Tensor] = field(default_factory=dict, repr=False)

    @property
    def image(self) -> fx.Node:
        """The node of the input image."""
        return next(node for node in self.full.graph.nodes if node.op == "placeholder")

    def module(self, node: fx.Node) -> nn.Module | None:
        """The leaf module that a node calls, if it calls one."""
        return self.full.get_submodule(str(node.target)) if node.op == "call_module" else None

    def words(self, node: fx.Node) -> str:
        """What a node does, by the names in the network's own code."""
        module = self.module(node)
        if isinstance(module, Until):
            return f"the forward of {type(module.network).__name__} ({module.reason})"
        if module is not None:
            return f"{type(module).__name__} {node.target}"
        return getattr(node.target, "__name__", str(node.target))

    @torch.no_grad()
    def value(self, node: fx.Node) -> Tensor:
        """What a node gives for one image, where that depends on no pixel."""
        if node.op == "get_attr":
            return self.attribute(node).detach()
        if node not in self._values:
            like = next(self.full.parameters(), torch.zeros(())).detach()

            def known(other: fx.Node) -> Any:
                if other in self.numbers:
                    return self.numbers[other]
                if other in self._values or other.op == "get_attr":
                    return self.value(other)
                # Only its shape can matter: whoever needs more is no such node.
                return torch.zeros(self.shapes[other], dtype=like.dtype, device=like.device)

            for other in node.all_input_nodes:
                if other in self.fixed:
                    self.value(other)
            args = fx.node.map_arg(node.args, known)
            kwargs = fx.node.map_arg(node.kwargs, known)
            if node.op == "call_method":
                found = getattr(args[0], str(node.target))(*args[1:], **kwargs)
            else:
                found = (self.module(node) or node.target)(*args, **kwargs)  # type: ignore[operator]
            self._values[node] = found.detach()
        return self._values[node]

    def attribute(self, node: fx.Node) -> Tensor:
        """The parameter or buffer that a `get_attr` node stands for."""
        value: Any = self.full
        for part in str(node.target).split("."):
            value = getattr(value, part)
        return value

    def read(self, user: fx.Node, argument: fx.Node) -> fx.Node:
        """The node whose value `user` finds in `argument`."""
        return self.reads.get((user, argument), argument)

    def inputs(self, node: fx.Node) -> list[fx.Node]:
        """The nodes that `node` reads, in the order of its arguments, each once."""
        return list(dict.fromkeys(self.read(node, other) for other in node.all_input_nodes))


class _Shapes(fx.Interpreter):
    """Runs a graph and notes every tensor's shape, and what is no tensor."""

    shapes: dict[fx.Node, tuple[int, ...]]
    numbers: dict[fx.Node, Any]
    several: dict[fx.Node, list[tuple[int, ...]]]

    def run_node(self, n: fx.Node) -> Any:
        module = self.module.get_submodule(str(n.target)) if n.op == "call_module" else None
        # Without data these take as long as all the rest together.
        source = n.args[0] if isinstance(module, nn.BatchNorm2d) and len(n.args) == 1 else None
        value = self.env[source] if isinstance(source, fx.Node) else None
        if not (isinstance(module, nn.BatchNorm2d) and _fits(module, value)):
            value = super().run_node(n)
        parts = value if isinstance(value, tuple | list) and value else ()
        if isinstance(value, Tensor):
            self.shapes[n] = tuple(value.shape)
        elif parts and all(isinstance(part, Tensor) for part in parts):
            self.shapes[n] = tuple(parts[0].shape)
            self.several[n] = [tuple(part.shape) for part in parts]
        else:
            self.numbers[n] = value
        return value


def _fits(norm: nn.BatchNorm2d, value: Any) -> bool:
    """Whether batch norm takes a value."""
    return isinstance(value, Tensor) and value.ndim == 4 and value.shape[1] == norm.num_features


def trace(module: nn.Module, channels: int, input_size: tuple[int, int]) -> Traced:
    """Trace a network in evaluation mode.

    Symbolically, then with the sizes known, then by hooks on the whole network: whatever the
    network's code does, one of them tells what its modules give.

    Args:
        module: the network; it must be in evaluation mode and take one image batch.
        channels: colours of the image.
        input_size: rows and columns of the image.

    Raises:
        InvisError: if the network takes no single batch of images, or fails on one.
    """
    parameter = next((p for p in module.parameters() if p.is_floating_point()), None)
    like = torch.empty(0) if parameter is None else parameter.detach()
    makers: list[Callable[[], PathTracer]] = [
        PathTracer,
        lambda: SizedTracer(channels, input_size, like),
    ]
    reasons = []
    for make in makers:
        try:
            with ONE_AT_A_TIME:
                tracer = make()
                graph = tracer.trace(module)
                full = fx.GraphModule(module, graph)
        except Exception as error:
            reasons.append((str(error).strip().splitlines() or [type(error).__name__])[0][:120])
            continue
        traced = Traced(full, tracer.outputs, {}, input_size)
        _spell_out_padding(traced)
        _note_shapes(traced, channels, like)
        if not traced.failure or not reasons:
            break
        reasons.append(traced.failure)
    else:
        image = torch.zeros(1, channels, *input_size, dtype=like.dtype, device=like.device)
        if image.is_meta:
            raise InvisError(f"model {type(module).__name__} cannot be traced ({reasons[0]})")
        full, outputs, shapes = flat_graph(module, image, reasons[-1])
        return Traced(full, outputs, shapes, input_size)
    images = [node for node in graph.nodes if node.op == "placeholder"]
    if not images or any(not node.args for node in images[1:]):
        raise InvisError(
            f"model {type(module).__name__} takes {len(images)} inputs: its forward must take "
            "one batch of images"
        )
    _note_fixed(traced)
    _follow_writes(traced)
    return traced


def _note_shapes(traced: Traced, channels: int, like: Tensor) -> None:
    """Fill `shapes` and `numbers`, as far as the network runs on this image."""
    interpreter = _Shapes(traced.full)
    interpreter.shapes, interpreter.numbers = traced.shapes, traced.numbers
    interpreter.several = traced.several
    interpreter.extra_traceback = False
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        image = torch.empty(1, channels, *traced.input_size, dtype=like.dtype, device=like.device)
        try:
            interpreter.run(image)
        except Exception as error:  # a later layer may not fit this image: the others still do
            traced.failure = str(error).strip().split("\n")[0]


def upto(traced: Traced, target: fx.Node) -> fx.GraphModule:
    """The full network, with its own modules in their own order, stopped at one node.

    Nothing runs behind that node, so that no in-place operation can overwrite its value.
    """
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in traced.full.graph.nodes:
        copies[node] = graph.node_copy(node, lambda n: copies[n])
        if node is target:
            break
    out = copies[target]
    if target in traced.several:
        out = graph.call_function(operator.getitem, (out, 0))
    graph.output(out)
    return fx.GraphModule(traced.full, graph)


_SIZE_ONLY = ("zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full")


def _note_fixed(traced: Traced) -> None:
    """Fill `fixed`."""
    for node in traced.full.graph.nodes:
        if node.op == "get_attr":
            traced.fixed.add(node)
        if node.op not in ("call_function", "call_method", "call_module"):
            continue
        if node not in traced.shapes or node in traced.several:
            continue
        name = getattr(node.target, "__name__", str(node.target))
        known = all(n in traced.fixed or n in traced.numbers for n in node.all_input_nodes)
        if (known and not name.startswith(("rand", "bernoulli"))) or name in _SIZE_ONLY:
            traced.fixed.add(node)


def _spell_out_padding(traced: Traced) -> None:
    """Convolutions that pad by reflection, repetition or around the corner, in two steps."""
    graph = traced.full.graph
    for node in list(graph.nodes):
        module = traced.module(node)
        if not isinstance(module, nn.Conv2d) or module.padding_mode == "zeros":
            continue
        with graph.inserting_before(node):
            settings = (list(module._reversed_padding_repeated_twice), module.padding_mode)
            padded = graph.call_function(nn.functional.pad, (node.args[0], *settings))
            weight = graph.get_attr(f"{node.target}.weight")
            bias = None if module.bias is None else graph.get_attr(f"{node.target}.bias")
            rest = (module.stride, 0, module.dilation, module.groups)
            new = graph.call_function(nn.functional.conv2d, (padded, weight, bias, *rest))
        node.replace_all_uses_with(new)
        graph.erase_node(node)
        for outputs in traced.outputs.values():
            outputs[:] = [new if other is node else other for other in outputs]
    traced.full.recompile()


def writes_in_place(traced: Traced, node: fx.Node) -> bool:
    """Whether a node overwrites its first argument."""
    if node.op == "call_module":
        return bool(getattr(traced.module(node), "inplace", False))
    if node.op == "call_method":
        name = str(node.target)
        return name.endswith("_") and not name.endswith("__")
    if node.op == "call_function":
        name = getattr(node.target, "__name__", "")
        in_place = name.endswith("_") and not name.startswith("_")
        return node.target in IN_PLACE or in_place or bool(node.kwargs.get("inplace"))
    return False


def _returns_argument(traced: Traced, node: fx.Node) -> bool:
    module = traced.module(node)
    if module is not None:
        return isinstance(module, nn.Identity | nn.modules.dropout._DropoutNd)
    name = getattr(node.target, "__name__", str(node.target))
    return "dropout" in name or name in ("stochastic_depth", "contiguous", "detach", "to", "float")


def _is_view(traced: Traced, node: fx.Node) -> bool:
    module = traced.module(node)
    if module is not None:
        return isinstance(module, nn.Flatten | nn.Unflatten)
    name = getattr(node.target, "__name__", str(node.target))
    return name in _VIEWS


def _follow_writes(traced: Traced) -> None:
    """Fill `reads`: later users of an overwritten tensor see what was written last."""
    order = {node: i for i, node in enumerate(traced.full.graph.nodes)}
    root: dict[fx.Node, fx.Node] = {}
    names: dict[fx.Node, list[fx.Node]] = {}
    for node in order:
        source = node.all_input_nodes[0] if node.all_input_nodes else None
        shares = source is not None and (
            _returns_argument(traced, node) or writes_in_place(traced, node)
        )
        root[node] = root[source] if shares and source is not None else node
        names.setdefault(root[node], []).append(node)
    for writer in order:
        if not writes_in_place(traced, writer) or not writer.all_input_nodes:
            continue
        for name in names[root[writer]]:
            if order[name] < order[writer]:
                for user in name.users:
                    if order[user] > order[writer]:
                        traced.reads[user, name] = writer
                    elif user is not writer and _is_view(traced, user):
                        traced.entangled |= _lives(user, order[writer], order)
        base = root[writer]
        if _is_view(traced, base):
            others = names[root[base.all_input_nodes[0]]]
            traced.entangled |= any(_lives(name, order[writer], order) for name in others)


def _lives(node: fx.Node, after: int, order: dict[fx.Node, int]) -> bool:
    return any(order[user] > after for user in node.users)
