"""A tracer that knows the sizes: branches, loops and padding that depend on shapes are followed.

Symbolic tracing alone gives up where a network looks at a shape. Here every value is computed along
with its node, without data, for batches of two sizes: what is the same in both is a plain number
from then on, and what differs (the size of the batch) stays symbolic.
"""

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from invis.models.tracer import PathTracer, PlainProxy

BATCHES = (2, 3)


class _Several(tuple):
    """`*xs`, which fx takes for one argument."""


class _NoMore(dict):
    """`**settings`, of which there are none."""


_FACTORIES = ("zeros", "ones", "full", "empty", "arange", "linspace", "eye")


class SizedProxy(PlainProxy):
    """A value that is known but for its numbers, for each of two batches."""

    known: tuple[Any, ...]
    tracer: "SizedTracer"

    def __getattr__(self, name: str) -> Any:
        if name == "known":
            raise AttributeError(name)
        found = [getattr(value, name) for value in self.known]
        if callable(found[0]) and not isinstance(found[0], Tensor):
            return fx.proxy.Attribute(self, name)
        return self.tracer.create_proxy("call_function", getattr, (self, name), {})

    def __len__(self) -> int:
        first, second = (len(value) for value in self.known)
        if first != second:
            raise ValueError("the number of images decides what runs")
        return first

    def __index__(self) -> int:
        return operator.index(self.tracer.to_bool_or_number(self))

    def __int__(self) -> int:
        return int(self.tracer.to_bool_or_number(self))

    def __float__(self) -> float:
        return float(self.tracer.to_bool_or_number(self))


class SizedTracer(PathTracer):
    """Traces a module for images of one size; everything else as fx does it."""

    def __init__(self, channels: int, input_size: tuple[int, int], like: Tensor) -> None:
        super().__init__()
        self._mode = FakeTensorMode(allow_non_fake_inputs=True)
        with self._mode:
            self._images = tuple(
                torch.empty(n, channels, *input_size, dtype=like.dtype, device=like.device)
                for n in BATCHES
            )
        self._given = self._busy = False

    def trace(self, root: Any, concrete_args: dict[str, Any] | None = None) -> fx.Graph:
        with torch.no_grad(), _factories(self):
            return super().trace(root, concrete_args)

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return SizedProxy(node, self)

    def create_proxy(
        self, kind: str, target: Any, args: Any, kwargs: Any, *rest: Any, **more: Any
    ) -> Any:
        if kind == "placeholder":
            return self._argument(str(target), args)
        known = tuple(self._value(kind, target, args, kwargs, k) for k in (0, 1))
        if _same(*known):
            return known[0]
        proxy = super().create_proxy(kind, target, args, kwargs, *rest, **more)
        assert isinstance(proxy, SizedProxy)
        proxy.known = known
        return self._open(proxy)

    def _argument(self, name: str, default: tuple[Any, ...]) -> Any:
        """The image for the first argument that wants one, its default for every other."""
        if default:
            return default[0]
        if name.startswith("**"):
            return _NoMore()
        if self._given:
            if name.startswith("*"):
                return _Several()
            raise TypeError(f"argument {name!r} has no default")
        self._given = True
        proxy = super().create_proxy("placeholder", name.lstrip("*"), (), {})
        assert isinstance(proxy, SizedProxy)
        proxy.known = self._images
        return _Several((proxy,)) if name.startswith("*") else proxy

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        return (
            forward(*args, **kwargs)
            if self._busy
            else super().call_module(m, forward, args, kwargs)
        )

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        return attr_val if self._busy else super().getattr(attr, attr_val, parameter_proxy_cache)

    def _value(self, kind: str, target: Any, args: Any, kwargs: Any, which: int) -> Any:
        """What a node gives, for one of the two batches."""

        def known(value: Any) -> Any:
            return value.known[which] if isinstance(value, SizedProxy) else value

        args, kwargs = _map(args, known), _map(kwargs, known)
        self._busy, before = True, self._busy
        try:
            with self._mode:
                if kind == "get_attr":
                    value: Any = self.root
                    for part in str(target).split("."):
                        value = getattr(value, part)
                    return value
                if kind == "call_module":
                    return self.root.get_submodule(target)(*args, **kwargs)
                if kind == "call_method":
                    return getattr(args[0], target)(*args[1:], **kwargs)
                return target(*args, **kwargs)
        finally:
            self._busy = before

    def _open(self, proxy: Any) -> Any:
        """A tuple of values as a tuple of nodes, so that the network may take it apart."""
        first = proxy.known[0]
        if isinstance(first, tuple | list) and len(first) == len(proxy.known[1]):
            parts = [proxy[k] for k in range(len(first))]
            if type(first) in (tuple, list):
                return type(first)(parts)
            if isinstance(first, torch.Size):
                return tuple(parts)
        return proxy

    def to_bool(self, obj: fx.Proxy) -> bool:
        first, second = obj.known
        if isinstance(first, Tensor) or bool(first) != bool(second):
            raise fx.proxy.TraceError("values decide what runs")
        return bool(first)

    def to_bool_or_number(self, obj: Any) -> Any:
        """The plain value of a proxy that is the same for every batch."""
        first, second = obj.known
        if isinstance(first, Tensor) or bool(first) != bool(second):
            raise fx.proxy.TraceError("values decide what runs")
        if first != second and not isinstance(first, bool):
            raise fx.proxy.TraceError("the number of images decides what runs")
        return first

    def iter(self, obj: fx.Proxy) -> Iterator[Any]:
        return iter([obj[k] for k in range(len(obj))])  # type: ignore[index]


def _same(first: Any, second: Any) -> bool:
    """Whether a value is a plain one that both batches share."""
    if isinstance(first, Tensor | tuple | list | dict):
        return False
    try:
        return type(first) is type(second) and bool(first == second)
    except Exception:
        return first is second


def _map(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, fx.Proxy):
        return change(value)
    if isinstance(value, tuple | list):
        parts = [_map(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return {key: _map(part, change) for key, part in value.items()}
    if isinstance(value, slice):
        return slice(*(_map(part, change) for part in (value.start, value.stop, value.step)))
    return value


def _holds_proxy(value: Any) -> bool:
    found: list[Any] = []
    _map(value, found.append)
    return bool(found)


@contextmanager
def _factories(tracer: SizedTracer) -> Iterator[None]:
    """`torch.zeros(x.shape[0], ...)`: functions that fx does not see, because no tensor goes in."""
    usual = {name: getattr(torch, name) for name in _FACTORIES}

    def seen(function: Any) -> Any:
        def make(*args: Any, **kwargs: Any) -> Any:
            if not (_holds_proxy(args) or _holds_proxy(kwargs)):
                return function(*args, **kwargs)
            return tracer.create_proxy("call_function", function, args, kwargs)

        return make

    try:
        for name, function in usual.items():
            setattr(torch, name, seen(function))
        yield
    finally:
        for name, function in usual.items():
            setattr(torch, name, function)
