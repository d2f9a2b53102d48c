"""The search for a set: as far apart as possible while every image keeps its activation.

A feasible-direction method with one state for each image. `held` is the last place at which the
image met the floor. From there it is pushed away from its neighbours along the unit's level set,
and let down to the floor where it is above: images that are equally excited keep sets comparable,
as the null falls with the mean response. An image that lands below the floor is led back by Newton
steps along its own gradient; if that fails for PATIENCE steps it returns to `held` with a shorter
step. So every image of the set meets the floor at every moment: the floor is a constraint, never a
term of a weighted sum.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from invis.search.course import Mark
from invis.search.features import Features
from invis.search.problem import Problem
from invis.search.reference import Maxima, random_starts
from invis.search.space import FeatureSpace, Plain, Space
from invis.search.sphere import dot, nearest_distances, tangent, unit

# Aimed at above the floor: room to move along a curved level set, given up at the end.
MARGIN, LAST_MARGIN = 0.01, 0.001
PATIENCE = 12
MOMENTUM = 0.8
FIRST_STEP, LONGEST_STEP = 0.5, 1.0
GROW, SHRINK = 1.2, 0.4
LONGEST_RETURN, LONGEST_DESCENT = 0.3, 0.1
JITTER = 0.1
DISTINCT = 0.3
PLATEAU_STEPS, PLATEAU_GAIN, SLOW_GAIN = 40, 0.005, 0.02
COURSE_STEPS = 5
# A pair is crowded below this share of the set's median nearest distance; an image of it goes
# elsewhere at most so often, and has to gain so much.
UNEVEN, MOST_MOVES, WORTH = 0.8, 2, 0.02
SLOPE_FLOOR = 1e-12

OF_UNITS = ("units", "best", "reference", "margin", "calm", "moves", "closest")
OF_IMAGES = (
    "held", "held_value", "held_slope", "moving", "momentum", "size", "strayed",
    "before", "before_value", "before_slope",
)  # fmt: skip


@dataclass
class Sets:
    """The state of the sets of U units with N images each; B = U N rows, a unit's rows together.

    Attributes:
        units: (U,) which unit of the problem each set belongs to.
        best: (U,) a*, the response that counts as 1.
        reference: (U, D) its image.
        held: (B, D) the last feasible place of each image.
        held_value: (B,) its fraction (f - g) / (a* - g).
        held_slope: (B, D) the gradient of the fraction there, along the sphere.
        moving: (B, D) where each image is looked at next.
        momentum: (B, D) of its moves.
        size: (B,) of its next step.
        strayed: (B,) steps since it last met the floor.
        before, before_value, before_slope: `held`, `held_value` and `held_slope` before an image
            went elsewhere.
        margin: (U,) aimed at above the floor.
        calm: (U,) the step at which the margin or an image's place last changed.
        moves: (U,) how often an image went elsewhere.
        closest: (U,) distance of the closest pair before the last time.
        steps: steps taken.
        course: a mark every COURSE_STEPS.
    """

    problem: Problem
    space: Space
    alpha: float
    images: int
    units: Tensor
    best: Tensor
    reference: Tensor
    held: Tensor
    held_value: Tensor
    held_slope: Tensor
    moving: Tensor
    momentum: Tensor
    size: Tensor
    strayed: Tensor
    before: Tensor
    before_value: Tensor
    before_slope: Tensor
    margin: Tensor
    calm: Tensor
    moves: Tensor
    closest: Tensor
    steps: int = 0
    course: list[Mark] = field(default_factory=list)

    @property
    def rows(self) -> Tensor:
        """(B,) the unit of each image."""
        return self.units.repeat_interleave(self.images)

    @property
    def scale(self) -> Tensor:
        """(B,) a* - g of each image's unit."""
        g = self.problem.grey_response[self.units]
        return (self.best - g).repeat_interleave(self.images)

    def fractions(self, f: Tensor) -> Tensor:
        """(B,) responses -> (B,) fractions of the reference."""
        return (f - self.problem.grey_response[self.rows]) / self.scale

    @property
    def distance(self) -> Tensor:
        """(U,) mean distance to the nearest neighbour."""
        return self.space.distance(self.held)

    @property
    def weakest(self) -> Tensor:
        """(U,) the fraction of each set's weakest image."""
        return self.held_value.view(len(self.units), self.images).amin(1)

    def step(self) -> None:
        """Evaluate every image once and move it."""
        f, slope = self.space.look(self.moving, self.rows)
        fraction = self.fractions(f)
        slope = tangent(slope, self.moving) / self.scale[:, None]
        feasible = fraction >= self.alpha
        lost = ~feasible & (self.strayed >= PATIENCE)
        at_once = feasible & (self.strayed == 0)
        self.size = torch.where(at_once, self.size * GROW, self.size).clamp(max=LONGEST_STEP)
        self.size = torch.where(lost, self.size * SHRINK, self.size)
        self.strayed = torch.where(feasible | lost, 0, self.strayed + 1)
        self.held = torch.where(feasible[:, None], self.moving, self.held)
        self.space.hold(feasible)
        self.held_slope = torch.where(feasible[:, None], slope, self.held_slope)
        self.held_value = torch.where(feasible, fraction, self.held_value)
        self.momentum = torch.where(lost[:, None], 0.0, self.momentum)

        go = feasible | lost
        start = torch.where(go[:, None], self.held, self.moving)
        value = torch.where(go, self.held_value, fraction)
        slope = torch.where(go[:, None], self.held_slope, slope)
        length = slope.norm(dim=1).clamp_min(SLOPE_FLOOR)
        up = slope / length[:, None]
        margin = self.margin.repeat_interleave(self.images)
        room = (self.alpha + margin - value) / length
        away = tangent(self.space.away(self.held), start)
        self.momentum = tangent(MOMENTUM * self.momentum + (1 - MOMENTUM) * away, start)
        outward = self.momentum - dot(self.momentum, up)[:, None] * up
        move = torch.where(go, self.size, 0.0)[:, None] * outward
        move = move + room.clamp(-LONGEST_DESCENT, LONGEST_RETURN)[:, None] * up
        self.moving = self.problem.inside(unit(start + move))
        self.steps += 1
        self._new_reference()
        if self.steps % COURSE_STEPS == 0:
            self.course.append(Mark(self.steps, self.distance, self.weakest))

    def _new_reference(self) -> None:
        """An image that beats the reference becomes it, and all fractions are taken again."""
        value = self.held_value.view(len(self.units), self.images)
        top, where = value.max(1)
        if not (top > 1 + 1e-4).any():
            return
        g = self.problem.grey_response[self.units]
        for k in (top > 1 + 1e-4).nonzero()[:, 0].tolist():
            rows = slice(k * self.images, (k + 1) * self.images)
            self.reference[k] = self.held[rows][where[k]]
            self.best[k] = g[k] + top[k] * (self.best[k] - g[k])
            self.held_value[rows] /= top[k]
            self.held_slope[rows] /= top[k]
            below = (self.held_value[rows] < self.alpha).nonzero()[:, 0] + rows.start
            self.held[below] = self.reference[k]
            self.held_value[below] = 1.0
            self.held_slope[below] = 0.0
            self.space.copy(rows.start + int(where[k]), below)
            # What was kept is measured against another reference: it stays behind.
            self.closest[k] = 0.0

    def converged(self) -> Tensor:
        """(U,) whether the distance has stopped growing, also close to the floor.

        When it grows slowly, an image of a crowd may go where there is room; when it stops for the
        first time, the margin is given up. Call this after every few steps.
        """
        back = PLATEAU_STEPS // COURSE_STEPS
        if len(self.course) <= back:
            return torch.zeros(len(self.units), dtype=torch.bool)
        before, now = self.course[-1 - back].distance, self.course[-1].distance
        rested = self.steps - self.calm >= PLATEAU_STEPS
        still = (now < before * (1 + PLATEAU_GAIN)) & rested
        slow = (now < before * (1 + SLOW_GAIN)) & rested
        done = still & (self.margin == LAST_MARGIN)
        gone = self._resettle(slow & (self.margin == MARGIN))
        self.margin = torch.where(still & ~gone, LAST_MARGIN, self.margin)
        self.calm = torch.where(still | gone, self.steps, self.calm)
        return done.cpu()

    def _resettle(self, slow: Tensor) -> Tensor:
        """(U,) of the sets that grow slowly, those in which an image went elsewhere.

        A unit may have several places that excite it, and a set its images badly shared among them.
        Where the closest pair is much closer than is usual in the set, one of the two starts anew
        beside the image with the most room. A set whose closest pair has not gained by it, when it
        is slow again, goes back to where it was.
        """
        if not isinstance(self.space, Plain) or not slow.any():
            return torch.zeros_like(slow)
        room = nearest_distances(self.held.view(len(self.units), self.images, -1))
        closest, crowded = room.min(1)
        worse = slow & (self.moves > 0) & (closest < self.closest * (1 + WORTH))
        self._copy_images("before", "held", worse)
        go = slow & ~worse & (self.moves < MOST_MOVES)
        go = go & (closest < UNEVEN * room.median(1).values)
        self._copy_images("held", "before", go)
        self.closest = torch.where(go, closest, self.closest)
        self.moves = torch.where(worse, MOST_MOVES, self.moves + go)
        first = torch.arange(len(self.units), device=go.device) * self.images
        moving, beside = (first + crowded)[go], (first + room.argmax(1))[go]
        for name in ("held", "held_value", "held_slope"):
            state = getattr(self, name)
            setattr(self, name, state.index_copy(0, moving, state[beside]))
        # Whoever shares a place is sent away from it: see Plain.
        self.moving = self.moving.index_copy(0, moving, self.held[moving])
        self.momentum = self.momentum.index_fill(0, moving, 0.0)
        self.strayed = self.strayed.index_fill(0, moving, 0)
        self.size = self.size.index_fill(0, moving, FIRST_STEP)
        return go

    def _copy_images(self, source: str, target: str, units: Tensor) -> None:
        """Where `units` (U,), the places of one name become those of another."""
        rows = units.repeat_interleave(self.images)
        for what in ("", "_value", "_slope"):
            new, old = getattr(self, source + what), getattr(self, target + what)
            mask = rows if new.dim() == 1 else rows[:, None]
            setattr(self, target + what, torch.where(mask, new, old))

    def only(self, keep: Tensor) -> Sets:
        """The sets of some units (K,), with their state; the others leave the batch."""
        rows = (keep[:, None] * self.images + torch.arange(self.images)).flatten()
        keep, rows = keep.to(self.units.device), rows.to(self.units.device)
        state = {name: getattr(self, name)[rows] for name in OF_IMAGES}
        state |= {name: getattr(self, name)[keep] for name in OF_UNITS}
        course = [mark.only(keep) for mark in self.course]
        return replace(self, space=self.space.only(rows), course=course, **state)


