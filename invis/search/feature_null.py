"""The null of a feature distance: the same search on the affine unit given by the gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from invis.search.diverse import start_sets
from invis.search.features import Features
from invis.search.problem import Problem
from invis.search.reference import Maxima, maxima_steps
from invis.search.settings import Settings


def feature_null(
    problem: Problem,
    settings: Settings,
    features: Features,
    unit: int,
    reference: Tensor,
    generator: torch.Generator,
    most_steps: int,
) -> float:
    """How far apart in features a set of the unit's affine approximation can get.

    The unit becomes f(x0) + grad f(x0) . (x - x0) at its reference x0; band, contrast, alpha,
    number of images and features stay.

    Args:
        unit: which unit of the problem.
        reference: (D,) x0.

    Returns:
        Mean distance to the nearest neighbour, in the units of the features.
    """
    at = torch.tensor([unit], device=problem.device)
    origin = problem.image(reference[None])
    f, slope = problem.image_gradient(origin, at)

    def affine(x: Tensor, index: Tensor) -> Tensor:
        return f + ((x - origin) * slope).flatten(1).sum(1)

    linear = Problem(problem.units.only([unit]), problem.metric, affine)
    *_, maxima = maxima_steps(linear, [generator], restarts=4)
    assert isinstance(maxima, Maxima)
    sets = start_sets(
        linear, maxima, torch.zeros(1, dtype=torch.long, device=problem.device), [generator],
        settings.images, settings.alpha, features,
    )  # fmt: skip
    while sets.steps < most_steps and not bool(sets.converged()):
        sets.step()
    return float(sets.distance[0])
