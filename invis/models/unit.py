"""Units by address, and units of your own network."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
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
        position: (row, column) in the layer's map, or its centre.

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
    return units_of(model, layer, list(where.channels), position).to(place)


def unit(
    module: nn.Module,
    layer: str,
    channel: int | Sequence[int] | Mapping[int, float],
    *,
    mean: Sequence[float] | float | None = None,
    std: Sequence[float] | float | None = None,
    input_size: int | tuple[int, int] | None = None,
    name: str | None = None,
    device: str | torch.device | None = None,
    position: Any = "center",
    bias: float | Sequence[float] | None = None,
) -> Units:
    """Units of your own network.

    Args:
        module: the network; it takes a batch of images (B, C, H, W). It is set to evaluation mode
            only while it is traced, and its parameters are left as they are.
        layer: dotted name of a module, with `:raw` for a convolution in front of batch norm.
        channel: one channel, several, or {channel: weight} for one linear combination.
        mean, std: normalisation of pixels in [0, 1]. Without them the network is taken to want
            plain pixels in [0, 1], and the neutral colour is the middle grey 128.
        input_size: rows and columns of its images; 224 if left out.
        name: its name in addresses; the class's name if left out.
        device: where to compute; the module's own device if left out.
        position: (row, column) in the layer's map, or its centre.
        bias: what is added to the response: one number, or one for each unit.

    Raises:
        InvisError: if the network cannot be traced, or has no such layer or channel.
    """
    model = wrap(module, mean=mean, std=std, input_size=input_size, name=name)
    units = units_of(model, layer, channel, position, bias, check=True)
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
    channel: int | Sequence[int] | Mapping[int, float],
    position: Any = "center",
    bias: float | Sequence[float] | None = None,
    check: bool = False,
) -> Units:
    """Units of a model; the arguments are those of `unit`, `check` that of `fitted_cone`."""
    layer = find_layer(model, name.removesuffix(":raw"), raw=name.endswith(":raw"))
    channel = _plain_channels(channel)
    check_channels(layer, [channel] if isinstance(channel, int) else list(channel), model.name)
    cone = fitted_cone(model, layer, position, check)
    if isinstance(channel, Mapping):
        readout = torch.zeros(1, cone.channels)
        for one, weight in channel.items():
            readout[0, one] = weight
        labels: tuple[str, ...] = (
            "".join(f"{weight:+g}x{one}" for one, weight in channel.items()).removeprefix("+"),
        )
    else:
        chosen = [channel] if isinstance(channel, int) else list(channel)
        readout = torch.zeros(len(chosen), cone.channels)
        readout[torch.arange(len(chosen)), chosen] = 1.0
        labels = tuple(str(one) for one in chosen)
    if name.endswith(":raw"):
        layer = replace(layer, layer=f"{layer.layer}:raw")
    full = upto(model.flow.traced, model.flow.node(layer.node))
    return Units(model, layer, cone, readout, labels, full, _biases(bias, len(labels)))


def _biases(given: Any, units: int) -> torch.Tensor | None:
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
    return torch.tensor(found, dtype=torch.get_default_dtype())


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
