"""Pulling strings taut, until nothing changes, and choosing among them."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from invis.search.morph_result import ROUNDING
from invis.search.problem import Problem
from invis.search.reference import random_starts
from invis.search.sphere import unit
from invis.search.string import MARGIN, Strings

SETTLE_STEPS = 24
LOOK_STEPS, CALM_LOOKS = 10, 2
# Less change than this, from look to look, is none; passes shiver more than floors.
STILL, STILL_ON_PASS = 2e-3, 0.02
BOW = 0.1
# A string this little below the floor is lifted; one that is lower lies on a pass.
SHORT = 0.05
# Passes this close in height count as equal.
ALIKE = 0.02


@dataclass(frozen=True)
class Pulled:
    """Attributes:
    strings: as they were left.
    best: which of them is the best.
    kept: (1, K, D) the best string when it was last seen above the floor, or as it began.
    steps: taken.
    """

    strings: Strings
    best: int
    kept: Tensor
    steps: int


def pull_steps(strings: Strings, most: int) -> Generator[tuple[int, float, float], None, Pulled]:
    """Pull until the best string no longer changes.

    Yields after every step how many there were, the share of `most`, and the lowest fraction of the
    best string when the strings were last looked at.
    """
    before: tuple[float, float] | None = None
    calm, step = 0, 0
    lowest, long = strings.look()
    best = best_of(lowest, long, strings.alpha)
    kept = strings.nodes[best : best + 1]
    for step in range(1, most + 1):
        strings.step()
        yield step, step / most, float(lowest[best])
        if step % LOOK_STEPS:
            continue
        lowest, long = strings.look()
        best = best_of(lowest, long, strings.alpha)
        if float(lowest[best]) >= strings.alpha - ROUNDING:
            kept = strings.nodes[best : best + 1]
        now = (min(float(lowest[best]), strings.alpha), float(long[best]))
        still = STILL if now[0] >= strings.alpha else STILL_ON_PASS
        same = before is not None and all(
            abs(a - b) < still * max(abs(b), 0.5) for a, b in zip(now, before, strict=True)
        )
        calm, before = calm + 1 if same else 0, now
        if calm == CALM_LOOKS:
            break
    return Pulled(strings, best, kept, step)


def settle_steps(strings: Strings) -> Generator[tuple[int, float, float], None, Strings]:
    """The best of several strings, after lifting what resampling has let sink.

    A string that lies lower is on a pass, and stays as it is. Yields as `pull_steps`.
    """
    lowest, long = strings.look()
    near = (lowest >= strings.alpha - SHORT).nonzero()[:, 0].tolist()
    if not near:
        return strings.only([best_of(lowest, long, strings.alpha)])
    lifted = strings.only(near)
    for step in range(1, SETTLE_STEPS + 1):
        lifted.step(tension=0.0)
        weakest = float(lifted.fraction[:, 1:-1].min())
        yield step, step / SETTLE_STEPS, weakest
        if weakest >= strings.alpha + 0.8 * MARGIN:
            break
    return lifted.only([best_of(*lifted.look(), strings.alpha)])


def best_of(lowest: Tensor, long: Tensor, alpha: float) -> int:
    """The shortest string among those above the floor; where none is, among the highest."""
    floor = min(alpha - ROUNDING, float(lowest.max()) - ALIKE)
    return int(torch.where(lowest >= floor, long, torch.inf).argmin())


def bowed(problem: Problem, starts: Tensor, seed: int) -> Tensor:
    """Strings (B, K, D) a little to one side: between opposite images a straight one is stuck."""
    generator = torch.Generator().manual_seed(seed)
    aside = random_starts(problem, len(starts), generator)[:, None]
    bow = (torch.linspace(0, math.pi, starts.shape[1], device=starts.device)).sin()[:, None]
    moved = unit(starts + BOW * bow * aside)
    return torch.cat([starts[:, :1], moved[:, 1:-1], starts[:, -1:]], 1)
