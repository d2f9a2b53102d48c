"""How torch.fx records a network: which node is which module's output, and what writes in place."""

import operator
import threading
from typing import Any

from torch import fx, nn

IN_PLACE = (
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
# While it traces, fx replaces nn.Module.__call__ and __getattr__ for the whole process.
ONE_AT_A_TIME = threading.RLock()


class PlainProxy(fx.Proxy):
    """Keeps `x += y` apart from `x = x + y`, which fx itself does not."""


def _in_place_method(function: Any) -> Any:
    def method(self: fx.Proxy, other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", function, (self, other), {})

    return method


for _function in IN_PLACE:
    setattr(PlainProxy, f"__{_function.__name__.strip('_')}__", _in_place_method(_function))


class PathTracer(fx.Tracer):
    """Records which node is the output of which module; lets other threads' modules alone."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[str, list[fx.Node]] = {}
        self._thread = threading.get_ident()
        self._has_image = False

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return PlainProxy(node, self)

    def create_proxy(
        self, kind: str, target: Any, args: Any, kwargs: Any, *rest: Any, **more: Any
    ) -> Any:
        """Arguments behind the image are their defaults: `mask is None` is to be what it is."""
        if kind == "placeholder":
            if args and self._has_image:
                return args[0]
            self._has_image = True
        return super().create_proxy(kind, target, args, kwargs, *rest, **more)

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        out = super().call_module(m, forward, args, kwargs)
        first = out[0] if isinstance(out, tuple | list) and out else out
        if isinstance(first, fx.Proxy):
            self.outputs.setdefault(self.path_of_module(m), []).append(first.node)
        return out

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)
