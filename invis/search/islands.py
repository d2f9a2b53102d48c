"""Which heaps of a set hang together: walks between them that never leave the floor."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import minimum_spanning_tree
from torch import Tensor

from invis.search.problem import Problem
from invis.search.sphere import tangent
from invis.search.string import MARGIN
from invis.search.walk import STRIDE, stride

MOST_STEPS, PATIENCE = 40, 5
ROUNDS = 2


@dataclass(frozen=True)
class Heaped:
    """A set that lies in heaps.

    Attributes:
        unit: which one of the problem.
        best: a*.
        alpha: the floor.
        vectors: (N, D) the images.
        heaps: (N,) the heap of each.
    """

    unit: int
    best: float
    alpha: float
    vectors: Tensor
    heaps: NDArray[np.int64]


def islands_steps(problem: Problem, sets: Sequence[Heaped]) -> Generator[float, None, list[int]]:
    """How many islands the heaps of each set are, joined by walks; yields the share that ended.

    Walks are tried between heaps that are close to each other, as a minimum spanning tree has them;
    then the other way between what is still apart. What no walk joins may still be joined by a
    longer way, so the islands are an upper bound.
    """
    labels = [one.heaps.copy() for one in sets]
    for turn in range(ROUNDS):
        tried = [(k, i, j) for k, one in enumerate(sets) for i, j in _edges(one, labels[k])]
        if not tried:
            break
        tried = [(k, j, i) for k, i, j in tried] if turn else tried
        arrived = yield from _walk_steps(problem, [sets[k] for k, _, _ in tried], tried)
        for (k, i, j), there in zip(tried, arrived.tolist(), strict=True):
            if there:
                labels[k][labels[k] == labels[k][j]] = labels[k][i]
    return [len(np.unique(one)) for one in labels]


def _edges(one: Heaped, labels: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The closest pairs of images along a minimum spanning tree of the heaps."""
    kinds = np.unique(labels)
    if len(kinds) < 2:
        return []
    apart = torch.cdist(one.vectors, one.vectors).cpu().numpy().astype(np.float64)
    between = np.zeros((len(kinds), len(kinds)))
    pairs = {}
    for a in range(len(kinds)):
        for b in range(a):
            mine, others = np.flatnonzero(labels == kinds[a]), np.flatnonzero(labels == kinds[b])
            block = apart[np.ix_(mine, others)]
            i, j = np.unravel_index(int(block.argmin()), block.shape)
            between[a, b] = block[i, j]
            pairs[a, b] = int(mine[i]), int(others[j])
    tree = minimum_spanning_tree(between + between.T).tocoo()
    return [
        pairs[max(int(a), int(b)), min(int(a), int(b))]
        for a, b in zip(tree.row, tree.col, strict=True)
    ]


def _walk_steps(
    problem: Problem, sets: Sequence[Heaped], pairs: Sequence[tuple[int, int, int]]
) -> Generator[float, None, Tensor]:
    """Walk from image i to j of each set; yields the share that ended; (B,) who arrived."""
    device = problem.device
    at = torch.stack([one.vectors[i] for one, (_, i, _) in zip(sets, pairs, strict=True)])
    goals = torch.stack([one.vectors[j] for one, (_, _, j) in zip(sets, pairs, strict=True)])
    who = torch.tensor([one.unit for one in sets], device=device)
    floor = torch.tensor([one.alpha for one in sets]).to(at) + MARGIN
    grey = problem.grey_response[who]
    scale = torch.tensor([one.best for one in sets]).to(at) - grey
    arrived = torch.zeros(len(at), dtype=torch.bool, device=device)
    closest = at.new_full((len(at),), torch.inf)
    since = at.new_zeros(len(at))
    rows = torch.arange(len(at), device=device)
    for _ in range(MOST_STEPS):
        here, goal = at[rows], goals[rows]
        f, slope = problem.value_and_gradient(here, who[rows])
        fraction = (f - grey[rows]) / scale[rows]
        slope = tangent(slope, here) / scale[rows][:, None]
        above = fraction >= floor[rows] - 1.5 * MARGIN
        left = torch.where(above, (goal - here).norm(dim=1), torch.inf)
        nearer = left < closest[rows] - STRIDE / 20
        since[rows] = torch.where(nearer, 0.0, since[rows] + 1)
        closest[rows] = torch.minimum(closest[rows], left)
        arrived[rows] = left <= STRIDE
        ahead = problem.inside(stride(here, goal, fraction, slope, floor[rows]))
        at = at.index_copy(0, rows, ahead)
        rows = rows[~arrived[rows] & (since[rows] <= PATIENCE)]
        yield 1 - len(rows) / len(at)
        if not len(rows):
            break
    return arrived
