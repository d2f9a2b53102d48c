"""Units: what a search maximises, and what the full model says about it."""

import copy
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from invis.errors import InvisError
from invis.models.address import Address, parse_address
from invis.models.cone import Cone, build_cone, upto
from invis.models.devices import pick_device, single_precision
from invis.models.layers import Layer, find_layer
from invis.models.model import Model
from invis.models.own import wrap
from invis.models.zoo import load_model

FULL_BATCH = 4
_CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class Units:
    """Several units of one layer at one position.

    Attributes:
        model, layer: where they live.
        cone: the layer at that position, on the patch that it sees.
        readout: (U, C) each unit as a linear combination of the layer's channels.
        labels: name of each unit: its channel, or its combination.
        full: the untouched network up to the layer.
        device: where they are computed.
    """

    model: Model
    layer: Layer
    cone: Cone
    readout: Tensor
    labels: tuple[str, ...]
    full: fx.GraphModule = field(repr=False)
    device: torch.device = _CPU

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def addresses(self) -> tuple[str, ...]:
        """One address for each unit."""
        return tuple(f"{self.model.address}/{self.layer.layer}/{name}" for name in self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, h, w) of the patch."""
        return self.cone.image_shape

    @property
    def grey(self) -> Tensor:
        """(C,) the neutral colour in grey levels, whole numbers."""
        return torch.tensor(self.model.grey, device=self.device)

    @cached_property
    def _affine(self) -> Tensor:
        """(2, 1, C, 1, 1) scale and shift from deviations in grey levels to the input."""
        model = self.model
        grey, mean, std = torch.tensor([model.grey, model.mean, model.std], dtype=torch.float64)
        both = torch.stack([1 / (255 * std), (grey / 255 - mean) / std])
        return both[:, None, :, None, None].to(self.device, self.readout.dtype)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Grey levels (B, C, h, w) in 0..255 -> the network's input."""
        return self._input(pixels - self.grey.to(pixels.dtype)[:, None, None])

    def _input(self, x: Tensor) -> Tensor:
        """Deviations from grey in grey levels (B, C, h, w) -> the network's input."""
        scale, shift = self._affine.to(x.dtype)
        return torch.addcmul(shift, x, scale)

    def responses(self, x: Tensor, index: Tensor) -> Tensor:
        """What unit `index[b]` answers to image b, differentiable.

        Args:
            x: (B, C, h, w) deviations from grey, in grey levels.
            index: (B,) the unit of each image.

        Returns:
            (B,) pre-activations.
        """
        return self._read(self.cone(self._input(x.to(self.readout.dtype))), index)

    @torch.no_grad()
    @single_precision()
    def full_responses(
        self, images: NDArray[np.uint8] | Tensor, index: Tensor | Sequence[int]
    ) -> Tensor:
        """The same measured on 8-bit images through the full, untouched network.

        Each image is put on a grey canvas at the cone's window; the network runs up to the layer.

        Args:
            images: (B, h, w, C) 8-bit pixels.
            index: (B,) the unit of each image.

        Returns:
            (B,) pre-activations, float32 on the CPU.
        """
        pixels = torch.as_tensor(images)
        channels, height, width = self.image_shape
        if pixels.dtype != torch.uint8 or tuple(pixels.shape[1:]) != (height, width, channels):
            raise InvisError(
                f"images have type {pixels.dtype} and shape {tuple(pixels.shape)}: these units "
                f"take uint8 images (B, {height}, {width}, {channels})"
            )
        index = torch.as_tensor(index, device=self.device)
        places = self._places()
        axes = self._axes()
        per_pass = FULL_BATCH * len(places)
        found = []
        for start in range(0, len(pixels), per_pass):
            part = slice(start, start + per_pass)
            patches = pixels[part].permute(0, 3, 1, 2).to(self.device, self.readout.dtype)
            count = -(-len(patches) // len(places))
            canvas = self.grey.to(patches.dtype)[:, None, None].repeat(
                count, 1, *self.model.input_size
            )
            for k, patch in enumerate(patches):
                (top, left), _ = places[k % len(places)]
                canvas[k // len(places), :, top : top + height, left : left + width] = patch
            maps = self.full(self.normalise(canvas))
            rows = [
                self._pick(maps, k // len(places), places[k % len(places)][1], axes)
                for k in range(len(patches))
            ]
            found.append(self._read(torch.stack(rows), index[part]))
        return torch.cat(found).float().cpu() if found else torch.zeros(0)

    def _places(self) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """Corners (top, left) at which patches fit on one canvas, and the position that sees each.

        A unit elsewhere in the map sees the same patch there, so that one pass through the network
        measures many patches, as long as their fields neither overlap nor touch the border.
        """
        cone = self.cone
        top, left = cone.window[:2]
        alone = [((top, left), cone.position)]
        if cone.whole or cone.image_shape[1:] != (cone.receptive_field, cone.receptive_field):
            return alone
        step = -(-cone.receptive_field // cone.stride)
        shifts = []
        for begin, side in zip((top, left), cone.input_size, strict=True):
            first = -(begin // cone.stride)
            last = (side - begin - cone.receptive_field) // cone.stride
            shifts.append(range(first, last + 1, step))
        places = [
            ((top + i * cone.stride, left + j * cone.stride),
             (cone.position[0] + i, cone.position[1] + j))
            for i in shifts[0] for j in shifts[1]
        ]  # fmt: skip
        for (row, column), position in (places[0], places[-1]):
            other = build_cone(self.model, self.layer, position)
            if other.window[:2] != (row, column) or other.image_shape != cone.image_shape:
                return alone
        return places

    def _read(self, layer: Tensor, index: Tensor) -> Tensor:
        """(B, C) channels and the unit (B,) of each -> (B,) responses.

        A channel that a unit does not read cannot spoil it, not even with NaN.
        """
        weights = self.readout[index]
        return torch.where(weights != 0, layer * weights, 0.0).sum(1)

    @staticmethod
    def _pick(
        maps: Tensor, image: int, position: tuple[int, int], axes: tuple[int, int] | None
    ) -> Tensor:
        """(C,) the values of all channels at one position of one image's map."""
        out = maps[image : image + 1]
        if axes is not None:
            row, col = position
            out = out.select(max(axes), row if axes[0] > axes[1] else col)
            out = out.select(min(axes), col if axes[0] > axes[1] else row)
        return out.flatten()

    def _axes(self) -> tuple[int, int] | None:
        flow = self.model.flow
        return next(axes for node, axes in flow.axes.items() if node.name == self.layer.node)

    def only(self, rows: Sequence[int]) -> "Units":
        """Some of the units, by their place."""
        labels = tuple(self.labels[row] for row in rows)
        return replace(self, readout=self.readout[list(rows)], labels=labels)

    def to(self, device: str | torch.device | None) -> "Units":
        """The same units on another device; the originals stay where they are."""
        place = pick_device(device)
        if place == self.device:
            return self
        return replace(
            self,
            cone=copy.deepcopy(self.cone).to(place),
            full=copy.deepcopy(self.full).to(place),
            readout=self.readout.to(place),
            device=place,
        )


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
    where = parse_address(address) if isinstance(address, str) else address
    place = pick_device(device)
    name = where.model if where.weights is None else f"{where.model}@{where.weights}"
    layer = where.layer + (":raw" if where.raw else "")
    model = load_model(name, weights, layer=layer)
    return _units(model, layer, list(where.channels), position).to(place)


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

    Raises:
        InvisError: if the network cannot be traced, or has no such layer or channel.
    """
    model = wrap(module, mean=mean, std=std, input_size=input_size, name=name)
    first = next(module.parameters(), torch.zeros(()))
    units = replace(_units(model, layer, channel, position), device=first.device)
    units = replace(units, readout=units.readout.to(first.device, first.dtype))
    return units.to(first.device if device is None else device)


def _units(
    model: Model,
    name: str,
    channel: int | Sequence[int] | Mapping[int, float],
    position: Any,
) -> Units:
    layer = find_layer(model, name.removesuffix(":raw"), raw=name.endswith(":raw"))
    channel = _plain_channels(channel)
    check_channels(layer, [channel] if isinstance(channel, int) else list(channel), model.name)
    cone = build_cone(model, layer, position)
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
    node = next(n for n in model.flow.traced.full.graph.nodes if n.name == layer.node)
    return Units(model, layer, cone, readout, labels, upto(model.flow, node))


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
