"""Walks inside {f >= alpha}: from one image straight towards another, around what is below."""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor

from invis.search.sphere import dot, tangent, unit
from invis.search.string import MARGIN, SLOPE_FLOOR, Strings

STRIDE, LONGEST_LIFT = 0.12, 0.15
MOST_STEPS = 120
# Within this fraction above the floor a stride may not lead down.
CLOSE = 0.02


def walk_steps(
    strings: Strings, starts: Tensor, goals: Tensor
) -> Generator[float, None, list[Tensor | None]]:
    """Walk from each start (B, D) to its goal (B, D); yields the share of all walks that arrived.

    A stride goes towards the goal; near the floor, only along it. Where it lands below, Newton
    steps along the gradient lead back. So a walk turns around obstacles that the great circle runs
    into, and is stuck where no direction leads nearer.

    Returns:
        For each, the places (S, D) above the floor that it was at, both ends among them, or None
        where it did not arrive. Neighbouring places are about STRIDE apart, in units of R.
    """
    problem, floor = strings.problem, strings.alpha + MARGIN
    at, trails = starts, [[start] for start in starts]
    arrived = torch.zeros(len(at), dtype=torch.bool, device=at.device)
    for _ in range(MOST_STEPS):
        who = torch.zeros(int((~arrived).sum()), dtype=torch.long, device=at.device)
        rows = (~arrived).nonzero()[:, 0]
        here, goal = at[rows], goals[rows]
        f, slope = problem.value_and_gradient(here, who)
        fraction = (f - strings.grey) / strings.span
        slope = tangent(slope, here) / strings.span
        above = fraction >= floor - MARGIN / 2
        for row, place, good in zip(rows.tolist(), here, above.tolist(), strict=True):
            if good:
                trails[row].append(place)
        left = (goal - here).norm(dim=1)
        arrived[rows] = above & (left <= STRIDE)
        yield float(arrived.float().mean())
        if arrived.all():
            break
        at = at.index_copy(0, rows, problem.inside(stride(here, goal, fraction, slope, floor)))
    return [
        torch.stack([*trail, goal]) if there else None
        for trail, goal, there in zip(trails, goals, arrived.tolist(), strict=True)
    ]


def stride(
    here: Tensor, goal: Tensor, fraction: Tensor, slope: Tensor, floor: Tensor | float
) -> Tensor:
    """The next places (B, D) of walks to their goals (B, D), before the pixel range.

    Args:
        fraction: (B,) at the places where they are.
        slope: (B, D) its gradient along the sphere.
        floor: aimed at, of all or (B,) of each, MARGIN above the one that is kept.
    """
    steep = slope.norm(dim=1).clamp_min(SLOPE_FLOOR)
    up = slope / steep[:, None]
    towards = tangent(goal - here, here)
    down = torch.where(fraction < floor + CLOSE, dot(towards, up).clamp(max=0), 0.0)
    length = (goal - here).norm(dim=1).clamp(max=STRIDE)
    ahead = unit(towards - down[:, None] * up) * length[:, None]
    lift = ((floor - fraction) / steep).clamp(0, LONGEST_LIFT)
    above = fraction >= floor - MARGIN / 2
    return unit(here + torch.where(above[:, None], ahead, lift[:, None] * up))
