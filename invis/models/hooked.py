"""Networks that no tracer follows: each module's output is whatever a hook sees it to be.

The graph is as flat as can be: one node for each module, which runs the whole network up to there.
"""

import threading
from typing import Any

import torch
from torch import Tensor, fx, nn

from invis.errors import InvisError


class _ReachedError(Exception):
    """The module that was waited for has run."""


class Until(nn.Module):
    """A network run until one of its modules has its output, which is returned."""

    def __init__(self, network: nn.Module, path: str, reason: str) -> None:
        super().__init__()
        self.network, self.path, self.reason = network, path, reason

    @property
    def watched(self) -> nn.Module:
        """The module whose output it is."""
        return self.network.get_submodule(self.path)

    def forward(self, x: Tensor) -> Any:
        if not self.path:
            return self.network(x)
        seen: list[Any] = []
        thread = threading.get_ident()

        def keep(_: nn.Module, __: Any, out: Any) -> None:
            if threading.get_ident() == thread:
                seen.append(_first(out))
                raise _ReachedError

        handle = self.watched.register_forward_hook(keep)
        try:
            self.network(x)
        except _ReachedError:
            pass
        finally:
            handle.remove()
        return seen[0]


def _first(out: Any) -> Any:
    return out[0] if isinstance(out, tuple | list) and out else out


Flat = tuple[fx.GraphModule, dict[str, list[fx.Node]], dict[fx.Node, tuple[int, ...]]]


@torch.no_grad()
def flat_graph(module: nn.Module, image: Tensor, reason: str) -> Flat:
    """The graph of a network, the nodes of its modules' outputs, and their shapes.

    Args:
        module: the network, in evaluation mode.
        image: (1, C, H, W) it is run once on this.
        reason: why it could not be traced.

    Raises:
        InvisError: if the network fails on the image.
    """
    seen: dict[str, list[Any]] = {}
    thread = threading.get_ident()

    def keeper(path: str) -> Any:
        def keep(_: nn.Module, __: Any, out: Any) -> None:
            if threading.get_ident() == thread:
                seen.setdefault(path, []).append(_first(out))

        return keep

    handles = [
        part.register_forward_hook(keeper(path)) for path, part in module.named_modules() if path
    ]
    try:
        seen[""] = [_first(module(image))]
    except Exception as error:
        told = str(error).strip().splitlines() or [type(error).__name__]
        raise InvisError(
            f"model {type(module).__name__} fails on an image of {image.shape[1]} x "
            f"{image.shape[2]} x {image.shape[3]} ({told[0][:120]}): give the input_size that it "
            "takes, and a forward that takes one batch of images"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    root, graph = nn.Module(), fx.Graph()
    source = graph.placeholder("image")
    outputs: dict[str, list[fx.Node]] = {}
    shapes = {source: tuple(image.shape)}
    for path, found in seen.items():
        name = f"until_{len(outputs)}"
        root.add_module(name, Until(module, path, reason))
        node = graph.call_module(name, (source,))
        outputs[path] = [node] * len(found)
        if isinstance(found[0], Tensor) and found[0].ndim and len(found[0]) == len(image):
            shapes[node] = tuple(found[0].shape)
    graph.output(outputs[""][0])
    return fx.GraphModule(root, graph), outputs, shapes
