"""Where distances are taken: in the metric, or between features of an earlier layer."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from invis.search.features import Features
from invis.search.problem import Problem
from invis.search.sphere import (
    nearest_distance,
    nearest_distances,
    neighbour_weights,
    push,
    unit,
)

# Length of the longest push in feature space, pushes in the metric have about this size.
LONGEST_PUSH = 0.7
# Closer images count as one; each leaves in a direction of its own, by so much.
SAME, PARTING = 1e-3, 0.3


class Space(Protocol):
    """How a set is looked at and driven apart; B = U N images, a unit's rows together."""

    def look(self, v: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Responses (B,) of the images v (B, D), and their gradients (B, D)."""
        ...

    def hold(self, feasible: Tensor) -> None:
        """The images that were looked at last are now the places held, where feasible (B,)."""
        ...

    def copy(self, source: int, rows: Tensor) -> None:
        """The images of some rows are replaced by the one of row `source`."""
        ...

    def away(self, held: Tensor) -> Tensor:
        """(B, D) the direction in which each held image leaves its neighbours."""
        ...

    def distance(self, held: Tensor) -> Tensor:
        """(U,) mean distance to the nearest neighbour."""
        ...

    def only(self, rows: Tensor) -> Space:
        """The same for some of the images."""
        ...


class Plain:
    """Distance in the metric."""

    def __init__(self, problem: Problem, images: int) -> None:
        self.problem, self.images = problem, images
        generator = torch.Generator().manual_seed(0)
        size = (images, problem.metric.size)
        directions = torch.randn(size, generator=generator, dtype=torch.float32)
        self._parting = PARTING * unit(directions).to(problem.device)

    def look(self, v: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        return self.problem.value_and_gradient(v, rows)

    def hold(self, feasible: Tensor) -> None:
        pass

    def copy(self, source: int, rows: Tensor) -> None:
        pass

    def away(self, held: Tensor) -> Tensor:
        sets = held.view(-1, self.images, held.shape[1])
        # Images at one place are pushed nowhere, and would never part.
        alone = nearest_distances(sets)[..., None] > SAME
        return torch.where(alone, push(sets, sets), self._parting).flatten(0, 1)

    def distance(self, held: Tensor) -> Tensor:
        return nearest_distance(held.view(-1, self.images, held.shape[1]))

    def only(self, rows: Tensor) -> Plain:
        return self


class FeatureSpace:
    """Euclidean distance between features over the root of their number.

    The push of an image is pulled back through the features at the place where it was looked at,
    against the features that its neighbours held then.
    """

    def __init__(
        self, problem: Problem, images: int, features: Features, held: Tensor, pushes: Tensor,
        longest: Tensor,
    ) -> None:  # fmt: skip
        self.problem, self.images, self.features = problem, images, features
        self.held, self.pushes, self.longest = held, pushes, longest
        self.seen = (held, pushes)

    @classmethod
    def at(cls, problem: Problem, images: int, features: Features, places: Tensor) -> FeatureSpace:
        """Of images that are at these places (B, D), not yet pushed."""
        held = problem.run(lambda v: (features(problem.image(v)).detach(),), places)[0]
        longest = places.new_zeros(len(places) // images)
        return cls(problem, images, features, held, torch.zeros_like(places), longest)

    def look(self, v: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        neighbours = torch.arange(len(v), device=v.device) // self.images
        sets = self.held.view(-1, self.images, self.held.shape[1])
        place = torch.arange(len(v), device=v.device) % self.images

        def run(part: Tensor, who: Tensor, group: Tensor, at: Tensor) -> tuple[Tensor, ...]:
            part = part.detach().requires_grad_()
            x = self.problem.image(part)
            f = self.problem.respond(x, who)
            (slope,) = torch.autograd.grad(f.sum(), part, retain_graph=True)
            phi = self.features(x)
            now = sets[group].clone()
            now[torch.arange(len(at)), at] = phi.detach()
            shares = neighbour_weights(now, now)[torch.arange(len(at)), at]
            target = phi.detach() - (shares[:, None, :] @ now)[:, 0]
            (pulled,) = torch.autograd.grad((phi * target).sum(), part)
            return f.detach(), slope, phi.detach(), pulled

        f, slope, phi, pulled = self.problem.run(run, v, rows, neighbours, place)
        self.seen = (phi, pulled)
        return f, slope

    def hold(self, feasible: Tensor) -> None:
        phi, pulled = self.seen
        self.held = torch.where(feasible[:, None], phi, self.held)
        self.pushes = torch.where(feasible[:, None], pulled, self.pushes)

    def copy(self, source: int, rows: Tensor) -> None:
        # Their pushes stay: copies that are pushed alike would never part.
        self.held[rows] = self.held[source].clone()

    def away(self, held: Tensor) -> Tensor:
        lengths = self.pushes.norm(dim=1).view(-1, self.images).amax(1)
        self.longest = torch.maximum(self.longest, lengths)
        scale = (LONGEST_PUSH / self.longest.clamp_min(1e-20)).repeat_interleave(self.images)
        return self.pushes * scale[:, None]

    def distance(self, held: Tensor) -> Tensor:
        sets = self.held.view(-1, self.images, self.held.shape[1])
        return nearest_distance(sets) / sets.shape[2] ** 0.5

    def only(self, rows: Tensor) -> FeatureSpace:
        units = rows[:: self.images] // self.images
        return FeatureSpace(
            self.problem, self.images, self.features, self.held[rows], self.pushes[rows],
            self.longest[units],
        )  # fmt: skip
