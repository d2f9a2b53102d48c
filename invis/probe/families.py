"""Families of transformations, from the least to the most, all of one image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from invis.probe import transform

TURNS = tuple(22.5 * k for k in range(16))
CONTRASTS = (0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
# Deformations are drawn so often at every amplitude.
DRAWS = 4


@dataclass(frozen=True)
class Family:
    """One family of an image.

    Attributes:
        values: (V,) of the parameter, or (V, 2) rows and columns of a shift.
        axis: what the parameter is, with its unit.
        images: (V, C, h, w) deviations from grey; all with the image's norm, but for contrast.
    """

    values: Tensor
    axis: str
    images: Tensor


def families(image: Tensor, wave: tuple[float, float], fine: bool = True) -> dict[str, Family]:
    """Every family of an image (C, h, w), a deviation from grey.

    Args:
        image: the image.
        wave: of the unit's best grating, (row, column) cycles per pixel; phase turns along it.
        fine: shifts over a grid in both directions; otherwise along rows and along columns only.
    """
    side = max(image.shape[1:])
    turns, scales = torch.tensor(TURNS), torch.exp2(torch.linspace(-1, 1, 9))
    contrasts = torch.tensor(CONTRASTS)
    sigmas = torch.linspace(0, side / 5, 7)
    amplitudes = torch.linspace(0, side / 8, 6).repeat_interleave(DRAWS)
    shifts = _shifts(side, 17) if fine else _cross(side, 9)
    still = torch.zeros(len(turns), 2)
    found = {
        "phase": Family(turns, "phase, degrees", transform.phase(image, turns, wave)),
        "translation": Family(shifts, "shift, px", transform.move(image, shifts)),
        "rotation": Family(turns, "angle, degrees", transform.move(image, still, turns)),
        "scale": Family(scales, "size, times", transform.move(image, still[:9], scale=scales)),
        "polarity": Family(torch.tensor([1.0, -1.0]), "sign", torch.stack([image, -image])),
        "blur": Family(sigmas, "sigma, px", transform.blur(image, sigmas)),
        "deformation": Family(
            amplitudes, "displacement, px RMS", transform.deform(image, amplitudes)
        ),
    }
    if len(image) == 3:
        found["hue"] = Family(turns, "hue, degrees", transform.hue(image, turns))
    norm = image.norm()
    kept = {
        name: Family(one.values, one.axis, transform.keep_norm(one.images, norm))
        for name, one in found.items()
    }
    stretched = image * contrasts[:, None, None, None]
    return kept | {"contrast": Family(contrasts, "contrast, times", stretched)}


def _shifts(side: int, count: int) -> Tensor:
    steps = torch.linspace(-side * 2 / 3, side * 2 / 3, count)
    return torch.cartesian_prod(steps, steps)


def _cross(side: int, count: int) -> Tensor:
    """Shifts along rows, then along columns."""
    steps, none = torch.linspace(-side * 2 / 3, side * 2 / 3, count), torch.zeros(count)
    return torch.cat([torch.stack([steps, none], 1), torch.stack([none, steps], 1)])
