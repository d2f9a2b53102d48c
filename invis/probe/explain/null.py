"""What each family explains of the matched linear unit's sets, and how much more is no chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from invis.probe.explain.answer import LinearAnswer, around
from invis.probe.explain.choose import nothing, together
from invis.probe.explain.fit import Aim
from invis.probe.explain.scene import Scene

# Images of the linear unit, and sets drawn from them.
IMAGES, SETS = 24, 400
CONFIDENCE = 0.95
# Shares that scatter less than this are taken to scatter so much.
LEAST_SCATTER = 0.005


@dataclass(frozen=True)
class Null:
    """Attributes:
    aim: images of the linear unit.
    mean, scatter: family -> mean and standard deviation, over sets, of what it explains alone.
    excess: how many times its scatter a family must lie above its mean: only 1 in 20 linear sets
        has *any* family that does.
    """

    aim: Aim
    mean: dict[str, float]
    scatter: dict[str, float]
    excess: float

    def threshold(self, name: str) -> float:
        """The share from which a family can be named."""
        return self.mean[name] + self.excess * self.scatter[name]


def null_of(scene: Scene, floor: float, count: int, generator: torch.Generator) -> Null:
    """Fit images of the linear unit as a set's are fitted; a set has `count` images."""
    overlap = torch.full((IMAGES,), floor).to(scene.reference)
    targets = around(scene.reference, overlap, generator)
    aim = Aim.of(scene, targets, LinearAnswer(scene.reference), floor)
    every = tuple(move.name for move in scene.moves)
    fits = together(scene, aim, nothing(scene, aim), (), every)
    shares = np.stack([(1 - one.left / aim.squared).cpu().numpy() for one in fits.values()])
    picked = torch.randint(IMAGES, (SETS, count), generator=generator).numpy()
    return calibrate(aim, dict(zip(fits, shares[:, picked].mean(2), strict=True)))


def calibrate(aim: Aim, sets: dict[str, NDArray[np.floating]]) -> Null:
    """The null of families whose shares (M,) of M linear sets are known."""
    mean = {name: float(one.mean()) for name, one in sets.items()}
    scatter = {name: max(float(one.std()), LEAST_SCATTER) for name, one in sets.items()}
    excess = np.stack([(one - mean[name]) / scatter[name] for name, one in sets.items()]).max(0)
    return Null(aim, mean, scatter, float(np.quantile(excess, CONFIDENCE)))
