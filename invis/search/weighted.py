"""Sets under the paper's weighted objective, moved by Adam; see invis.search.paper."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from invis.search.course import Mark
from invis.search.problem import Problem
from invis.search.sphere import nearest_distance, tangent, unit

LEARNING_RATE = 1.0
DECAYS = (0.9, 0.999)
AVERAGE, PATIENCE = 0.9, 100
FIRST_WEIGHT, LAST_WEIGHT = 1.0, 2.0**-6
COURSE_STEPS = 5
# Below the floor the weight will be halved anyway: smaller gains than this are not waited for.
COARSE = 0.005
NEW_REFERENCE = 1e-4

OF_UNITS = ("units", "best", "reference", "reach", "weight", "lowest", "average", "target", "calm")
OF_IMAGES = ("moving", "first", "second", "held", "held_response")

Points = Callable[[Tensor], Tensor]


@dataclass
class WeightedSets:
    """The state of the sets of U units with N images each; B = U N rows, a unit's rows together.

    Attributes:
        points: unit vectors (B, D) -> (B, F), between which distance is taken; differentiable.
        units: (U,) which unit of the problem each set belongs to.
        best: (U,) a*, the response that counts as 1.
        reference: (U, D) its image.
        moving: (B, D) where the images are.
        reach: (U,) distance of the reference from grey; it counts as 1.
        weight: (U,) of the distance in the loss.
        first, second: (B, C, h, w) Adam's moments.
        held: (B, D) where the loss was lowest at this weight; `held_response` (B,) there.
        lowest: (U,) that loss.
        average: (U,) the running mean of the loss; `target` its lowest, at step `calm`.
    """

    problem: Problem
    points: Points
    alpha: float
    images: int
    units: Tensor
    best: Tensor
    reference: Tensor
    moving: Tensor
    steps: int = 0
    course: list[Mark] = field(default_factory=list)

    def __post_init__(self) -> None:
        grey = torch.zeros_like(self.reference[:1])
        points = self._points(torch.cat([self.reference, grey]))
        self.reach = (points[:-1] - points[-1]).norm(dim=1)
        self.weight = torch.full_like(self.best, FIRST_WEIGHT)
        self.first = self.second = torch.zeros_like(self.problem.image(self.moving))
        self.held, self.held_response = self.moving, torch.zeros_like(self.moving[:, 0])
        self.lowest = self.average = self.target = torch.full_like(self.best, torch.inf)
        self.calm = torch.zeros_like(self.units)

    @property
    def rows(self) -> Tensor:
        """(B,) the unit of each image."""
        return self.units.repeat_interleave(self.images)

    @property
    def scale(self) -> Tensor:
        """(U,) a* - g."""
        return self.best - self.problem.grey_response[self.units]

    @property
    def held_value(self) -> Tensor:
        """(B,) their fractions."""
        return self._fractions(self.held_response)

    @property
    def distance(self) -> Tensor:
        """(U,) mean distance to the nearest neighbour."""
        return nearest_distance(self._points(self.held).view(len(self.units), self.images, -1))

    @property
    def weakest(self) -> Tensor:
        """(U,) the fraction of each set's weakest image."""
        return self.held_value.view(len(self.units), -1).amin(1)

    def step(self) -> None:
        """Take one step of Adam with all images."""
        f, slope = self.problem.value_and_gradient(self.moving, self.rows)
        self._new_reference(f)
        closest, away = self._closest_pair()
        loss = -self._fractions(f).view(len(self.units), -1).mean(1) - self.weight * closest
        self._keep_lowest(loss, f)
        climb = slope / self._each(self.scale * self.images)
        # Along the sphere: Adam takes signs, and those of a radial part would turn the image.
        uphill = tangent(climb + self._each(self.weight) * away, self.moving)
        move = self._adam(-smooth(self.problem.image(uphill)))
        x = self.problem.image(self.moving) - LEARNING_RATE * move
        self.moving = self.problem.inside(unit(self.problem.metric.vectors(x)))
        self.steps += 1
        self._watch(loss)
        if self.steps % COURSE_STEPS == 0:
            self.course.append(Mark(self.steps, self.distance, self.weakest))

    def converged(self) -> Tensor:
        """(U,) whether the loss has come to rest at a weight that stays."""
        return (self._at_rest() & self._weight_stays()).cpu()

    def only(self, keep: Tensor) -> WeightedSets:
        """The sets of some units (K,), with their state; the others leave the batch."""
        rows = (keep[:, None] * self.images + torch.arange(self.images)).flatten()
        keep, rows = keep.to(self.units.device), rows.to(self.units.device)
        kept = copy.copy(self)
        for names, which in ((OF_UNITS, keep), (OF_IMAGES, rows)):
            for name in names:
                setattr(kept, name, getattr(self, name)[which])
        kept.course = [mark.only(keep) for mark in self.course]
        return kept

    @torch.no_grad()
    def _points(self, v: Tensor) -> Tensor:
        return self.problem.run(lambda part: (self.points(part),), v)[0]

    def _each(self, of_units: Tensor) -> Tensor:
        return of_units.repeat_interleave(self.images)[:, None]

    def _fractions(self, f: Tensor) -> Tensor:
        grey = self.problem.grey_response[self.rows]
        return (f - grey) / self._each(self.scale)[:, 0]

    def _closest_pair(self) -> tuple[Tensor, Tensor]:
        """(U,) distance of each set's closest pair over `reach`, and its gradient (B, D)."""
        count, n = len(self.units), self.images
        points = self._points(self.moving).view(count, n, -1)
        same = torch.eye(n, dtype=torch.bool, device=points.device)
        where = torch.cdist(points, points).masked_fill(same, torch.inf).flatten(1).argmin(1)
        start = torch.arange(count, device=points.device) * n
        rows = torch.stack([start + where // n, start + where % n], 1).flatten()
        pair = self.moving[rows].detach().requires_grad_()
        ends = self.points(pair).view(count, 2, -1)
        closest = (ends[:, 0] - ends[:, 1]).norm(dim=1) / self.reach
        (gradient,) = torch.autograd.grad(closest.sum(), pair)
        return closest.detach(), torch.zeros_like(self.moving).index_copy(0, rows, gradient)

    def _new_reference(self, f: Tensor) -> None:
        """An image that beats the reference becomes it; losses are then counted anew."""
        top, where = f.view(len(self.units), -1).max(1)
        beaten = top - self.best > NEW_REFERENCE * self.scale
        rows = torch.arange(len(self.units), device=f.device) * self.images + where
        self.reference = torch.where(beaten[:, None], self.moving[rows], self.reference)
        self.best = torch.where(beaten, top, self.best)
        self._restart(beaten)

    def _keep_lowest(self, loss: Tensor, f: Tensor) -> None:
        lower = self._each(loss < self.lowest)
        self.lowest = torch.minimum(loss, self.lowest)
        self.held = torch.where(lower, self.moving, self.held)
        self.held_response = torch.where(lower[:, 0], f, self.held_response)

    def _adam(self, gradient: Tensor) -> Tensor:
        a, b = DECAYS
        self.first = a * self.first + (1 - a) * gradient
        self.second = b * self.second + (1 - b) * gradient.square()
        mean = self.first / (1 - a ** (self.steps + 1))
        return mean / ((self.second / (1 - b ** (self.steps + 1))).sqrt() + 1e-8)

    def _watch(self, loss: Tensor) -> None:
        """Halve the weight of each set that has come to rest with an image below the floor."""
        mean = AVERAGE * self.average + (1 - AVERAGE) * loss
        self.average = torch.where(self.average.isinf(), loss, mean)
        better = self.average < self.target - torch.where(self._at_floor(), 0.0, COARSE)
        self.target = torch.where(better, self.average, self.target)
        self.calm = torch.where(better, self.steps, self.calm)
        halve = self._at_rest() & ~self._weight_stays()
        self.weight = torch.where(halve, self.weight / 2, self.weight)
        self._restart(halve)

    def _at_rest(self) -> Tensor:
        return self.steps - self.calm >= PATIENCE

    def _at_floor(self) -> Tensor:
        return self.weakest >= self.alpha

    def _weight_stays(self) -> Tensor:
        return self._at_floor() | (self.weight <= LAST_WEIGHT)

    def _restart(self, which: Tensor) -> None:
        for name in ("lowest", "average", "target"):
            setattr(self, name, getattr(self, name).masked_fill(which, torch.inf))
        self.calm = self.calm.masked_fill(which, self.steps)


def smooth(gradient: Tensor) -> Tensor:
    """Damp the high frequencies of (B, C, h, w): 1 / max(1, sqrt(cycles per image)), of mean 1."""
    h, w = gradient.shape[2:]
    down = torch.fft.fftfreq(h, 1 / h, device=gradient.device)[:, None]
    across = torch.fft.fftfreq(w, 1 / w, device=gradient.device)[None]
    gain = torch.hypot(down, across).sqrt().clamp_min(1).reciprocal()
    gain = (gain / gain.mean())[:, : w // 2 + 1]
    return torch.fft.irfft2(torch.fft.rfft2(gradient) * gain, s=(h, w))
