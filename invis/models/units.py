"""Units: what a search maximises, and what the full model says about it."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from invis.errors import InvisError
from invis.models.cone import Cone, build_cone
from invis.models.devices import pick_device, single_precision
from invis.models.flow import Tokens
from invis.models.layers import Layer
from invis.models.model import Model

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
        bias: (U,) what is added to each combination; None for nothing.
        head: what stands before the labels in addresses; model and layer if empty.
        device: where they are computed.
    """

    model: Model
    layer: Layer
    cone: Cone
    readout: Tensor
    labels: tuple[str, ...]
    full: fx.GraphModule = field(repr=False)
    bias: Tensor | None = None
    head: str = ""
    device: torch.device = _CPU

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def addresses(self) -> tuple[str, ...]:
        """One address for each unit."""
        head = self.head or f"{self.model.address}/{self.layer.layer}"
        return tuple(f"{head}/{name}" for name in self.labels)

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
            maps = self.maps(self.full(self.normalise(canvas)))
            rows = []
            for k in range(len(patches)):
                row, column = places[k % len(places)][1]
                rows.append(maps[k // len(places), :, row, column])
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
        if (
            cone.whole
            or not cone.uniform
            or cone.image_shape[1:] != (cone.receptive_field, cone.receptive_field)
        ):
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
        found = torch.where(weights != 0, layer * weights, 0.0).sum(1)
        return found if self.bias is None else found + self.bias[index]

    @property
    def map_axes(self) -> tuple[int, int] | None:
        """Which axes of the layer's output are rows and columns; None where it has no map."""
        flow = self.model.flow
        return flow.axes[flow.node(self.layer.node)]

    @property
    def tokens(self) -> Tokens | None:
        """Where the tokens of a transformer's layer lie; None where it has a map, or neither."""
        flow = self.model.flow
        return None if self.map_axes else flow.tokens.get(flow.node(self.layer.node))

    def maps(self, out: Tensor) -> Tensor:
        """The layer's output as maps (B, C, H, W).

        Tokens are one column of rows; a layer with neither map nor tokens is one position.
        """
        tokens = self.tokens
        if tokens is not None:
            return out.movedim(tokens.axis, -1).flatten(1, -2)[..., None]
        if self.map_axes is None:
            return out.flatten(1)[:, :, None, None]
        maps = out.movedim(self.map_axes, (-2, -1))
        return maps.reshape(len(maps), -1, *maps.shape[-2:])

    def unit_maps(self, out: Tensor) -> Tensor:
        """The responses (B, U, H, W) of all units at every position of their layer's output."""
        maps, found = self.maps(out), []
        for k, weights in enumerate(self.readout.to(maps)):
            (used,) = weights.nonzero(as_tuple=True)
            one = (maps[:, used] * weights[used, None, None]).sum(1)
            found.append(one if self.bias is None else one + self.bias[k].to(maps))
        return torch.stack(found, 1)

    def only(self, rows: Sequence[int]) -> "Units":
        """Some of the units, by their place."""
        labels = tuple(self.labels[row] for row in rows)
        bias = None if self.bias is None else self.bias[list(rows)]
        return replace(self, readout=self.readout[list(rows)], labels=labels, bias=bias)

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
            bias=None if self.bias is None else self.bias.to(place),
            device=place,
        )
