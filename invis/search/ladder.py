"""The sets of a batch of units at several floors, each started from the others.

Down the ladder a set stays feasible, so no floor has a less diverse set than a higher one. Up the
ladder every image climbs from where it is, by Newton steps along its own gradient. One reference
counts for all floors: a stronger image that is met at one of them counts at the others too.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from invis.search.diverse import JITTER, LAST_MARGIN, Sets, placed, start_sets
from invis.search.problem import Problem
from invis.search.reference import Maxima, random_starts
from invis.search.result import LAST_BOX_PASSES
from invis.search.sphere import nearest_distance, tangent, unit

MOST_CLIMBS = 24
LONGEST_CLIMB, CLIMB_MARGIN = 0.3, 0.002
SHORTER = 0.4
SLOPE_FLOOR = 1e-12
STEPS_PER_LOOK = 5
MOST_STEPS = 600
# Steps at the highest floor, and at the others, over those of the first search; and at least.
HIGHEST_SHARE, SHARE = 0.75, 0.25
HIGHEST_LEAST, LEAST = 90, 45
# Far up the floor is narrow, and long steps swing from side to side: they end this short.
SHORTEST = 0.03
# Aimed at above the highest floor, as a share of the room there.
HIGHEST_MARGIN = 0.1
# A set must be this much more diverse to take another's place; less, and it counts as equal.
LEAST_GAIN = 1e-3


@dataclass
class Rung:
    """The sets at one floor.

    Attributes:
        alpha: the floor.
        vectors: (U, N, D) the images.
        converged: (U,) whether the search of each ended by itself.
        steps: (U,) taken for each, all searches at this floor together.
    """

    alpha: float
    vectors: Tensor
    converged: Tensor
    steps: Tensor

    @property
    def distance(self) -> Tensor:
        """(U,) mean distance to the nearest neighbour."""
        return nearest_distance(self.vectors)


class Ladder:
    """Sets at rising floors.

    Attributes:
        units: (U,) which unit of the problem each set belongs to.
        best, reference: (U,), (U, D) a* and its image, of all floors.
        rungs: one a floor, the lowest first.
    """

    def __init__(
        self,
        problem: Problem,
        maxima: Maxima,
        units: Tensor,
        generators: list[torch.Generator],
        images: int,
        alphas: tuple[float, ...],
    ) -> None:
        self.problem, self.maxima, self.units, self.generators = problem, maxima, units, generators
        self.images, self.alphas = images, alphas
        self.best, self.reference = maxima.best[units].clone(), maxima.reference[units].clone()
        self.rungs: dict[float, Rung] = {}

    def fractions(self, v: Tensor) -> Tensor:
        """(U, M, D) -> (U, M) fractions of the reference."""
        f = self.problem.value(v.flatten(0, 1), self.units.repeat_interleave(v.shape[1]))
        g = self.problem.grey_response[self.units]
        return (f.view(v.shape[:2]) - g[:, None]) / (self.best - g)[:, None]

    def steps(self, first: float) -> Generator[tuple[float, str], None, None]:
        """Search all floors; yields the share of the way and a few words.

        From the maxima at the floor `first`, as a single search does; up from there, floor by
        floor; then down again wherever the set of the floor above is more diverse. Each but the
        first has its share of the steps that the first one took.
        """
        up = [alpha for alpha in self.alphas if alpha >= first]
        below = [alpha for alpha in self.alphas if alpha < first]
        jobs = len(self.alphas)
        done = 0

        def search(sets: Sets) -> Generator[tuple[float, str], None, None]:
            nonlocal done
            most = None
            if first in self.rungs:
                highest = sets.alpha == self.alphas[-1]
                part, least = (HIGHEST_SHARE, HIGHEST_LEAST) if highest else (SHARE, LEAST)
                most = (part * self.rungs[first].steps).int().clamp_min(least)
            for share in self._settle(sets, most):
                yield min((done + share) / jobs, 1.0), f"floor {sets.alpha:g}"
            done += 1

        yield from search(self._from_maxima(first))
        for alpha in up[1:]:
            yield from search(self._climbed(alpha, self.rungs[self._next(alpha, -1)].vectors))
        for alpha in [*up[-2::-1], *below[::-1]]:
            above = self.rungs[self._next(alpha, 1)]
            if alpha not in self.rungs or bool((above.distance > self._distance(alpha)).any()):
                yield from search(self._placed(alpha, above.vectors))
        self._even_out()

    def _next(self, alpha: float, step: int) -> float:
        return self.alphas[self.alphas.index(alpha) + step]

    def _distance(self, alpha: float) -> Tensor:
        return self.rungs[alpha].distance

    def _from_maxima(self, alpha: float) -> Sets:
        sets = start_sets(
            self.problem, self.maxima, self.units, self.generators, self.images, alpha
        )
        return sets

    def _placed(self, alpha: float, vectors: Tensor, moving: Tensor | None = None) -> Sets:
        held = vectors.flatten(0, 1)
        sets = placed(
            self.problem, alpha, self.images, self.units, self.best, self.reference, held,
            self.fractions(vectors).flatten(), held if moving is None else moving,
        )  # fmt: skip
        # Such a set is close to its end; only far up it still has a long way along the floor.
        highest = alpha == self.alphas[-1]
        sets.margin.fill_(HIGHEST_MARGIN * (1 - alpha) if highest else LAST_MARGIN)
        return sets

    def _climbed(self, alpha: float, vectors: Tensor) -> Sets:
        """The sets with every image led up to alpha; who cannot come goes to a distant maximum."""
        v, arrived = self._climb(alpha, vectors.flatten(0, 1))
        held = v.view(vectors.shape).clone()
        moving = held.clone()
        for k in (~arrived.view(vectors.shape[:2]).all(1)).nonzero()[:, 0].tolist():
            there = arrived.view(vectors.shape[:2])[k].clone()
            options = self._feasible_maxima(k, alpha)
            for i in (~there).nonzero()[:, 0].tolist():
                taken = held[k][there] if there.any() else options[:1]
                held[k, i] = options[int(torch.cdist(options, taken).amin(1).argmax())]
                there[i] = True
                noise = random_starts(self.problem, 1, self.generators[k])[0]
                moving[k, i] = unit(held[k, i] + JITTER * noise)
        return self._placed(alpha, held, moving.flatten(0, 1))

    def _feasible_maxima(self, k: int, alpha: float) -> Tensor:
        which = int(self.units[k])
        g = self.problem.grey_response[which]
        fraction = (self.maxima.values[which] - g) / (self.best[k] - g)
        good = self.maxima.vectors[which][fraction >= alpha]
        return torch.cat([self.reference[k][None], good])

    def known(self, alpha: float) -> Tensor:
        """(U, M, D) places that keep alpha: the sets of this floor and higher ones, and maxima."""
        g = self.problem.grey_response[self.units][:, None]
        fraction = (self.maxima.values[self.units] - g) / (self.best[:, None] - g)
        maxima = self.maxima.vectors[self.units]
        maxima = torch.where((fraction >= alpha)[..., None], maxima, self.reference[:, None])
        sets = [rung.vectors for rung in self.rungs.values() if rung.alpha >= alpha]
        return torch.cat([*sets, maxima], 1)

    def _climb(self, alpha: float, v: Tensor) -> tuple[Tensor, Tensor]:
        """Newton steps along each image's gradient until it keeps alpha -> (places, arrived)."""
        rows = self.units.repeat_interleave(self.images)
        g = self.problem.grey_response[rows]
        scale = self.best.repeat_interleave(self.images) - g
        held, trial = v.clone(), v.clone()
        value = torch.full_like(scale, -torch.inf)
        slope, share = torch.zeros_like(v), torch.ones_like(scale)
        low = torch.arange(len(v), device=v.device)
        for _ in range(MOST_CLIMBS):
            f, gradient = self.problem.value_and_gradient(trial[low], rows[low])
            fraction = (f - g[low]) / scale[low]
            better = fraction > value[low]
            share[low] = torch.where(better, 1.0, share[low] * SHORTER)
            up = low[better]
            held[up], value[up] = trial[up], fraction[better]
            slope[up] = tangent(gradient[better], trial[up]) / scale[up][:, None]
            low = low[value[low] < alpha]
            if not len(low):
                break
            steep = slope[low].norm(dim=1).clamp_min(SLOPE_FLOOR)
            lift = ((alpha + CLIMB_MARGIN - value[low]) / steep).clamp(0, LONGEST_CLIMB)
            move = (share[low] * lift / steep)[:, None] * slope[low]
            trial[low] = self.problem.inside(unit(held[low] + move))
        return held, value >= alpha

    def _settle(self, sets: Sets, most: Tensor | None = None) -> Generator[float, None, None]:
        """Search sets at their floor; each takes the place of the last one where it is better.

        Args:
            most: (U,) steps for each, which shorten towards their end; until it ends if left out.
        """
        total, alpha, n = len(self.units), sets.alpha, self.images
        place = torch.arange(total)
        found = sets.held.view(total, n, -1).clone()
        converged, steps = torch.zeros(total, dtype=torch.bool), torch.zeros(total, dtype=torch.int)
        while len(sets.units):
            for _ in range(STEPS_PER_LOOK):
                if most is not None:
                    longest = SHORTEST ** (sets.steps / most[place])
                    sets.size = sets.size.minimum(longest.to(sets.size).repeat_interleave(n))
                sets.step()
            ended = sets.converged()
            late = torch.full((len(place),), MOST_STEPS) if most is None else most[place]
            leaving = ended | (sets.steps >= late)
            gone = place[leaving]
            rows = leaving.to(sets.units.device)
            found[gone] = sets.held.view(len(place), n, -1)[rows]
            converged[gone], steps[gone] = ended[leaving], sets.steps
            stronger = sets.best[rows] > self.best[gone]
            self.best[gone[stronger.cpu()]] = sets.best[rows][stronger]
            self.reference[gone[stronger.cpu()]] = sets.reference[rows][stronger]
            if leaving.any():
                place = place[~leaving]
                sets = sets.only((~leaving).nonzero()[:, 0])
            yield 1 - len(place) / total
        found = self.problem.inside(found.flatten(0, 1), LAST_BOX_PASSES).view(found.shape)
        self._keep(Rung(alpha, found, converged, steps))

    def _keep(self, new: Rung) -> None:
        old = self.rungs.get(new.alpha)
        if old is None:
            self.rungs[new.alpha] = new
            return
        better = new.distance > old.distance * (1 + LEAST_GAIN)
        old.vectors = torch.where(better[:, None, None], new.vectors, old.vectors)
        old.converged = torch.where(better.cpu(), new.converged, old.converged)
        old.steps = old.steps + new.steps

    def _even_out(self) -> None:
        """Lead images back that a stronger reference left below; then no floor is behind a higher.

        Searches end a little before the last gain.
        """
        for alpha in self.alphas:
            low = (self.fractions(self.rungs[alpha].vectors) < alpha).any(1)
            if low.any():
                lifted = self._climbed(alpha, self.rungs[alpha].vectors).held
                vectors = self.rungs[alpha].vectors
                self.rungs[alpha].vectors = torch.where(
                    low[:, None, None], lifted.view(vectors.shape), vectors
                )
        for alpha in self.alphas[-2::-1]:
            above, rung = self.rungs[self._next(alpha, 1)], self.rungs[alpha]
            ahead = above.distance > rung.distance * (1 + LEAST_GAIN)
            rung.vectors = torch.where(ahead[:, None, None], above.vectors, rung.vectors)
