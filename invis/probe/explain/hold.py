"""In which ranges a unit ignores what is claimed, and whether new images drawn there keep it up.

The ranges come from images under one family at a time, the level that these must keep from draws of
all families together, and the test from other draws, each beside a random change of the same
distance and beside what the linear unit would answer to the same image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from invis.probe.explain.answer import Answer, around
from invis.probe.explain.moves import Move
from invis.probe.explain.scene import Scene

DRAWS, TRIAL_DRAWS = 256, 96
# Images under one family that has more numbers than two.
POOL = 96
# Small changes keep any floor: new images are drawn in the outer part of a range.
NEAR = 0.5
# Families tolerate less together: each may have to keep more than the floor alone.
LEVELS = (0.0, 0.25, 0.5, 0.75)
WANTED = 0.9


@dataclass(frozen=True)
class Region:
    """Values of one family at which the unit was seen.

    Attributes:
        move: the family.
        values: (V, n) numbers in units of its scale.
        spacing: (n,) of neighbouring values; 0 where values are not on a grid.
        fraction: (V,) of the response, the family alone.
        within: amplitudes (V,), 0 to 1, of values drawn from fits; empty on a grid.
    """

    move: Move
    values: Tensor
    spacing: float
    fraction: Tensor
    within: Tensor

    def kept(self, level: float) -> Tensor:
        """(V,) which values keep a level, and can be drawn."""
        held = self.fraction >= level
        if not len(self.within):
            return held
        # The largest amplitude up to which nearly all values keep it.
        order = self.within.argsort()
        share = held[order].float().cumsum(0) / torch.arange(1, len(order) + 1).to(held.device)
        good = (share >= WANTED).nonzero()
        most = self.within[order[good[-1, 0]]] if len(good) else -torch.ones(()).to(held.device)
        return self.within <= most

    def moves(self, level: float) -> bool:
        """Whether anything but the reference itself keeps a level."""
        return bool((self.values[self.kept(level)].abs() > 1e-6).any())


@dataclass(frozen=True)
class Held:
    """Attributes:
    kept: share of new images that keep the floor.
    kept_random: the same of random changes of the same distances.
    kept_linear: the same of the linear unit's answers to the new images.
    fraction_median: of the responses to new images.
    distance_median: of new images to the reference, in units of the norm.
    draws: how many.
    """

    kept: float
    kept_random: float
    kept_linear: float
    fraction_median: float
    distance_median: float
    draws: int

    @property
    def holds(self) -> bool:
        """Whether the share kept is above both others, beyond their intervals (two errors)."""
        others = max(self.kept_random, self.kept_linear)
        error = sum(p * (1 - p) / self.draws for p in (self.kept, others))
        return self.kept - others > 2 * math.sqrt(error)


def regions(
    scene: Scene, answer: Answer, theta: Tensor, names: tuple[str, ...], generator: torch.Generator
) -> dict[str, Region]:
    """Where the unit was asked about each family alone; theta (N, P) are the fits of a set."""
    found = {}
    for name in names:
        move, where = scene.move(name), scene.where[name]
        within = torch.zeros(0).to(theta)
        if move.size(scene.grid) <= 2:
            values, spacing = _grid(move)
            values = values.to(theta)
        else:
            spacing = 0.0
            most = torch.rand(POOL, generator=generator).to(theta)
            values, within = mixtures(theta[:, where], POOL, most, generator)
        full = torch.zeros(len(values), scene.size).to(theta)
        full[:, where] = values
        with torch.no_grad():
            fraction = answer.value(scene.vectors(full))
        found[name] = Region(move, values, spacing, fraction, within)
    return found


def mixtures(
    fits: Tensor, count: int, most: float | Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(count, n) mixtures of two fits (N, n) each, and their amplitudes: NEAR to 1, times `most`.

    Mixtures are as long as fits that have nothing in common.
    """
    pair = torch.randint(len(fits), (2, count), generator=generator).to(fits.device)
    mix, within = torch.rand(2, count, generator=generator).to(fits)
    within = (NEAR + (1 - NEAR) * within) * most
    parts = torch.nn.functional.normalize(torch.stack([mix, 1 - mix]), dim=0)
    both = fits[pair[0]] * parts[0, :, None] + fits[pair[1]] * parts[1, :, None]
    return both * within[:, None], within


