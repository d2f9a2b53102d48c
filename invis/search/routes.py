"""A set as a graph: which images a walk above the floor connects, and ways through the others."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import csgraph_from_dense, dijkstra
from torch import Tensor

from invis.search.string import Strings, great_circle, lengths
from invis.search.walk import walk_steps

# Looked at along each great circle between two images, and what a lack of response costs there:
# a stretch at fraction 0 is as long as this many of its lengths.
LOOKS = 17
TOLL = 8.0
# Walks from each image to its nearest ones; all pairs of the usual small sets.
NEIGHBOURS = 12


@dataclass(frozen=True)
class Survey:
    """What lies between the images of a set.

    Attributes:
        points: (N, D) the images as unit vectors.
        straight: (N, N) the lowest fraction along each great circle.
        toll: (N, N) its length, longer where it lies below the floor.
        walked: (N, N) the length of the shorter walk between two images, infinite without one.
        trails: of each pair that a walk connects, its places (S, D) in this direction.
    """

    points: Tensor
    straight: NDArray[np.float64]
    toll: NDArray[np.float64]
    walked: NDArray[np.float64]
    trails: dict[tuple[int, int], Tensor]

    def islands(self) -> list[int]:
        """For each image, the smallest image that walks connect it with."""
        found = list(range(len(self.walked)))
        for i, j in np.argwhere(np.isfinite(self.walked)).tolist():
            low, high = sorted((found[i], found[j]))
            found = [low if one == high else one for one in found]
        return found

    def trail(self, way: list[int]) -> Tensor:
        """(S, D) the places along the walks from image to image."""
        return torch.cat([self.trails[a, b] for a, b in pairwise(way)])


def survey_steps(strings: Strings, points: Tensor) -> Generator[float, None, Survey]:
    """Walk between all images (N, D), at most NEIGHBOURS of each; yields the share that arrived.

    Args:
        strings: any strings of the unit: they know its floor.
        points: the images as unit vectors.
    """
    count = len(points)
    straight, toll, walked = np.full((3, count, count), np.inf)
    for i in range(count - 1):
        rest = range(i + 1, count)
        lines = torch.stack([great_circle(points[[i, j]], LOOKS) for j in rest])
        fractions = strings.fractions(lines)
        missing = (strings.alpha - fractions).clamp_min(0).mean(1)
        long = lengths(lines).sum(1)
        straight[i, i + 1 :] = straight[i + 1 :, i] = fractions.amin(1).cpu().numpy()
        toll[i, i + 1 :] = toll[i + 1 :, i] = (long * (1 + TOLL * missing)).cpu().numpy()
        yield 0.0
    apart = torch.cdist(points, points).cpu().numpy()
    near = np.argsort(np.argsort(apart, 1), 1) <= NEIGHBOURS
    tried = [(i, j) for i, j in permutations(range(count), 2) if near[i, j] or near[j, i]]
    starts, goals = (torch.tensor(column) for column in zip(*tried, strict=True))
    found = yield from walk_steps(strings, points[starts], points[goals])
    trails: dict[tuple[int, int], Tensor] = {}
    for (i, j), trail in zip(tried, found, strict=True):
        length = math.inf if trail is None else float(lengths(trail[None]).sum())
        if trail is not None and length < walked[i, j]:
            walked[i, j] = walked[j, i] = length
            trails[i, j], trails[j, i] = trail, trail.flip(0)
    return Survey(points, straight, toll, walked, trails)


def cheapest(cost: NDArray[np.float64], first: int, last: int) -> list[int] | None:
    """The path of least total cost (Dijkstra, 1959) in a graph of costs (N, N), infinite for none.

    None where there is no path.
    """
    # Images that are the same are joined at no cost, which a dense graph takes for no way.
    graph = csgraph_from_dense(cost, null_value=np.inf)
    paid, before = dijkstra(graph, indices=first, return_predecessors=True)
    if not np.isfinite(paid[last]):
        return None
    way = [last]
    while way[-1] != first:
        way.append(int(before[way[-1]]))
    return way[::-1]


def ways(survey: Survey, first: int, last: int) -> list[list[int]]:
    """Where no walk leads: straight, the way of least toll, and through each single image."""
    others = [k for k in range(len(survey.toll)) if k not in (first, last)]
    found = [[first, last], cheapest(survey.toll, first, last) or [first, last]]
    found += [[first, k, last] for k in others]
    return [list(way) for way in dict.fromkeys(tuple(way) for way in found)]
