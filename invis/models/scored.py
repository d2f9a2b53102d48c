"""Any function of a network's activations as a unit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor

from invis.errors import InvisError
from invis.models.own import wrap
from invis.models.unit import as_label, placed, units_of
from invis.models.units import Units

# Scores of an image alone and among others may differ by this share of the largest, by rounding.
ROUNDING = 1e-3
_PROBES = 4


class Outputs:
    """What one batch of images leaves in a network: `at("layer1.0")` is that module's output.

    Attributes:
        image: (B, C, H, W) the images, in [0, 1].
        modules: dotted name -> output; "" is the network's own.
    """

    def __init__(self, image: Tensor) -> None:
        self.image = image
        self.modules: dict[str, Any] = {}

    def __call__(self, name: str) -> Tensor:
        """The output of a module, which must be a tensor.

        Raises:
            InvisError: if it is none, or there is no such module.
        """
        value = self.modules.get(name)
        if not isinstance(value, Tensor):
            raise no_output(name, self.modules)
        return value

    @property
    def numbers(self) -> int:
        """Activations that one image left behind."""
        tensors = [value for value in self.modules.values() if isinstance(value, Tensor)]
        return sum(value[0].numel() for value in tensors if value.ndim)


def no_output(name: str, known: Iterable[str]) -> InvisError:
    """What to say where a function asks for a layer that is not there."""
    names = [one for one in known if one]
    near = ", ".join(get_close_matches(name, names, 3, 0.3) or names[:3]) or "none at all"
    return InvisError(f"layer {name!r} holds no tensor here: the nearest are {near}")


@torch.inference_mode(False)
def scored(
    module: nn.Module,
    function: Callable[[Outputs], Tensor],
    *,
    label: str = "score",
    mean: Sequence[float] | float | None = None,
    std: Sequence[float] | float | None = None,
    input_size: int | tuple[int, int] | None = None,
    name: str | None = None,
    device: str | torch.device | None = None,
    layer: str = "scored",
) -> Units:
    """Whatever can be computed from a network's activations, as a unit.

        units = invis.scored(net, lambda at: at("conv3")[:, 2].mean((1, 2)), label="mean of 2")
        invis.search(units)

    The search runs the whole network for every image; for a channel or a combination of channels
    at one position `invis.unit` finds the same sets much faster.

    Args:
        module: the network; its own hooks, mode and parameters are left as they are.
        function: from the outputs of all modules, called by dotted name (`at("layer1.0")`; "" is
            the network's own), to one number for each image (B,), differentiable, and of each
            image by itself. `at.image` holds the images (B, C, H, W) in [0, 1].
        label: the unit's name in addresses.
        mean, std, input_size, name, device: as for `invis.unit`.
        layer: the second part of its address.

    Raises:
        InvisError: if the function fails, does not give one finite number for each image, has no
            gradient, or compares the images of a batch.
    """
    model = wrap(module, mean=mean, std=std, input_size=input_size, name=name)
    label = as_label(label)
    scores = Scores(model.module, function, model.mean, model.std)
    numbers = _check(scores, label, model.channels, model.input_size)
    whole = replace(model, module=nn.Sequential(OrderedDict([(layer, scores)])).eval())
    units = units_of(whole, layer, 0)
    # The graph shows one step; micro-batches are sized by what happens inside.
    units = replace(units, cone=units.cone.of_numbers(numbers), labels=(label,))
    return placed(units, scores.mean, device)


class Scores(nn.Module):
    """Normalised images (B, C, H, W) -> (B, 1) what a function makes of a network's outputs."""

    # What torch.fx takes for a module of torch it calls as a whole, without looking inside.
    __module__ = "torch.nn.modules.invis"

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        function: Callable[[Outputs], Tensor],
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__()
        self.network, self.function = network, function
        like = next(network.parameters(), torch.zeros(()))
        for key, values in (("mean", mean), ("std", std)):
            self.register_buffer(key, torch.tensor(values).to(like)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(x, FakeTensor):
            # The shapes are traced: a function may ask for values, and there are none.
            return x.flatten(1)[:, :1]
        return self.function(self.look(x))[:, None]

    def look(self, x: Tensor) -> Outputs:
        """The outputs of all modules for normalised images."""
        seen = Outputs(x * self.std + self.mean)
        with watched(self.network, seen.modules):
            seen.modules[""] = self.network(x)
        return seen


@contextmanager
def watched(network: nn.Module, seen: dict[str, Any]) -> Iterator[None]:
    """Keep the outputs of all modules that run on this thread, by their dotted names."""
    thread = threading.get_ident()

    def keeper(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def keep(_: nn.Module, __: Any, out: Any) -> None:
            if threading.get_ident() == thread:
                seen[name] = out

        return keep

    handles = []
    try:
        for path, part in network.named_modules():
            if path:
                handles.append(part.register_forward_hook(keeper(path)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _check(scores: Scores, label: str, channels: int, size: tuple[int, int]) -> int:
    """Refuse a function that is no unit; returns the activations that one image leaves behind."""
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(_PROBES, channels, *size, generator=draw)
    noise = (torch.tensor([0.1, 2.0, 0.5, 1.0])[:, None, None, None] * noise).to(scores.mean)
    try:
        with torch.enable_grad():
            x = noise.requires_grad_()
            seen = scores.look(x)
            together = torch.as_tensor(scores.function(seen))
        with torch.no_grad():
            alone = [torch.as_tensor(scores.function(scores.look(x[k : k + 1]))) for k in range(2)]
    except InvisError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvisError(
            f"function {label!r} fails on {type(scores.network).__name__} with images of "
            f"{size[0]} x {size[1]} ({type(error).__name__}: {reason})"
        ) from error
    if tuple(together.shape) != (_PROBES,) or not together.isfinite().all():
        raise InvisError(
            f"function {label!r} gives {_told(together)} for {_PROBES} images: give one finite "
            "number for each, (B,)"
        )
    if not together.requires_grad or torch.autograd.grad(together.sum(), x)[0].isnan().any():
        raise InvisError(
            f"function {label!r} has no gradient at the image: leave out detach, rounding, and "
            "whatever else stops it"
        )
    values = together.detach()
    apart = (torch.cat([one.reshape(-1) for one in alone]) - values[: len(alone)]).abs().max()
    if apart > ROUNDING * values.abs().max():
        raise InvisError(
            f"function {label!r} compares the images of a batch: score every image alone"
        )
    return seen.numbers


def _told(value: Tensor) -> str:
    shape = tuple(value.shape)
    return f"numbers of shape {shape}" if shape != (_PROBES,) else "NaN or infinity"
