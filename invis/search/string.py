"""Strings: paths of equally spaced images that are pulled taut along the floor of a unit.

A string runs from one image to another over the sphere of norm R. It moves as a nudged elastic
band does (Henkelman, Uberuaga & Jonsson, 2000, with the equal spacing of the string method of E,
Ren & Vanden-Eijnden, 2007): where a node lies below the floor alpha it climbs along the unit's
gradient, across the path; where it lies above, only the tension acts, which shortens the path; on
the floor the tension keeps its part along the floor. So a string that can be lifted becomes a
shortest path inside {f >= alpha}; one that cannot stays on the mountain pass between its ends, and
its lowest node tells how high the pass is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from invis.search.problem import Problem
from invis.search.sphere import tangent, unit

# Aimed at above the floor: rounding to 8 bits and the bend between two nodes use it up.
MARGIN = 0.005
LONGEST_LIFT, LONGEST_PULL = 0.15, 0.1
# Of the implicit smoothing that is the tension, in nodes squared.
TENSION = 4.0
SLACK = 0.25
DAMPING = 0.1
SLOPE_FLOOR = 1e-9


@dataclass
class Strings:
    """Several strings over the images of one unit.

    Attributes:
        nodes: (B, K, D) unit vectors; the first and last of each string stay where they are.
        alpha: the floor, a fraction of the reference.
        grey, span: g and a* - g.
        fraction: (B, K) of each node when it was last looked at.
    """

    problem: Problem
    nodes: Tensor
    alpha: float
    grey: float
    span: float

    def __post_init__(self) -> None:
        self.fraction = self.fractions(self.nodes)
        count = self.nodes.shape[1]
        bend = 2 * torch.eye(count) - torch.eye(count).roll(1, 0) - torch.eye(count).roll(-1, 0)
        bend[0] = bend[-1] = 0.0
        self._smooth = torch.linalg.inv(torch.eye(count) + TENSION * bend).to(self.nodes)

    def fractions(self, v: Tensor) -> Tensor:
        """(..., D) unit vectors -> (...) fractions of the reference."""
        flat = v.flatten(0, -2)
        f = self.problem.value(flat, torch.zeros(len(flat), dtype=torch.long, device=v.device))
        return ((f - self.grey) / self.span).view(v.shape[:-1])

    def step(self, tension: float = 1.0) -> None:
        """Look at every node once and move it; `tension` 0 only lifts."""
        inner = self.nodes[:, 1:-1]
        shape = inner.shape
        flat = inner.flatten(0, 1)
        who = torch.zeros(len(flat), dtype=torch.long, device=flat.device)
        f, slope = self.problem.value_and_gradient(flat, who)
        fraction = ((f - self.grey) / self.span).view(shape[:2])
        self.fraction[:, 1:-1] = fraction
        along = unit(tangent(self.nodes[:, 2:] - self.nodes[:, :-2], inner))
        slope = tangent(slope.view(shape) / self.span, inner)
        up = _across(slope, along)
        steep = up.norm(dim=-1).clamp_min(SLOPE_FLOOR)
        up = up / steep[..., None]
        missing = self.alpha + MARGIN - fraction
        # Newton's step, damped where the slope runs along the path: there is the pass.
        damped = steep + DAMPING * slope.square().sum(-1) / steep
        lift = (missing / damped).clamp(0, LONGEST_LIFT)
        pull = _across(tangent(self._smooth @ self.nodes - self.nodes, self.nodes)[:, 1:-1], along)
        # On the floor and below it, tension may not pull down.
        down = (pull * up).sum(-1).clamp(max=0)
        pull = pull - torch.where(missing > -MARGIN / 2, down, 0.0)[..., None] * up
        pull = pull * (LONGEST_PULL / pull.norm(dim=-1, keepdim=True).clamp_min(LONGEST_PULL))
        if tension:
            # Neighbours climb together, or the string would crumple on a rugged slope.
            rise = torch.zeros_like(self.nodes)
            rise[:, 1:-1] = lift[..., None] * up
            rise = tangent((self._smooth @ rise)[:, 1:-1], inner)
        else:
            rise = lift[..., None] * up
        slack = torch.where(missing > MARGIN, SLACK, 1.0)[..., None]
        moved = unit(inner + tension * slack * pull + rise)
        moved = self.problem.inside(moved.flatten(0, 1)).view(shape)
        self.nodes = torch.cat([self.nodes[:, :1], moved, self.nodes[:, -1:]], 1)
        if tension:
            self.nodes = spaced(self.nodes, self.nodes.shape[1])

    def look(self) -> tuple[Tensor, Tensor]:
        """(B,) the lowest fraction of each string, between its nodes too, and its length.

        Lengths are in units of R.
        """
        self.fraction = self.fractions(self.nodes)
        share = torch.tensor([0.25, 0.5, 0.75], device=self.nodes.device)[:, None, None, None]
        between = self.fractions(unit(torch.lerp(self.nodes[:, :-1], self.nodes[:, 1:], share)))
        lowest = torch.minimum(self.fraction[:, 1:-1].amin(1), between.amin(2).amin(0))
        return lowest, lengths(self.nodes).sum(1)

    def only(self, rows: list[int], count: int | None = None) -> Strings:
        """Some of the strings, with `count` nodes each."""
        nodes = self.nodes[rows]
        nodes = nodes if count is None else spaced(nodes, count)
        return Strings(self.problem, nodes, self.alpha, self.grey, self.span)


def lengths(nodes: Tensor) -> Tensor:
    """(B, K, D) unit vectors -> (B, K - 1) angles between neighbours: arc lengths in units of R."""
    chords = (nodes[:, 1:] - nodes[:, :-1]).norm(dim=-1)
    return 2 * (chords / 2).clamp(max=1).asin()


def spaced(nodes: Tensor, count: int) -> Tensor:
    """(B, K, D) paths -> (B, count, D) the same paths with equally spaced nodes on the sphere."""
    reached = torch.cat(
        [torch.zeros_like(nodes[:, :1, 0]), (nodes[:, 1:] - nodes[:, :-1]).norm(dim=-1).cumsum(1)],
        1,
    )
    wanted = torch.linspace(0, 1, count, device=nodes.device) * reached[:, -1:]
    after = torch.searchsorted(reached, wanted.contiguous()).clamp(1, nodes.shape[1] - 1)
    start, end = reached.gather(1, after - 1), reached.gather(1, after)
    share = ((wanted - start) / (end - start).clamp_min(1e-12)).clamp(0, 1)[..., None]
    places = after[..., None].expand(-1, -1, nodes.shape[2])
    found = unit((1 - share) * nodes.gather(1, places - 1) + share * nodes.gather(1, places))
    return torch.cat([nodes[:, :1], found[:, 1:-1], nodes[:, -1:]], 1)


def great_circle(stops: Tensor, count: int) -> Tensor:
    """(S, D) unit vectors -> (count, D) equally spaced along the great circles through them."""
    pieces = []
    for a, b in pairwise(list(stops)):
        share = torch.linspace(0, 1, 33, device=stops.device)[:, None]
        angle = (a @ b).clamp(-1, 1).acos()
        if float(angle) < 1e-4:
            pieces.append(torch.lerp(a, b, share))
        else:
            pieces.append(((1 - share) * angle).sin() * a + (share * angle).sin() * b)
    return spaced(unit(torch.cat(pieces))[None], count)[0]


def _across(v: Tensor, along: Tensor) -> Tensor:
    return v - (v * along).sum(-1, keepdim=True) * along
