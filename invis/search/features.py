"""The features of an earlier layer on the patch that a unit sees, for distances between images."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from invis.errors import InvisError
from invis.models.cone import build_cone
from invis.models.layers import find_layer
from invis.models.trace import upto
from invis.models.unit import Units


class Features:
    """Maps images (B, C, h, w), deviations from grey in grey levels, to features (B, F).

    The features are the layer after its ReLU, at all positions whose field lies inside the patch,
    as in Cadena et al. (2018).

    Attributes:
        layer: the layer's name.
    """

    def __init__(self, units: Units, layer: str) -> None:
        model = units.model
        found = find_layer(model, layer)
        patch = units.cone
        if found.receptive_field > min(patch.image_shape[1:]):
            raise InvisError(
                f"distance {layer!r} has a receptive field of {found.receptive_field} px, and "
                f"{units.layer.layer} sees {patch.image_shape[1]} px: name an earlier layer, "
                "or pixels"
            )
        node = model.flow.node(found.node)
        self.layer = found.layer
        self._units = units
        self._network = upto(model.flow.traced, node).to(units.device)
        middle = build_cone(model, found)
        stride = max(found.stride, 1)
        # A position p of the map sees pixels from p * stride + first on.
        first = [middle.window[k] - middle.position[k] * stride for k in (0, 1)]
        top, left, bottom, right = patch.window
        # The patch keeps its place on the grid of strides, so that pooling cells stay whole.
        self._before = (top % stride, left % stride)
        self._after = (stride, stride)
        spans = []
        for axis, (begin, end) in enumerate(((top, bottom), (left, right))):
            moved = begin - begin % stride
            lowest = -(-(begin - first[axis]) // stride)
            highest = (end - found.receptive_field - first[axis]) // stride
            spans.append((lowest - moved // stride, highest - moved // stride + 1))
        self._rows, self._columns = spans
        if self._rows[0] >= self._rows[1] or self._columns[0] >= self._columns[1]:
            raise InvisError(
                f"distance {layer!r} has no position whose field lies inside that of "
                f"{units.layer.layer}: name an earlier layer, or pixels"
            )

    def __call__(self, x: Tensor) -> Tensor:
        top, left = self._before
        below, right = self._after
        padded = F.pad(x, (left, right, top, below))
        grey = self._units.grey.to(x.device).float()[:, None, None]
        out = torch.relu(self._network(self._units.normalise(padded + grey)))
        return out[:, :, slice(*self._rows), slice(*self._columns)].flatten(1)
