"""Your own network as a model."""

import copy
from collections.abc import Sequence
from typing import Any

from torch import nn

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
    title = name or type(module).__name__
    channels = _colours(module, mean, std, title)
    size = (224, 224) if input_size is None else input_size
    size = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
    if min(size) < 1:
        raise InvisError(
            f"input_size {input_size!r} is wrong: give rows and columns, e.g. (64, 64)"
        )
    # A copy that shares the parameters: the network itself keeps its mode and its gradients.
    frozen = copy.deepcopy(
        module, {id(p): nn.Parameter(p.detach(), False) for p in module.parameters()}
    )
    return Model(
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


def _colours(module: nn.Module, mean: Any, std: Any, title: str) -> int:
    for given in (mean, std):
        if isinstance(given, Sequence):
            return len(given)
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            return part.in_channels
    raise InvisError(f"mean is missing: the colours of {title}'s images cannot be told from it")


def _per_colour(given: Any, default: float, channels: int, name: str) -> tuple[float, ...]:
    values = default if given is None else given
    values = tuple(values) if isinstance(values, Sequence) else (values,) * channels
    if len(values) != channels or (name == "std" and min(values) <= 0):
        raise InvisError(
            f"{name} {given!r} is wrong: give {channels} numbers"
            + (" above 0" if name == "std" else "")
        )
    return tuple(float(value) for value in values)
