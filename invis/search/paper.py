"""The weighted objective of Cadena et al. (ECCV 2018), kept for comparison.

    loss = -mean_i fraction_i - weight * min_(i, j) d(x_i, x_j)

over the images of a unit, with fraction = (f - g) / (a* - g), d the RMS distance of a pair (in pixels or
in features) and everything in units of the reference, so that the weight is in units of (a* - g) over
the distance R. As in the authors' code every image starts as white noise and is brought back to norm R
after every step of Adam, the gradient is smoothed in the Fourier domain, and the search stops when
the running mean of the loss no longer improves. Their weight is set by hand for each unit. Here it
begins large and is halved whenever the search stops with an image below the activation floor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from invis.models.unit import Units
from invis.search.engine import Batch, Snapshot, batch_steps, search_sets
from invis.search.problem import Problem
from invis.search.settings import Settings
from invis.search.sphere import nearest_distance, unit

LEARNING_RATE = 1.0
DECAYS = (0.9, 0.999)
AVERAGE, PATIENCE = 0.9, 100
MOST_STEPS, USUAL_STEPS = 2000, 1000
FIRST_WEIGHT, LAST_WEIGHT = 2.0, 2.0**-6
COURSE_STEPS = 5
NEW_REFERENCE = 1 + 1e-4

Features = Callable[[Tensor], Tensor]


def pixels(x: Tensor) -> Tensor:
    """Images (B, C, h, w) -> (B, C h w), the features in which distance is pixel distance."""
    return x.flatten(1)


def paper_steps(
    units: Units, settings: Settings, features: Features = pixels
) -> Iterator[Snapshot]:
    """Search sets with the paper's objective.

    Args:
        features: images (B, C, h, w), deviations from grey in grey levels -> (B, F), where the
            distance of the objective is taken; differentiable.
    """
    batch = yield from batch_steps(units, settings)
    if len(batch.alive):
        sets = start_noise(batch, features)
        yield from search_sets(batch, sets, MOST_STEPS, USUAL_STEPS)


@dataclass
class WeightedSets:
    """The state of the sets of U units with N images each; B = U N rows, a unit's rows together.

    Attributes:
        units: (U,) which unit of the problem each set belongs to.
        best: (U,) a*, the response that counts as 1.
        reference: (U, D) its image.
        reach: (U,) distance of the reference from grey in the features; R in pixels.
        weight: (U,) of the distance in the loss.
        moving: (B, D) where the images are; `first`, `second` (B, C, h, w) Adam's moments.
        held: (B, D) where the loss was lowest at this weight; `held_response` (B,) there.
        lowest: (U,) that loss.
        average: (U,) the running mean of the loss; `target` its lowest, at step `calm`.
    """

    problem: Problem
    alpha: float
    images: int
    features: Features
    units: Tensor
    best: Tensor
    reference: Tensor
    reach: Tensor
    weight: Tensor
    moving: Tensor
    first: Tensor
    second: Tensor
    held: Tensor
    held_response: Tensor
    lowest: Tensor
    average: Tensor
    target: Tensor
    calm: Tensor
    steps: int = 0
    course: list[tuple[int, Tensor]] = field(default_factory=list)

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
        """(B,) the fraction of each image."""
        above = self.held_response - self.problem.grey_response[self.rows]
        return above / self.scale.repeat_interleave(self.images)

    @property
    def distance(self) -> Tensor:
        """(U,) mean distance to the nearest neighbour, in units of R."""
        return nearest_distance(self.held.view(len(self.units), self.images, -1))

    def step(self) -> None:
        """Take one step of Adam with all images."""
        problem, count = self.problem, len(self.units)
        x = problem.image(self.moving)
        f, slope = problem.image_gradient(x, self.rows)
        self._new_reference(f)
        closest, away = self._closest_pair(x)
        rise = f.view(count, -1).mean(1) - problem.grey_response[self.units]
        loss = -rise / self.scale - self.weight * closest
        self._keep_lowest(loss, f)
        climb = slope / (self.images * self.scale.repeat_interleave(self.images))[:, None, None, None]
        weight = self.weight.repeat_interleave(self.images)[:, None, None, None]
        move = self._adam(smooth(-(climb + weight * away) * problem.radius))
        x = x - LEARNING_RATE * move
        self.moving = problem.inside(unit(problem.band.coefficients(x)))
        self.steps += 1
        self._watch(loss)
        if self.steps % COURSE_STEPS == 0:
            self.course.append((self.steps, self.distance))

    def _closest_pair(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(U,) distance of each set's closest pair over `reach`, and its gradient (B, C, h, w)."""
        count, n = len(self.units), self.images
        with torch.no_grad():
            points = self.features(x).view(count, n, -1)
            far = torch.eye(n, dtype=torch.bool, device=x.device)
            where = torch.cdist(points, points).masked_fill(far, torch.inf).flatten(1).argmin(1)
        first = torch.arange(count, device=x.device) * n
        rows = torch.stack([first + where // n, first + where % n], 1).flatten()
        pair = x[rows].detach().requires_grad_()
        points = self.features(pair).view(count, 2, -1)
        closest = (points[:, 0] - points[:, 1]).norm(dim=1) / self.reach
        (gradient,) = torch.autograd.grad(closest.sum(), pair)
        return closest.detach(), torch.zeros_like(x).index_copy(0, rows, gradient)

    def _new_reference(self, f: Tensor) -> None:
        """An image that beats the reference becomes it; losses are then counted anew."""
        top, where = f.view(len(self.units), -1).max(1)
        beaten = top - self.best > NEW_REFERENCE * self.scale
        if beaten.any():
            rows = torch.arange(len(self.units), device=f.device) * self.images + where
            self.reference = torch.where(beaten[:, None], self.moving[rows], self.reference)
            self.best = torch.where(beaten, top, self.best)
            self._restart(beaten)

    def _keep_lowest(self, loss: Tensor, f: Tensor) -> None:
        lower = loss < self.lowest
        self.lowest = torch.where(lower, loss, self.lowest)
        lower = lower.repeat_interleave(self.images)
        self.held = torch.where(lower[:, None], self.moving, self.held)
        self.held_response = torch.where(lower, f, self.held_response)

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
        better = self.average < self.target
        self.target = torch.where(better, self.average, self.target)
        self.calm = torch.where(better, self.steps, self.calm)
        halve = self._at_rest() & ~self._last()
        self.weight = torch.where(halve, self.weight / 2, self.weight)
        self._restart(halve)

    def _at_rest(self) -> Tensor:
        return self.steps - self.calm >= PATIENCE

    def _last(self) -> Tensor:
        """(U,) whether the weight is right: every image is at the floor, or no halving is left."""
        floor = self.held_value.view(len(self.units), -1).amin(1) >= self.alpha
        return floor | (self.weight <= LAST_WEIGHT)

    def _restart(self, which: Tensor) -> None:
        for name in ("lowest", "average", "target"):
            setattr(self, name, getattr(self, name).masked_fill(which, torch.inf))
        self.calm = self.calm.masked_fill(which, self.steps)

    def converged(self) -> Tensor:
        """(U,) whether the loss has come to rest at the last weight."""
        return (self._at_rest() & self._last()).cpu()

    def only(self, keep: Tensor) -> WeightedSets:
        """The sets of some units (K,), with their state; the others leave the batch."""
        rows = (keep[:, None] * self.images + torch.arange(self.images)).flatten()
        keep, rows = keep.to(self.units.device), rows.to(self.units.device)
        of_units = ("units best reference reach weight lowest average target calm").split()
        of_images = ("moving first second held held_response").split()
        kept = {name: getattr(self, name)[keep] for name in of_units}
        kept |= {name: getattr(self, name)[rows] for name in of_images}
        course = [(step, distance[keep]) for step, distance in self.course]
        return replace(self, course=course, **kept)


def start_noise(batch: Batch, features: Features) -> WeightedSets:
    """Sets of white Gaussian noise, its part inside the band brought to norm R."""
    problem, units, n = batch.problem, batch.alive, batch.settings.images
    noise = [
        torch.randn(n, *problem.band.shape, generator=batch.generators[k]) for k in units.tolist()
    ]
    v = problem.inside(unit(problem.band.coefficients(torch.cat(noise).to(problem.device))))
    reference = batch.maxima.reference[units]
    with torch.no_grad():
        x = problem.image(torch.cat([reference, torch.zeros_like(reference[:1])]))
        points = features(x)
    still = torch.zeros(len(v), *problem.band.shape, device=v.device)
    best = batch.maxima.best[units]
    endless = torch.full_like(best, torch.inf)
    return WeightedSets(
        problem, batch.settings.activation, n, features, units, best, reference,
        reach=(points[:-1] - points[-1]).norm(dim=1), weight=torch.full_like(best, FIRST_WEIGHT),
        moving=v, first=still, second=still, held=v, held_response=torch.zeros_like(v[:, 0]),
        lowest=endless, average=endless, target=endless, calm=torch.zeros_like(units),
    )  # fmt: skip


def smooth(gradient: Tensor) -> Tensor:
    """Damp the high frequencies of (B, C, h, w): 1 / max(1, sqrt(cycles per image)), of mean 1."""
    h, w = gradient.shape[2:]
    rows = torch.fft.fftfreq(h, 1 / h, device=gradient.device)[:, None]
    radius = torch.hypot(rows, torch.fft.fftfreq(w, 1 / w, device=gradient.device)[None])
    gain = radius.sqrt().clamp_min(1).reciprocal()
    gain = (gain / gain.mean())[:, : w // 2 + 1]
    return torch.fft.irfft2(torch.fft.rfft2(gradient) * gain, s=(h, w))
