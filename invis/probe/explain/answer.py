"""What a unit answers to images on the sphere, and what the matched linear unit would."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from invis.search.problem import Problem
from invis.search.sphere import tangent, unit


class Answer(Protocol):
    """Responses above grey as a share of the reference's, to unit vectors (B, D)."""

    def value(self, vectors: Tensor) -> Tensor:
        """(B,) fractions."""

    def value_and_gradient(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """(B,) fractions and their gradients (B, D)."""


class UnitAnswer:
    """A unit's.

    Args:
        problem: of the unit.
        reference: (D,) unit vector whose response counts as 1.
        index: of the unit among the problem's.
    """

    def __init__(self, problem: Problem, reference: Tensor, index: int = 0) -> None:
        self._problem, self._index = problem, index
        self._grey = float(problem.grey_response[index])
        self._span = float(problem.value(reference[None], self._who(1))[0]) - self._grey

    def value(self, vectors: Tensor) -> Tensor:
        found = self._problem.value(vectors, self._who(len(vectors)))
        return (found - self._grey) / self._span

    def value_and_gradient(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        found, slope = self._problem.value_and_gradient(vectors, self._who(len(vectors)))
        return (found - self._grey) / self._span, slope / self._span

    def respond(self, images: Tensor) -> Tensor:
        """(B,) fractions of images (B, C, h, w), deviations from grey in grey levels."""
        found = self._problem.image_value(images, self._who(len(images)))
        return (found - self._grey) / self._span

    def _who(self, count: int) -> Tensor:
        return torch.full((count,), self._index, dtype=torch.long, device=self._problem.device)


class LinearAnswer:
    """That of the linear unit whose filter is the reference: the overlap with it."""

    def __init__(self, reference: Tensor) -> None:
        self._reference = reference

    def value(self, vectors: Tensor) -> Tensor:
        return vectors @ self._reference

    def value_and_gradient(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        return vectors @ self._reference, self._reference.expand_as(vectors)


def around(reference: Tensor, overlap: Tensor, generator: torch.Generator) -> Tensor:
    """(B, D) random unit vectors with a given overlap (B,) with a reference (D,).

    With the overlap at the floor they are what the linear unit's sets are made of.
    """
    noise = torch.randn(len(overlap), len(reference), generator=generator).to(reference)
    away = unit(tangent(noise, reference.expand_as(noise)))
    along = overlap[:, None] * reference
    return along + (1 - overlap.square()).clamp(min=0).sqrt()[:, None] * away
