"""Trace a network into a graph that knows its modules, shapes and in-place writes."""

import operator
import threading
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from invis.errors import InvisError

_IN_PLACE = (
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.itruediv,
    operator.ipow,
    operator.ifloordiv,
    operator.imod,
    operator.iand,
    operator.ior,
)
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
    """

    full: fx.GraphModule
    outputs: dict[str, list[fx.Node]]
    shapes: dict[fx.Node, tuple[int, ...]]
    input_size: tuple[int, int]
    reads: dict[tuple[fx.Node, fx.Node], fx.Node] = field(default_factory=dict)
    entangled: bool = False
    failure: str = ""

    @property
    def image(self) -> fx.Node:
        """The node of the input image."""
        return next(node for node in self.full.graph.nodes if node.op == "placeholder")

    def module(self, node: fx.Node) -> nn.Module | None:
        """The leaf module that a node calls, if it calls one."""
        return self.full.get_submodule(str(node.target)) if node.op == "call_module" else None

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


class _Proxy(fx.Proxy):
    """Keeps `x += y` apart from `x = x + y`, which fx itself does not."""


def _in_place_method(function: Any) -> Any:
    def method(self: fx.Proxy, other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", function, (self, other), {})

    return method


for _function in _IN_PLACE:
    setattr(_Proxy, f"__{_function.__name__.strip('_')}__", _in_place_method(_function))


# While it traces, fx replaces nn.Module.__call__ and __getattr__ for the whole process.
_ONE_AT_A_TIME = threading.RLock()


class _Tracer(fx.Tracer):
    """Records which node is the output of which module; lets other threads' modules alone."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[str, list[fx.Node]] = {}
        self._thread = threading.get_ident()

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        out = super().call_module(m, forward, args, kwargs)
        if isinstance(out, fx.Proxy):
            self.outputs.setdefault(self.path_of_module(m), []).append(out.node)
        return out

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


class _Shapes(fx.Interpreter):
    """Runs a graph and notes every tensor's shape."""

    shapes: dict[fx.Node, tuple[int, ...]]

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if isinstance(value, Tensor):
            self.shapes[n] = tuple(value.shape)
        return value


def trace(module: nn.Module, channels: int, input_size: tuple[int, int]) -> Traced:
    """Trace a network in evaluation mode.

    Args:
        module: the network; it must be in evaluation mode and take one image batch.
        channels: colours of the image.
        input_size: rows and columns of the image.

    Raises:
        InvisError: if torch.fx cannot trace the network.
    """
    tracer = _Tracer()
    try:
        with _ONE_AT_A_TIME:
            graph = tracer.trace(module)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise InvisError(
            f"model {type(module).__name__} cannot be traced by torch.fx ({reason}): "
            "write its forward without control flow that depends on values"
        ) from error
    full = fx.GraphModule(module, graph)
    images = [node for node in graph.nodes if node.op == "placeholder"]
    if not images or any(not node.args for node in images[1:]):
        raise InvisError(
            f"model {type(module).__name__} takes {len(images)} inputs: its forward must take "
            "one batch of images"
        )
    traced = Traced(full, tracer.outputs, {}, input_size)
    interpreter = _Shapes(full)
    interpreter.shapes = traced.shapes
    interpreter.extra_traceback = False
    parameter = next((p for p in module.parameters() if p.is_floating_point()), None)
    like = torch.empty(0) if parameter is None else parameter
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        image = torch.empty(1, channels, *input_size, dtype=like.dtype, device=like.device)
        try:
            interpreter.run(image)
        except Exception as error:  # a later layer may not fit this image: the others still do
            traced.failure = str(error).strip().split("\n")[0]
    _follow_writes(traced)
    return traced


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
        return node.target in _IN_PLACE or in_place or bool(node.kwargs.get("inplace"))
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
