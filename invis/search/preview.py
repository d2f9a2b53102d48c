"""Looks at a search while it runs: cheap, not measured, for screens only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.search.course import Course
from invis.search.problem import Problem


@dataclass(frozen=True)
class Preview:
    """One unit's set as it stands.

    Attributes:
        address: of the unit.
        images: (N, h, w, C) plainly rounded to 8 bits, in the search's own order.
        reference: (h, w, C) the best image so far.
        grey: (C,) the neutral colour that images deviate from, in grey levels.
        fractions: (N,) as the search sees them, not measured on the full model.
        course: so far; empty while maxima are looked for.
    """

    address: str
    images: NDArray[np.uint8]
    reference: NDArray[np.uint8]
    grey: NDArray[np.float64]
    fractions: NDArray[np.float32]
    course: Course


@torch.no_grad()
def preview(
    problem: Problem, unit: int, vectors: Tensor, reference: Tensor, fractions: Tensor,
    course: Course,
) -> Preview:  # fmt: skip
    """The preview of a unit from its unit vectors (N, D), reference (D,) and fractions (N,)."""
    levels = problem.image(torch.cat([vectors, reference[None]])) - problem.low
    pixels = levels.round().clamp(0, 255).permute(0, 2, 3, 1).to("cpu", torch.uint8).numpy()
    return Preview(
        problem.units.addresses[unit],
        pixels[:-1],
        pixels[-1],
        problem.units.grey.cpu().numpy().astype(np.float64),
        fractions.float().cpu().numpy(),
        course,
    )
