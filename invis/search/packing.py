"""How many fit: sets of images that all keep a distance and a floor, grown one by one.

An index saturates with the number of images; how many fit does not. One image more comes in where
there is most room, all are pushed apart as in a search, and it stays if all are far enough apart
in the end. As every packing that was found it is a lower bound; the linear unit's is the upper
bound of `invis.search.tolerance.packing_limit`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from invis.search.diverse import LAST_MARGIN, placed
from invis.search.problem import Problem
from invis.search.reference import random_starts
from invis.search.sphere import nearest_distances, unit

# At this distance, in units of R, directions are 60 degrees apart; a linear unit that keeps 0.9 has
# one image.
DISTANCE = 1.0
MOST_IMAGES = 24
# More steps let a few more in and cost in proportion.
PATIENCE = 10
JITTER = 0.1


@dataclass(frozen=True)
class Packable:
    """The units whose images are packed; U of them.

    Attributes:
        units: (U,) which unit of the problem.
        best: (U,) a*.
        reference: (U, D) its image.
        alpha: the floor.
        sets: (U, N, D) sets above it.
        known: (U, M, D) other places above it.
    """

    problem: Problem
    units: Tensor
    best: Tensor
    reference: Tensor
    alpha: float
    sets: Tensor
    known: Tensor


def packing_steps(
    given: Packable,
    generators: list[torch.Generator],
    distance: float = DISTANCE,
    most: int = MOST_IMAGES,
) -> Generator[float, None, list[Tensor]]:
    """Grow a packing for each unit; yields the share of units that have ended.

    From the whole set where it is wide enough, otherwise from the reference.

    Args:
        generators: one a unit.
        distance: of all pairs at least, in units of R.
        most: where to stop.

    Returns:
        (K, D) the images of each unit.
    """
    count = len(given.units)
    packed: list[Tensor] = [given.reference[k][None] for k in range(count)]
    wide = nearest_distances(given.sets).amin(1) >= distance
    ended = 0
    for rows, start in (
        (wide.nonzero()[:, 0], given.sets[:, :most]),
        ((~wide).nonzero()[:, 0], given.reference[:, None]),
    ):
        images = start[rows]
        while len(rows):
            for k, one in zip(rows.tolist(), images, strict=True):
                packed[k] = one
            if images.shape[1] >= most:
                ended += len(rows)
                break
            before = len(rows)
            rows, images = yield from _one_more(given, rows, images, generators, distance)
            ended += before - len(rows)
            yield ended / count
    return packed


def _one_more(
    given: Packable,
    rows: Tensor,
    images: Tensor,
    generators: list[torch.Generator],
    distance: float,
) -> Generator[float, None, tuple[Tensor, Tensor]]:
    """Which units take another image, and their images (K, N + 1, D) then."""
    count = images.shape[1] + 1
    known = given.known[rows]
    apart = torch.cdist(known, images).amin(2)
    new = known[torch.arange(len(rows), device=rows.device), apart.argmax(1)]
    held = torch.cat([images, new[:, None]], 1)
    moving = held.clone()
    for k, row in enumerate(rows.tolist()):
        noise = random_starts(given.problem, 1, generators[row])[0]
        moving[k, -1] = unit(new[k] + JITTER * noise)
    who, best = given.units[rows], given.best[rows]
    grey = given.problem.grey_response[who]
    f = given.problem.value(held.flatten(0, 1), who.repeat_interleave(count))
    fractions = (f.view(held.shape[:2]) - grey[:, None]) / (best - grey)[:, None]
    sets = placed(
        given.problem, given.alpha, count, who, best, given.reference[rows], held.flatten(0, 1),
        fractions.flatten(), moving.flatten(0, 1),
    )  # fmt: skip
    sets.margin.fill_(LAST_MARGIN)
    place, fits = torch.arange(len(rows)), torch.zeros(len(rows), dtype=torch.bool)
    for _ in range(PATIENCE):
        now = sets.held.view(len(place), count, -1)
        there = (nearest_distances(now).amin(1) >= distance).cpu()
        held[place[there]] = now[there.to(now.device)]
        fits[place[there]] = True
        if there.any():
            place = place[~there]
            sets = sets.only((~there).nonzero()[:, 0])
        if not len(place):
            break
        sets.step()
        yield 0.0
    kept = fits.to(rows.device)
    return rows[kept], held[kept]
