"""Units by address, and units of your own network."""

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from invis.errors import InvisError
from invis.models.address import Address, parse_address
from invis.models.devices import pick_device
from invis.models.fit import fitted_cone
from invis.models.kinds import opener_of
from invis.models.layers import Layer, find_layer
from invis.models.model import Model
from invis.models.own import wrap
from invis.models.trace import upto
from invis.models.units import FULL_BATCH, Units
from invis.models.zoo import load_model

__all__ = ["FULL_BATCH", "Units", "check_channels", "unit", "units_at", "units_of"]


@torch.inference_mode(False)
def units_at(
    address: str | Address,
    weights: str | None = None,
    device: str | torch.device | None = None,
    position: Any = "center",
) -> Units:
    """The units that an address names.

    Args:
        address: e.g. `vgg16/conv3_1/0-15`.
        weights: a name or a file, as for `load_model`; the address may name them instead.
        device: `cpu`, `cuda:1`, `mps`; the best one if left out.
        position: (row, column) in the layer's map, or its centre; the address may name it instead.

    Raises:
        InvisError: if any part of the address does not exist.
    """
    opener = opener_of(address) if isinstance(address, str) else None
    if opener is not None:
        return opener(str(address), weights, device)
    where = parse_address(address) if isinstance(address, str) else address
    place = pick_device(device)
    name = where.model if where.weights is None else f"{where.model}@{where.weights}"
    layer = where.layer + (":raw" if where.raw else "")
    model = load_model(name, weights, layer=layer)
    position = where.position if where.place else position
    return units_of(model, layer, list(where.channels), position).to(place)


@torch.inference_mode(False)
def unit(
    module: nn.Module,
    layer: str,
    channel: int | Sequence[int] | Mapping[int, float] | torch.Tensor | NDArray[Any],
    *,
    mean: Sequence[float] | float | None = None,
    std: Sequence[float] | float | None = None,
    input_size: int | tuple[int, int] | None = None,
    name: str | None = None,
    device: str | torch.device | None = None,
    position: Any = "center",
    bias: float | Sequence[float] | None = None,
    label: str | Sequence[str] | None = None,
) -> Units:
    """Units of your own network.

    Args:
        module: the network; it takes a batch of images (B, C, H, W). It is set to evaluation mode
            only while it is traced, and its parameters are left as they are.
        layer: dotted name of a module, with `:raw` for a convolution in front of batch norm.
        channel: one channel, several, {channel: weight} for one linear combination, or directions
            as a tensor of real numbers, (C,) or (U, C).
        mean, std: normalisation of pixels in [0, 1]. Without them the network is taken to want
            plain pixels in [0, 1], and the neutral colour is the middle grey 128.
        input_size: rows and columns of its images; 224 if left out.
        name: its name in addresses; the class's name if left out.
        device: where to compute; the module's own device if left out.
        position: (row, column) in the layer's map or its grid of tokens, "cls" for a
            transformer's class token, or the centre.
        bias: what is added to the response: one number, or one for each unit.
        label: the units' names in addresses; their channels if left out.

    Raises:
        InvisError: if the network cannot be traced, or has no such layer or channel.
    """
    model = wrap(module, mean=mean, std=std, input_size=input_size, name=name)
    units = units_of(model, layer, channel, position, bias, check=True, names=label)
    first = next(module.parameters(), torch.zeros(()))
    return placed(units, first, device)


def placed(units: Units, like: torch.Tensor, device: str | torch.device | None) -> Units:
    """Units in the precision of their network, on a device; on the network's own if None."""
    bias = None if units.bias is None else units.bias.to(like.device, like.dtype)
    readout = units.readout.to(like.device, like.dtype)
    units = replace(units, readout=readout, bias=bias, device=like.device)
    return units.to(like.device if device is None else device)