def start_sets(
    problem: Problem,
    maxima: Maxima,
    units: Tensor,
    generators: list[torch.Generator],
    images: int,
    alpha: float,
    features: Features | None = None,
) -> Sets:
    """Place the images of each unit on its distinct good maxima, the farthest first.

    Where there are fewer such maxima than images, several start from each; all are jittered.

    Args:
        units: (U,) the live units.
        generators: one for each of them.
        features: distances are between these; in the metric if left out.
    """
    best = maxima.best[units]
    grey = problem.grey_response[units]
    held, moving, values = [], [], []
    # Chosen on the CPU: a GPU would be asked for hundreds of single numbers.
    everywhere = maxima.vectors.cpu()
    for k, (unit_index, generator) in enumerate(zip(units.tolist(), generators, strict=True)):
        vectors = maxima.vectors[unit_index]
        fractions = (maxima.values[unit_index] - grey[k]) / (best[k] - grey[k])
        chosen = _spread_out(everywhere[unit_index], fractions.cpu(), images, alpha)
        rows = torch.tensor([chosen[i % len(chosen)] for i in range(images)], device=vectors.device)
        held.append(vectors[rows])
        values.append(fractions[rows])
        moving.append(unit(vectors[rows] + JITTER * random_starts(problem, images, generator)))
    return placed(
        problem, alpha, images, units, best, maxima.reference[units], torch.cat(held),
        torch.cat(values), torch.cat(moving), features,
    )  # fmt: skip