def test(
    scene: Scene,
    answer: Answer,
    theta: Tensor,
    found: Mapping[str, Region],
    floor: float,
    generator: torch.Generator,
) -> tuple[Held, float]:
    """Draw new images within the ranges; also the level at which the ranges were taken.

    The level is the lowest of LEVELS, between the floor and 1, at which enough trial draws keep the
    floor, or the one at which most do.
    """
    best, level = -1.0, floor
    for part in LEVELS:
        tried = floor + part * (1 - floor)
        vectors = draw(scene, theta, found, tried, TRIAL_DRAWS, generator)
        kept = _share(answer.value(vectors) >= floor)
        if kept > best:
            best, level = kept, tried
        if kept >= WANTED:
            break
    vectors = draw(scene, theta, found, level, DRAWS, generator)
    overlap = vectors @ scene.reference
    fraction = answer.value(vectors)
    # Farther than a right angle, "random" would be the other polarity.
    random = answer.value(around(scene.reference, overlap.clamp(min=0), generator))
    held = Held(
        kept=_share(fraction >= floor),
        kept_random=_share(random >= floor),
        kept_linear=_share(overlap >= floor),
        fraction_median=float(fraction.median()),
        distance_median=float((2 - 2 * overlap).clamp(min=0).sqrt().median()),
        draws=DRAWS,
    )
    return held, level


def _share(kept: Tensor) -> float:
    return float(kept.float().mean())


@torch.no_grad()
def draw(
    scene: Scene,
    theta: Tensor,
    found: Mapping[str, Region],
    level: float,
    count: int,
    generator: torch.Generator,
) -> Tensor:
    """(count, D) the reference under all families, each drawn within the range that keeps a level.

    On a grid a value is drawn between kept ones and their neighbours' halves, elsewhere anew up to
    the amplitude that is kept.
    """
    full = torch.zeros(count, scene.size).to(theta)
    for name, region in found.items():
        where = scene.where[name]
        kept = region.kept(level)
        if not bool(kept.any()):
            continue
        if len(region.within):
            most = float(region.within[kept].max())
            full[:, where] = mixtures(theta[:, where], count, most, generator)[0]
            continue
        values = region.values[kept]
        picked = torch.randint(len(values), (count,), generator=generator).to(theta.device)
        around_it = torch.rand(count, values.shape[1], generator=generator).to(theta) - 0.5
        full[:, where] = values[picked] + around_it * region.spacing
    return scene.vectors(full)


def _grid(move: Move) -> tuple[Tensor, float]:
    """Values of a family of one or two numbers, with their spacing, in units of its scale."""
    if move.discrete:
        return torch.tensor([[0.0], [1.0]]), 0.0
    low, high, count = {
        1: SPANS.get(move.name, (-math.pi, math.pi, 73)),
        2: SPANS.get(move.name, (-0.5, 0.5, 13)),
    }[move.numbers]
    steps = torch.linspace(low, high, count) / move.scale
    spacing = float(steps[1] - steps[0])
    if move.numbers == 1:
        # The ends of a turn are one place.
        return steps[:-1, None] if move.period else steps[:, None], spacing
    return torch.cartesian_prod(steps, steps), spacing


# Of a family's numbers, with their unit: lowest, highest, how many.
SPANS = {
    "scale": (-0.8, 0.8, 33),
    "blur": (0.0, 0.16, 17),
    "saturation": (-2.0, 2.0, 33),
    "shift": (-2 / 3, 2 / 3, 33),
    "shear": (-0.6, 0.6, 13),
}