def units_of(
    model: Model,
    name: str,
    channel: int | Sequence[int] | Mapping[int, float] | torch.Tensor | NDArray[Any],
    position: Any = "center",
    bias: float | Sequence[float] | None = None,
    check: bool = False,
    names: str | Sequence[str] | None = None,
) -> Units:
    """Units of a model; the arguments are those of `unit`, `check` that of `fitted_cone`."""
    layer = find_layer(model, name.removesuffix(":raw"), raw=name.endswith(":raw"))
    rows = _rows(channel)
    if rows is None:
        channel = _plain_channels(channel)
        check_channels(layer, [channel] if isinstance(channel, int) else list(channel), model.name)
    elif rows.shape[1] != layer.channels:
        raise InvisError(
            f"channel is a direction of {rows.shape[1]} numbers: {layer.layer} of {model.name} has "
            f"{layer.channels} channels"
        )
    cone = fitted_cone(model, layer, position, check)
    like = next(model.module.parameters(), torch.zeros(()))
    dtype = like.dtype if like.is_floating_point() else torch.float32
    if rows is not None:
        readout = rows.to(dtype)
        labels: tuple[str, ...] = tuple(f"direction{k or ''}" for k in range(len(rows)))
    elif isinstance(channel, Mapping):
        readout = torch.zeros(1, cone.channels, dtype=dtype)
        for one, weight in channel.items():
            readout[0, one] = weight
        labels = (
            "".join(f"{weight:+g}x{one}" for one, weight in channel.items()).removeprefix("+"),
        )
    else:
        chosen = [channel] if isinstance(channel, int) else list(channel)
        readout = torch.zeros(len(chosen), cone.channels, dtype=dtype)
        readout[torch.arange(len(chosen)), chosen] = 1.0
        labels = tuple(str(one) for one in chosen)
    if names is not None:
        given = [names] if isinstance(names, str) else list(names)
        if len(given) != len(labels):
            raise InvisError(f"label {names!r} is wrong: give {len(labels)}, one for each unit")
        labels = tuple(as_label(name) for name in given)
    if position != "center":
        place = position if isinstance(position, str) else f"{position[0]},{position[1]}"
        labels = tuple(f"{label}@{place}" for label in labels)
    if name.endswith(":raw"):
        layer = replace(layer, layer=f"{layer.layer}:raw")
    full = upto(model.flow.traced, model.flow.node(layer.node))
    return Units(model, layer, cone, readout, labels, full, _biases(bias, len(labels), dtype))


def _biases(given: Any, units: int, dtype: torch.dtype) -> torch.Tensor | None:
    if given is None:
        return None
    try:
        found = np.broadcast_to(np.asarray(given, dtype=np.float64), (units,))
    except (TypeError, ValueError):
        found = np.full(units, np.nan)
    if not np.isfinite(found).all():
        raise InvisError(
            f"bias {given!r} is wrong: give a number, or one for each of {units} units"
        )
    return torch.tensor(found, dtype=dtype)


def _rows(channel: Any) -> torch.Tensor | None:
    """(U, C) directions given as a tensor or an array of real numbers; None for anything else."""
    if not isinstance(channel, torch.Tensor | np.ndarray) or np.ndim(channel) not in (1, 2):
        return None
    rows = torch.as_tensor(channel).detach().cpu()
    if not rows.is_floating_point():
        return None
    rows = rows.reshape(-1, rows.shape[-1])
    if not rows.isfinite().all() or not rows.any(1).all():
        raise InvisError("channel is a direction of NaN, infinity or nothing: give real numbers")
    return rows


def as_label(text: str, default: str = "score") -> str:
    """A name that can stand in an address."""
    return re.sub(r"[^\w\[\](),+-]+", "", re.sub(r"[./]+", "-", text))[:80] or default


def _plain_channels(channel: Any) -> int | list[int] | dict[int, float]:
    """One channel, several or a combination, as Python's own numbers."""
    try:
        if isinstance(channel, Mapping):
            weights = {operator.index(one): float(weight) for one, weight in channel.items()}
            if not any(weights.values()):
                raise InvisError(f"channel {channel!r} is a combination of nothing: give weights")
            return weights
        if np.ndim(channel) == 0:
            return operator.index(channel)
        return [operator.index(one) for one in channel]
    except TypeError as error:
        raise InvisError(
            f"channel {channel!r} is wrong: give a number, several, or {{channel: weight}}"
        ) from error


def check_channels(layer: Layer, channels: Sequence[int], model: str) -> None:
    """Refuse channels that a layer does not have.

    Raises:
        InvisError: if there is no channel, or one is out of range.
    """
    if not channels:
        raise InvisError(f"channels are missing: {layer.layer} has 0 to {layer.channels - 1}")
    for one in channels:
        if not 0 <= one < layer.channels:
            raise InvisError(
                f"channel {one} does not exist: {layer.layer} of {model} has channels 0 to "
                f"{layer.channels - 1}"
            )
