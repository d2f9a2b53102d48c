"""Maxima of units: the reference of a set, and the free reference of its null."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from invis.search.problem import Problem
from invis.search.sphere import tangent, unit

EXPLORE_STEPS = 60
POLISH_STEPS = 12
# After so many steps so many climbs go on: the strongest of each place, then the strongest.
SCHEDULE = {4: 24, 20: 12}
DISTINCT = 0.5
LARGEST_STEP, SMALLEST_STEP = 2.0, 0.02
MOMENTUM = 0.8


@dataclass(frozen=True)
class Climb:
    """Where the climbs of a batch stand.

    Attributes:
        done: share of the way, 0 to 1.
        vectors: (U, M, D) the best unit vector of each climb so far.
        values: (U, M) its response.
    """

    done: float
    vectors: Tensor
    values: Tensor


@dataclass
class Maxima:
    """The maxima of a batch of units.

    Attributes:
        vectors: (U, M, D) unit vectors inside the pixel range, one for each restart.
        values: (U, M) their responses.
        free_values: (U,) a_free, the largest response when the pixel range is ignored.
    """

    vectors: Tensor
    values: Tensor
    free_values: Tensor

    @property
    def best(self) -> Tensor:
        """(U,) a*, the response of each unit's reference."""
        return self.values.amax(1)

    @property
    def reference(self) -> Tensor:
        """(U, D) the vector of each unit's reference."""
        rows = torch.arange(len(self.values), device=self.values.device)
        return self.vectors[rows, self.values.argmax(1)]


def random_starts(problem: Problem, count: int, generator: torch.Generator) -> Tensor:
    """(count, D) random unit vectors with the 1/f amplitudes of natural images."""
    return unit(problem.metric.noise(count, generator).to(problem.device))


def maxima_steps(
    problem: Problem, generators: list[torch.Generator], restarts: int
) -> Iterator[Climb | Maxima]:
    """Climb from several random starts; yields where they stand, then the maxima.

    Normalised gradient steps with momentum, the step shrinking from large to small: the response is
    piecewise linear, and only large steps leave its many small peaks. Most starts are soon given
    up: a few steps tell where it is worth going on. A monotone ascent ends the climb, first without
    the pixel range (a_free), then inside it (a*).
    """
    units = len(generators)
    starts = torch.stack([random_starts(problem, restarts, g) for g in generators])
    v = starts.flatten(0, 1)
    index = torch.arange(units, device=problem.device).repeat_interleave(restarts)
    momentum = torch.zeros_like(v)
    best_value, best = v.new_full((len(v),), -torch.inf), v
    total = EXPLORE_STEPS + 2 * POLISH_STEPS
    kept = restarts
    for step in range(EXPLORE_STEPS):
        if kept > SCHEDULE.get(step, kept):
            before, kept = kept, SCHEDULE[step]
            keep = _distinct_and_strong(
                best.view(units, before, -1), best_value.view(units, before), kept
            )
            rows = (torch.arange(units, device=v.device)[:, None] * before + keep).flatten()
            v, momentum, index = v[rows], momentum[rows], index[rows]
            best, best_value = best[rows], best_value[rows]
        f, g = problem.value_and_gradient(v, index)
        better = f > best_value
        best_value = torch.where(better, f, best_value)
        best = torch.where(better[:, None], v, best)
        size = LARGEST_STEP * (SMALLEST_STEP / LARGEST_STEP) ** (step / EXPLORE_STEPS)
        momentum = MOMENTUM * momentum + (1 - MOMENTUM) * unit(tangent(g, v))
        v = unit(v + size * momentum)
        momentum = tangent(momentum, v)
        yield Climb(step / total, best.view(units, kept, -1), best_value.view(units, kept))
    free, free_value = ascend(problem, best, index, bounded=False)
    done = (EXPLORE_STEPS + POLISH_STEPS) / total
    yield Climb(done, free.view(units, kept, -1), free_value.view(units, kept))
    inside = problem.inside(free)
    if torch.equal(inside, free):
        bounded, value = free, free_value
    else:
        bounded, value = ascend(problem, inside, index, bounded=True)
    yield Maxima(
        vectors=bounded.view(units, kept, -1),
        values=value.view(units, kept),
        free_values=torch.maximum(free_value, value).view(units, kept).amax(1),
    )


def ascend(problem: Problem, v: Tensor, index: Tensor, bounded: bool) -> tuple[Tensor, Tensor]:
    """Monotone ascent from each vector (B, D) with its own step length -> (vectors, values)."""
    f, g = problem.value_and_gradient(v, index)
    size = torch.full_like(f, 0.3)
    for _ in range(POLISH_STEPS):
        trial = unit(v + size[:, None] * unit(g))
        if bounded:
            trial = problem.inside(trial)
        value, gradient = problem.value_and_gradient(trial, index)
        up = value > f
        v = torch.where(up[:, None], trial, v)
        g = torch.where(up[:, None], gradient, g)
        f = torch.where(up, value, f)
        size = torch.where(up, size * 2, size * 0.3).clamp(max=1e3)
    return v, f


def _distinct_and_strong(vectors: Tensor, values: Tensor, count: int) -> Tensor:
    """(U, M, D) vectors and (U, M) values -> (U, count) rows to keep.

    In order of their values, those that are DISTINCT from all kept before come first. A unit with
    several equal maxima keeps one at each of them, not only the side that is ahead by rounding.
    """
    picked = []
    for points, strength in zip(vectors, values, strict=True):
        order = strength.argsort(descending=True, stable=True).tolist()
        far = (torch.cdist(points, points) > DISTINCT).tolist()
        first: list[int] = []
        for row in order:
            if all(far[row][other] for other in first):
                first.append(row)
        rest = [row for row in order if row not in set(first)]
        picked.append(sorted((first + rest)[:count]))
    return torch.tensor(picked, device=vectors.device)