def placed(
    problem: Problem,
    alpha: float,
    images: int,
    units: Tensor,
    best: Tensor,
    reference: Tensor,
    held: Tensor,
    held_value: Tensor,
    moving: Tensor,
    features: Features | None = None,
) -> Sets:
    """Sets that hold these places (B, D), at these fractions (B,), and look at others first."""
    space: Space = Plain(problem, images)
    if features is not None:
        space = FeatureSpace.at(problem, images, features, held)
    scale = best - problem.grey_response[units]
    _, slope = problem.value_and_gradient(held, units.repeat_interleave(images))
    slope = tangent(slope, held) / scale.repeat_interleave(images)[:, None]
    return Sets(
        problem,
        space,
        alpha,
        images,
        units,
        best.clone(),
        reference.clone(),
        held=held,
        held_value=held_value,
        held_slope=slope,
        before=held,
        before_value=held_value,
        before_slope=slope,
        moving=problem.inside(moving),
        momentum=torch.zeros_like(held),
        size=torch.full_like(held_value, FIRST_STEP),
        strayed=torch.zeros(len(held), dtype=torch.long, device=held.device),
        margin=torch.full_like(best, MARGIN),
        calm=torch.zeros(len(units), dtype=torch.long, device=best.device),
        moves=torch.zeros(len(units), dtype=torch.long, device=best.device),
        closest=torch.zeros_like(best),
    )


def _spread_out(vectors: Tensor, fractions: Tensor, count: int, alpha: float) -> list[int]:
    """Indices of up to `count` maxima at alpha or more, each far from those before it."""
    order = [int(fractions.argmax())]
    good = (fractions >= alpha).nonzero()[:, 0]
    while len(order) < count:
        distances = torch.cdist(vectors[good], vectors[order]).amin(1)
        if float(distances.max()) < DISTINCT:
            break
        order.append(int(good[int(distances.argmax())]))
    return order
