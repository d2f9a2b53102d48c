"""How many fit: sets of images that all keep a distance and a floor, grown one by one.

An index saturates with the number of images; how many fit does not. New images start beside those
that are there, are pushed away along the level set, and stay where they are far enough from all.
As every greedy packing it is a lower bound; the linear unit's is the upper bound of
`invis.search.tolerance.packing_limit`.
"""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor
from torch.nn.functional import pdist

from invis.search.problem import Problem
from invis.search.reference import random_starts
from invis.search.sphere import dot, tangent, unit

# At this distance, in units of R, directions are 60 degrees apart; a linear unit that keeps 0.9 has
# one image.
DISTANCE = 1.0
MOST_IMAGES = 32
TRIES = 3
PATIENCE = 24
FIRST_STEP, LAST_STEP = 0.4, 0.08
JITTER = 0.5
LONGEST_LIFT, LONGEST_DESCENT = 0.3, 0.1
MARGIN, OVERSHOOT = 0.002, 0.02
POWER = 8.0
SLOPE_FLOOR = 1e-12


def packing_steps(
    problem: Problem,
    units: Tensor,
    best: Tensor,
    alpha: float,
    starts: Tensor,
    generators: list[torch.Generator],
    distance: float = DISTANCE,
    most: int = MOST_IMAGES,
) -> Generator[float, None, list[Tensor]]:
    """Grow a packing for each unit; yields the share of units that have ended.

    Args:
        units: (U,) which unit of the problem.
        best: (U,) a*.
        alpha: the floor.
        starts: (U, N, D) a set above the floor; all of it is taken where it is wide enough.
            Otherwise its first image, as a loose packing would leave gaps that nothing fits, and
            others where nothing fits any more beside those that are there.
        generators: one a unit.
        distance: of all pairs at least, in units of R.
        most: where to stop.

    Returns:
        (K, D) the images of each unit.
    """
    count = len(units)
    packed = [one[:most] if float(pdist(one).min()) >= distance else one[:1] for one in starts]
    growing = [k for k in range(count) if len(packed[k]) < most]
    fresh, clock = set(growing), dict.fromkeys(growing, 0)
    at = starts.new_zeros(count, TRIES, starts.shape[2])
    while growing:
        for k in growing:
            if k in fresh:
                at[k] = _starts(problem, packed[k], generators[k])
        fresh = set()
        rows = torch.tensor(growing, device=starts.device)
        who = units[rows].repeat_interleave(TRIES)
        v = problem.inside(at[rows].flatten(0, 1))
        f, slope = problem.value_and_gradient(v, who)
        g = problem.grey_response[who]
        scale = best[rows].repeat_interleave(TRIES) - g
        fraction = (f - g) / scale
        slope = tangent(slope, v) / scale[:, None]
        steep = slope.norm(dim=1).clamp_min(SLOPE_FLOOR)
        up = slope / steep[:, None]
        away, near = zip(
            *(_away(one, packed[k]) for k, one in zip(growing, v.split(TRIES), strict=True)),
            strict=True,
        )
        closest = torch.cat(near)
        arrived = ((fraction >= alpha) & (closest >= distance)).view(-1, TRIES).cpu()
        late = torch.tensor([clock[k] / PATIENCE for k in growing], device=v.device)
        size = (FIRST_STEP * (LAST_STEP / FIRST_STEP) ** late).repeat_interleave(TRIES)
        outward = tangent(torch.cat(away), v)
        outward = unit(outward - dot(outward, up)[:, None] * up)
        # Who is far enough has only to climb.
        missing = distance - closest
        size = torch.where(missing > 0, torch.minimum(size, missing + OVERSHOOT), 0.0)
        lift = ((alpha + MARGIN - fraction) / steep).clamp(-LONGEST_DESCENT, LONGEST_LIFT)
        at[rows] = unit(v + size[:, None] * outward + lift[:, None] * up).view(
            -1, TRIES, v.shape[1]
        )
        staying = []
        for j, k in enumerate(growing):
            clock[k] += 1
            if arrived[j].any():
                # The tightest fit leaves most room.
                gap = torch.where(arrived[j], closest.view(-1, TRIES)[j].cpu(), torch.inf)
                new = v.view(-1, TRIES, v.shape[1])[j, int(gap.argmin())]
                packed[k] = torch.cat([packed[k], new[None]])
                fresh.add(k)
                clock[k] = 0
            elif clock[k] == PATIENCE:
                there = torch.cdist(starts[k], packed[k]).amin(1)
                fits = torch.where(there >= distance, there, torch.inf)
                if bool((there >= distance).any()):
                    packed[k] = torch.cat([packed[k], starts[k][fits.argmin()][None]])
                    fresh.add(k)
                    clock[k] = 0
            if clock[k] < PATIENCE and len(packed[k]) < most:
                staying.append(k)
        growing = staying
        yield 1 - len(growing) / count
    return packed


def _starts(problem: Problem, packed: Tensor, generator: torch.Generator) -> Tensor:
    """(TRIES, D) places beside images that are there."""
    chosen = torch.randint(len(packed), (TRIES,), generator=generator).to(packed.device)
    return unit(packed[chosen] + JITTER * random_starts(problem, TRIES, generator))


def _away(v: Tensor, packed: Tensor) -> tuple[Tensor, Tensor]:
    """(M, D) the direction that leads each image from the nearest (K, D), and (M,) how near."""
    apart = torch.cdist(v, packed)
    near = apart.amin(1)
    weights = (near[:, None].clamp_min(1e-6) / apart.clamp_min(1e-6)) ** (POWER + 2)
    weights = weights / weights.sum(1, keepdim=True)
    return v - weights @ packed, near
