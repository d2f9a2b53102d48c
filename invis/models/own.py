"""Your own network as a model."""

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from invis.errors import InvisError
from invis.models.model import Model
from invis.models.weights import weights_hash


def wrap(
    module: nn.Module,
    *,
    mean: Sequence[float] | float | None = None,
    std: Sequence[float] | float | None = None,
    input_size: int | tuple[int, int] | None = None,
    name: str | None = None,
) -> Model:
    """A model made of your own network; the arguments are those of `unit`."""
    if not isinstance(module, nn.Module):
        raise InvisError(f"module is a {type(module).__name__}: give a torch.nn.Module")
    module = _unwrapped(module)
    title = name or type(module).__name__
    given = (224,) if input_size is None else np.atleast_1d(input_size).tolist()
    rows, columns = (given * 2)[:2] if len(given) in (1, 2) else (0, 0)
    if min(rows, columns) < 1:
        raise InvisError(
            f"input_size {input_size!r} is wrong: give rows and columns, e.g. (64, 64)"
        )
    size = (int(rows), int(columns))
    _check_whole(module, title)
    channels = _colours(module, mean, std, title)
    # A copy that shares the parameters: the network itself keeps its mode and its gradients.
    shared = {id(p): nn.Parameter(_outside_inference(p), False) for p in module.parameters()}
    try:
        frozen = copy.deepcopy(module, shared)
    except RuntimeError as error:
        raise InvisError(
            f"{title} cannot be copied ({str(error).splitlines()[0][:80]}): where it uses "
            "weight_norm, use torch.nn.utils.parametrizations.weight_norm"
        ) from error
    model = Model(
        name=title,
        weights="",
        weights_hash=weights_hash(module.state_dict()),
        module=frozen.eval(),
        mean=_per_colour(mean, 0.0, channels, "mean"),
        std=_per_colour(std, 1.0, channels, "std"),
        input_size=size,
        channels=channels,
        note="given by the caller",
        is_default=True,
        grey=(128.0,) * channels if mean is None else (),
    )
    _check_steady(model)
    return model


def _outside_inference(p: Tensor) -> Tensor:
    """A tensor that may be part of a gradient's computation."""
    return p.detach().clone() if p.is_inference() else p.detach()


def _unwrapped(module: nn.Module) -> nn.Module:
    """The network inside what runs it on several devices, or compiled.

    Raises:
        InvisError: for a scripted module, whose code is no longer Python's.
    """
    while True:
        if isinstance(module, torch.jit.ScriptModule):
            name = getattr(module, "original_name", "the module")
            raise InvisError(f"{name} is scripted: give the module from before torch.jit")
        inner = getattr(module, "_orig_mod", None)
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = module.module
        if not isinstance(inner, nn.Module):
            return module
        module = inner


def _check_whole(module: nn.Module, title: str) -> None:
    """Refuse a network that has no numbers yet, or numbers that have no gradient."""
    for path, part in module.named_modules():
        where = path or "its top"
        kinds = {type(hook).__name__ for hook in part._forward_pre_hooks.values()}
        bases = {
            base.__name__
            for hook in part._forward_pre_hooks.values()
            for base in type(hook).__mro__
        }
        if "BasePruningMethod" in bases:
            raise InvisError(
                f"{title} is pruned at {where}: make that lasting first, with "
                "torch.nn.utils.prune.remove"
            )
        if kinds & {"WeightNorm", "SpectralNorm"}:
            raise InvisError(
                f"{title} has an old-style weight_norm or spectral_norm at {where}: use "
                "torch.nn.utils.parametrizations.weight_norm"
            )
        if type(part).__module__.startswith(("torch.ao.nn.quantized", "torch.nn.quantized")):
            raise InvisError(
                f"{title} computes with 8-bit integers at {where}, which have no gradient: give "
                "the network from before it was quantised"
            )
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if torch.nn.parameter.is_lazy(value):
            raise InvisError(
                f"{title} does not know the shape of {name} yet: run it once on an image"
            )
        if value.is_meta:
            raise InvisError(
                f"{title} has no numbers for {name} (it is on the meta device): give it weights"
            )


@torch.no_grad()
def _check_steady(model: Model) -> None:
    """Refuse a network whose answer depends on chance, or on what a trace does not see."""
    for path, part in model.module.named_modules():
        if part._forward_hooks or part._forward_pre_hooks:
            raise InvisError(f"{model.name} has a hook on {path or 'itself'}: remove it first")
    first = next(model.module.parameters(), torch.zeros(()))
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, model.channels, *model.input_size, generator=generator).to(first)
    try:
        answers = [_tensors(model.module(x)) for _ in range(3)]
    except Exception:  # whatever the network says, tracing it says it better
        return
    if not all(_close(answers[0], other) for other in answers[1:]):
        raise InvisError(
            f"{model.name} answers differently to the same image: take the chance out of its "
            "forward (dropout without training=self.training, noise)"
        )
    if not _close(answers[0], _tensors(model.flow.traced.full(x))):
        raise InvisError(
            f"{model.name} traced by torch.fx answers differently than itself: take "
            "branches that depend on chance or state out of its forward"
        )


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value
    return (
        [one for part in parts for one in _tensors(part)]
        if isinstance(value, Mapping | list | tuple)
        else []
    )


def _largest(a: Tensor) -> float:
    finite = a[a.isfinite()]
    return float(finite.abs().max()) if finite.numel() else 0.0


def _close(one: list[Tensor], other: list[Tensor]) -> bool:
    return len(one) == len(other) and all(
        torch.allclose(a, b, rtol=1e-2, atol=1e-3 * _largest(a), equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )


def _colours(module: nn.Module, mean: Any, std: Any, title: str) -> int:
    for given in (mean, std):
        if given is not None and np.ndim(given) == 1:
            return len(given)
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            return part.in_channels
    raise InvisError(f"mean is missing: the colours of {title}'s images cannot be told from it")


def _per_colour(given: Any, default: float, channels: int, name: str) -> tuple[float, ...]:
    values = [float(value) for value in np.atleast_1d(default if given is None else given)]
    if given is None or np.ndim(given) == 0:
        values *= channels
    fits = all(0 < v < math.inf if name == "std" else 0 <= v <= 1 for v in values)
    if len(values) != channels or not fits:
        raise InvisError(
            f"{name} {given!r} is wrong: give {channels} numbers "
            + ("above 0" if name == "std" else "between 0 and 1")
            + ", for pixels in [0, 1]"
        )
    return tuple(values)
