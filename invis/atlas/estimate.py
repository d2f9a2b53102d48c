"""What a sweep will cost: seconds from a few evaluations of each layer, bytes from its images.

A search evaluates its unit and the gradient a known number of times: 96 climbs, most of which are
soon given up, and then the set, an image of which takes about TYPICAL_STEPS steps. So the seconds
of a unit are that number times the seconds of one evaluation, which is measured on this machine,
plus one measurement through the full model and UNIT_SECONDS for the rest. Networks and units
differ: expect it within a factor of two.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from invis.models.unit import Units
from invis.search.engine import RESTARTS
from invis.search.metric import metric_for
from invis.search.problem import ACCELERATOR_BATCH, Problem
from invis.search.reference import EXPLORE_STEPS, POLISH_STEPS, SCHEDULE
from invis.search.settings import Settings
from invis.search.sphere import unit

# Medians over the units of the embedded networks; the paper's objective stops later.
TYPICAL_STEPS = {"set": 170, "paper": 700}
# Steps of the set beside its evaluations, rounding, measuring and writing; on small layers half.
UNIT_SECONDS = 0.05
MOST_IMAGES = 128
REPEATS = 2
# Attributes, activations, course and the record of a unit, beside its images.
OVERHEAD_BYTES = 4000
HOW = "measured: a few evaluations of each layer here, times those that a typical search takes"


@dataclass(frozen=True)
class Cost:
    """What one unit of a layer is expected to take.

    Attributes:
        seconds: of one worker like this one.
        bytes: in the store.
    """

    seconds: float
    bytes: int


def evaluations(settings: Settings) -> tuple[int, int]:
    """Gradients that a unit takes: while its maxima are climbed, and for its set."""
    stages = sorted({0: RESTARTS, **SCHEDULE}.items())
    ends = [step for step, _ in stages[1:]] + [EXPLORE_STEPS]
    climbs = sum(kept * (end - at) for (at, kept), end in zip(stages, ends, strict=True))
    climbs += 2 * (POLISH_STEPS + 1) * stages[-1][1]
    return climbs, TYPICAL_STEPS[settings.objective] * settings.images


def unit_cost(units: Units, settings: Settings) -> Cost:
    """Measure what a unit of this layer will cost; takes well under a second for small layers."""
    problem = Problem(units.only([0]), metric_for(settings, units.image_shape))
    on_cpu = problem.device.type == "cpu"
    count = min(problem.micro_batch, MOST_IMAGES) if on_cpu else ACCELERATOR_BATCH
    generator = torch.Generator().manual_seed(0)
    v = unit(torch.randn(count, problem.metric.size, generator=generator)).to(problem.device)
    who = torch.zeros(count, dtype=torch.long, device=problem.device)
    gradient = _seconds(lambda: problem.value_and_gradient(v, who), problem.device) / count
    inside = _seconds(lambda: problem.inside(v), problem.device) / count
    images = np.full((settings.images + 2, *_last(units.image_shape)), 128, np.uint8)
    full = _seconds(
        lambda: problem.units.full_responses(images, [0] * len(images)), problem.device, 1
    )
    climb, spread = evaluations(settings)
    seconds = climb * gradient + spread * (gradient + inside) + full + UNIT_SECONDS
    return Cost(seconds, unit_bytes_stored(units.image_shape, settings.images))


def unit_bytes_stored(image_shape: Sequence[int], images: int) -> int:
    """Bytes of a unit in the store, at most: its images hardly compress."""
    return (images + 1) * math.prod(image_shape) + OVERHEAD_BYTES


def _last(shape: Sequence[int]) -> tuple[int, ...]:
    channels, *sides = shape
    return (*sides, channels)


def _seconds(run: Callable[[], object], device: torch.device, repeats: int = REPEATS) -> float:
    """The shortest of a few runs after one that warms up; only one run where that takes long."""
    best = math.inf
    for turn in range(repeats + 1):
        began = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken = time.perf_counter() - began
        if turn or taken > 0.5 or repeats == 0:
            best = min(best, taken)
        if taken > 0.5:
            break
    return best
