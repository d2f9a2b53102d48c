"""Response curves under families of transformations, each beside the matched linear unit's.

The matched null is the linear unit whose filter is the reference: to it an image x counts
x.r / |r|^2, whatever the unit does, and its invariant sets are the reference with any noise that is
orthogonal to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.probe.family import Family, Members
from invis.probe.gratings import Respond

# Sets of the linear unit, for the scatter of what a family explains by chance.
NULL_SETS = 20


@dataclass(frozen=True, eq=False)
class Curve:
    """One family. Responses are above grey, as a share of the reference's.

    Attributes:
        family: of the transformations.
        values: (V,) of the parameter, or (V, 2) rows and columns of a shift.
        response: (V,) to the transformed reference.
        null: (V,) the linear unit's.
        set_values: (S,) or (S, 2) parameter values at which the set was transformed.
        set_response: (N, S) to each transformed image of the set.
        explained: share of the set's squared distance from the reference that the best member of
            the family removes.
        explained_null: (20,) the same for sets of the linear unit, with the same N and beta.
    """

    family: Family
    values: NDArray[np.float32]
    response: NDArray[np.float32]
    null: NDArray[np.float32]
    set_values: NDArray[np.float32]
    set_response: NDArray[np.float32]
    explained: float
    explained_null: NDArray[np.float64]


def curve(
    family: Family,
    members: Members,
    shown: list[Members],
    respond: Respond,
    vectors: Callable[[Tensor], Tensor],
    reference: Tensor,
    images: Tensor,
    nulls: Tensor,
) -> Curve:
    """The curve of a family.

    Args:
        family: of the transformations.
        members: the reference's.
        shown: those of each image of the set, at fewer values.
        respond: as for `tune`.
        vectors: images (B, C, h, w) -> (B, D), between which distances are those of the search.
        reference: (D,).
        images: (N, D) the set.
        nulls: (M, N, D) sets of the linear unit.
    """
    norm = reference.square().sum()
    moved = vectors(members.images)
    count = len(shown[0].values)
    responses = respond(torch.cat([one.images for one in shown])).view(len(shown), count)
    # Sets keep the contrast, so a change of it reaches nothing: shrinking towards grey would only
    # seem to.
    reached = moved if family.keeps_norm else reference[None]
    return Curve(
        family,
        members.values.numpy(),
        respond(members.images).numpy(),
        (moved @ reference / norm).numpy(),
        shown[0].values.numpy(),
        responses.numpy(),
        explained(images, reference, reached),
        np.array([explained(one, reference, reached) for one in nulls]),
    )


def explained(images: Tensor, reference: Tensor, reached: Tensor) -> float:
    """The share of squared distance (N) from the reference that the best of `reached` removes.

    Args:
        images: (N, D).
        reference: (D,).
        reached: (V, D).
    """
    squared = torch.cdist(images, torch.cat([reference[None], reached])).square()
    return float(1 - squared.amin(1).sum() / squared[:, 0].sum().clamp(min=1e-12))


def null_sets(reference: Tensor, count: int, beta: float, seed: int) -> Tensor:
    """(20, N, D) sets of the linear unit: beta along the reference (D,), the rest random."""
    generator = torch.Generator().manual_seed(seed)
    random = torch.randn(NULL_SETS * count, len(reference), generator=generator)
    along = reference / reference.norm()
    random = random - (random @ along)[:, None] * along
    random = random / random.norm(dim=1, keepdim=True)
    rows = beta * along + math.sqrt(1 - beta**2) * random
    return (rows * reference.norm()).view(NULL_SETS, count, -1)
