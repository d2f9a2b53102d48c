"""Compositions fitted to images while a unit keeps the floor, many at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from invis.probe.explain.answer import Answer
from invis.probe.explain.scene import Scene
from invis.search.sphere import dot

STEPS, RATE = 20, 0.2
# A response that falls short of the floor by one hundredth costs as much as 0.02 of the distance.
WEIGHT, MARGIN = 200.0, 0.01
# Rounding of a set to 8 bits costs as much.
SLACK = 0.005
BENDING = 0.01


@dataclass(frozen=True)
class Aim:
    """What images are fitted, and what must be kept.

    Attributes:
        targets: (N, D) unit vectors.
        answer: of the unit.
        floor: alpha.
        squared: (N,) distance of each target to the reference.
    """

    targets: Tensor
    answer: Answer
    floor: float
    squared: Tensor

    @classmethod
    def of(cls, scene: Scene, targets: Tensor, answer: Answer, floor: float) -> Aim:
        """The aim of a set; the reference itself may be in it."""
        squared = (targets - scene.reference).square().sum(1)
        return cls(targets, answer, floor, squared.clamp(min=1e-6))


@dataclass(frozen=True)
class Fits:
    """Attributes:
    theta: (B, P) numbers.
    left: (B,) squared distance to the target that is left, with the floor kept.
    """

    theta: Tensor
    left: Tensor

    def better(self, other: Fits) -> Fits:
        """The better of both, row by row."""
        mine = self.left <= other.left
        theta = torch.where(mine[:, None], self.theta, other.theta)
        return Fits(theta, torch.minimum(self.left, other.left))


def fit(
    scene: Scene, aim: Aim, which: Tensor, start: Tensor, mask: Tensor, steps: int = STEPS
) -> Fits:
    """Fit compositions by Adam; the best ones that keep the floor are returned.

    Args:
        scene: of the reference.
        aim: the targets.
        which: (B,) the target of each row.
        start: (B, P) numbers.
        mask: (B, P) 1 at numbers that are free.
        steps: of the optimiser.
    """
    theta = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([theta], lr=RATE, betas=(0.8, 0.95))
    targets, squared = aim.targets[which], aim.squared[which]
    best, left = torch.zeros_like(start), squared.clone()
    for step in range(steps + 1):
        vectors = scene.vectors(theta)
        held = vectors.detach()
        value, slope = aim.answer.value_and_gradient(held)
        distance = (held - targets).square().sum(1)
        better = (value >= aim.floor - SLACK) & (distance < left)
        best = torch.where(better[:, None], theta.detach(), best)
        left = torch.where(better, distance, left)
        if step == steps:
            break
        short = (aim.floor + MARGIN - value).clamp(min=0)
        pull = 2 * (held - targets) / squared[:, None] - 2 * WEIGHT * short[:, None] * slope
        loss = (vectors * pull).sum() + BENDING * scene.bending(theta).sum()
        optimiser.zero_grad()
        loss.backward()
        assert theta.grad is not None
        theta.grad *= mask
        # Rows count alike, whatever the gradient of a steep unit is.
        theta.grad /= theta.grad.norm(dim=1, keepdim=True).clamp(min=1.0)
        for group in optimiser.param_groups:
            group["lr"] = RATE * (0.05 + 0.95 * math.cos(0.5 * math.pi * step / steps))
        optimiser.step()
    return Fits(best, left)


@torch.no_grad()
def look(scene: Scene, aim: Aim, which: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
    """(B,) squared distance of compositions to their targets, and (B,) fractions."""
    vectors = scene.vectors(theta)
    return (vectors - aim.targets[which]).square().sum(1), aim.answer.value(vectors)


@torch.no_grad()
def least_squares(scene: Scene, aim: Aim, which: Tensor, theta: Tensor, where: slice) -> Tensor:
    """(B, n) numbers of a linear move, after the composition theta (B, P), nearest the targets."""
    base = scene.raw(theta)
    count = where.stop - where.start
    tried = theta.repeat_interleave(count, 0)
    rows = torch.arange(len(tried), device=theta.device)
    tried[rows, where.start + rows % count] = 1
    changes = scene.raw(tried).view(len(theta), count, -1) - base[:, None]
    # Vectors end on the sphere, so the target may have any length: that at which it is nearest.
    target = aim.targets[which]
    length = dot(base, target).clamp(min=0.3 * base.norm(dim=1))
    wanted = target * length[:, None] - base
    gram = changes @ changes.transpose(1, 2)
    # A grey image has no colour to turn.
    ridge = 0.01 * gram.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] + 1e-6
    gram = gram + ridge * torch.eye(count, device=theta.device)
    return torch.linalg.solve(gram, (changes @ wanted[:, :, None])[..., 0])
