"""Where in the field a set varies: what is fixed, where polarity turns or colour does, and texture.

Images are compared with the reference place by place, in a soft window about each place: by the
correlation of their luminance, that of their colour, and their energy. After the partial textures
of Ding et al. (2026): part of a field is fixed, another is free but for its statistics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from invis.search.metric import Metric

Map = NDArray[np.float32]
# Of the window about a place, in shares of the field's side; never less than a pixel.
WINDOW = 1 / 14
# A correlation below this is the other polarity.
TURNED = -0.4
# Places where reference and image together have less than this share of the strongest energy say
# nothing.
FAINT = 0.02


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps (h, w) of a set, all from 0 to 1 but for `varies`, which reaches 2.

    Attributes:
        varies: squared difference from the reference over the energy of both; 1 where they are
            unrelated, 2 where they are opposite.
        polarity: the share of images whose luminance has the other sign.
        colour: how little the colour agrees where there is some; 0.5 where unrelated.
        texture: how much of the energy stays while the pattern does not.
        energy: of the reference, 1 where it is strongest.
    """

    varies: Map
    polarity: Map
    colour: Map
    texture: Map
    energy: Map

    def fixed(self, null: Maps) -> NDArray[np.bool_]:
        """(h, w) where the set varies less than half as much as that of the linear unit."""
        return np.asarray(self.varies < 0.5 * null.varies)


@torch.no_grad()
def maps(metric: Metric, reference: Tensor, vectors: Tensor) -> Maps:
    """The maps of a set.

    Args:
        metric: of the images.
        reference: (D,) unit vector.
        vectors: (N, D) the set, or images of the linear unit.
    """
    images = metric.image(torch.cat([reference[None], vectors])).cpu()
    grey, colour = images.mean(1, keepdim=True), images - images.mean(1, keepdim=True)
    energy, energy0, _ = _compared(images)
    difference = _soft((images[1:] - images[:1]).square().sum(1))
    both = energy + energy0
    seen = both > FAINT * both.max()
    varies = torch.where(seen, difference / both.clamp(min=1e-9), 0.0)
    luminance, luminance0, alike = _compared(grey)
    lit = torch.minimum(luminance, luminance0) > FAINT * luminance0.max()
    polarity = ((alike < TURNED) & lit).float()
    stays = torch.minimum(energy, energy0) / torch.maximum(energy, energy0).clamp(min=1e-9)
    texture = torch.where(seen, stays * (1 - alike.abs()), 0.0)
    tint, tint0, same = _compared(colour)
    coloured = torch.minimum(tint, tint0) > FAINT * energy0.max()
    turned = torch.where(coloured, (1 - same) / 2, 0.0)
    changes = [one.mean(0).numpy() for one in (varies, polarity, turned, texture)]
    return Maps(
        changes[0],
        changes[1],
        changes[2],
        changes[3],
        (energy0 / energy0.max())[0].numpy(),
    )


def _compared(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Local energies of all but the first image (N, h, w), of the first (1, h, w), and their local
    correlations (N, h, w)."""
    energy = _soft(images.square().sum(1))
    product = _soft((images[1:] * images[:1]).sum(1))
    alike = product / (energy[1:] * energy[:1]).sqrt().clamp(min=1e-9)
    return energy[1:], energy[:1], alike


def _soft(planes: Tensor) -> Tensor:
    """Means (N, h, w) in a Gaussian window about each place."""
    sigma = max(1.0, WINDOW * max(planes.shape[1:]))
    reach = math.ceil(2.5 * sigma)
    axis = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma).square())
    axis = axis / axis.sum()
    padded = functional.pad(planes[:, None], (reach,) * 4, mode="replicate")
    rows = functional.conv2d(padded, axis[None, None, :, None])
    return functional.conv2d(rows, axis[None, None, None, :])[:, 0]
