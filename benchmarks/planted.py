"""Truth units with planted invariances of random ranges, and linear ones with none.

A planted unit is a maximum over templates: one pattern under every combination of the planted
transformations, each within a random range, f = max_k w_k.x with w_k of norm 1. The unit ignores
those and nothing else that is more than what they share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import invis
from invis.models.truth import GAIN, SIZE, gabor
from invis.models.unit import Units
from invis.probe import transform

# How far neighbouring templates may be apart, so that the maximum hardly dips between them.
STEPS = {"hue": 20.0, "phase": 20.0, "rotation": 8.0, "scale": 0.06, "shift": 1.0}
# Least and largest range on either side, in degrees, as a log size, and in pixels.
RANGES = {
    "hue": (40, 180),
    "phase": (40, 180),
    "rotation": (16, 80),
    "scale": (0.15, 0.5),
    "shift": (2, 6),
}
FAMILIES = ("polarity", *RANGES, "bend")
BENDS = 24


class Templates(nn.Module):
    """The largest response of templates (K, 3, 24, 24), or the rectified one of a single one."""

    def __init__(self, templates: Tensor, rectified: bool = False) -> None:
        super().__init__()
        rows = templates.flatten(1)
        rows = rows / rows.norm(dim=1, keepdim=True)
        self.filters = nn.Conv2d(3, len(rows), SIZE, bias=False)
        self.filters.weight = nn.Parameter(rows.view_as(templates) * GAIN, False)
        self.rectified = rectified

    def forward(self, x: Tensor) -> Tensor:
        found = self.filters(x).amax(1, keepdim=True)
        return found.clamp(min=0) if self.rectified else found


@dataclass(frozen=True)
class Planted:
    """Attributes:
    units: the unit.
    names: what it ignores.
    ranges: family -> its range.
    """

    units: Units
    names: tuple[str, ...]
    ranges: dict[str, float]


def unit_of(module: nn.Module, name: str) -> Units:
    """A unit of one of these modules."""
    return invis.unit(
        nn.Sequential(module), "0", 0, mean=(128 / 255,) * 3, input_size=SIZE, name=name
    )


def planted(count: int, seed: int) -> Planted:
    """A unit with `count` invariances, chosen with their ranges by a seed."""
    rng = np.random.default_rng(seed)
    # Half a turn of the phase is the other polarity, and a small shift of a grating is a phase.
    while True:
        names = tuple(sorted(rng.choice(FAMILIES, count, replace=False).tolist()))
        if "phase" not in names or not {"polarity", "shift"} & set(names):
            break
    frequency = float(rng.uniform(0.09, 0.16))
    angle = float(rng.uniform(0, 180))
    image = gabor(frequency, angle, float(rng.uniform(0, 360)), 4.0).expand(3, -1, -1)
    if "phase" not in names:
        image = patch(rng).expand(3, -1, -1)
    if "hue" in names:
        # A grey pattern has no hue to turn.
        turn = rng.uniform(0, 2 * math.pi)
        axes = torch.tensor([[1.0, -1.0, 0.0], [-0.5, -0.5, 1.0]])
        axes = axes / axes.norm(dim=1, keepdim=True)
        colour = math.cos(turn) * axes[0] + math.sin(turn) * axes[1]
        image = image * colour[:, None, None]
    ranges = {name: float(rng.uniform(*RANGES[name])) for name in names if name in RANGES}
    wave = (
        frequency * math.sin(math.radians(angle)),
        frequency * math.cos(math.radians(angle)),
    )
    templates = image[None]
    for name in names:
        steps = _steps(name, ranges)
        parts = [_transformed(one, name, steps, wave, seed) for one in templates]
        templates = torch.cat(parts)
    unit = unit_of(Templates(templates), f"planted-{'-'.join(names)}-{seed}")
    return Planted(unit, names, ranges)


def patch(rng: np.random.Generator) -> Tensor:
    """(24, 24) noise of middle frequencies in a Gaussian window: no transformation leaves it."""
    noise = torch.as_tensor(rng.normal(size=(SIZE, SIZE)), dtype=torch.float32)
    frequency = torch.fft.fftfreq(SIZE)
    radius = torch.hypot(frequency[:, None], frequency[None])
    band = torch.exp(-0.5 * ((radius - 0.12) / 0.04).square())
    axis = torch.arange(SIZE) - (SIZE - 1) / 2
    window = torch.exp(-(axis[:, None] ** 2 + axis**2) / (2 * 3.5**2))
    return torch.fft.ifft2(torch.fft.fft2(noise) * band).real * window


def linear(kind: str, seed: int) -> Units:
    """A linear or rectified linear unit: `gabor`, `noise`, each with `rectified` before it."""
    rng = np.random.default_rng(seed)
    if kind.endswith("gabor"):
        pattern = gabor(
            *(float(rng.uniform(*r)) for r in ((0.06, 0.2), (0, 180), (0, 360), (2, 5)))
        )
        image = pattern * torch.as_tensor(rng.normal(size=3), dtype=torch.float32)[:, None, None]
    else:
        image = torch.as_tensor(rng.normal(size=(3, SIZE, SIZE)), dtype=torch.float32)
    return unit_of(Templates(image[None], kind.startswith("rectified")), f"{kind}-{seed}")


def _steps(name: str, ranges: dict[str, float]) -> Any:
    """Values from -range to range, 0 among them."""
    if name in ("polarity", "bend"):
        return None
    half = math.ceil(ranges[name] / STEPS[name])
    values = torch.linspace(-ranges[name], ranges[name], 2 * half + 1)
    if name == "shift":
        # A square has more templates than a unit needs: a line in a direction of its own.
        return torch.stack([values, torch.zeros(len(values))], 1)
    return values


def _transformed(
    image: Tensor, name: str, steps: Any, wave: tuple[float, float], seed: int
) -> Tensor:
    """(K, 3, 24, 24) an image under one family."""
    if name == "polarity":
        return torch.stack([image, -image])
    if name == "bend":
        amplitude = torch.linspace(0, 1.6, BENDS)
        return transform.deform(image, amplitude, seed)
    if name == "hue":
        return transform.hue(image, steps)
    if name == "phase":
        return transform.phase(image, steps, wave)
    still = torch.zeros(len(steps), 2)
    if name == "rotation":
        return transform.move(image, still, steps)
    if name == "scale":
        return transform.move(image, still, scale=steps.exp())
    return transform.move(image, steps)
