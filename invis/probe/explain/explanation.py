"""What a unit ignores, in a sentence that is tested: explanations of searched sets."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from invis.models.unit import Units
from invis.probe.explain.answer import UnitAnswer
from invis.probe.explain.choose import Chosen, choose, explained, joint
from invis.probe.explain.fit import Aim
from invis.probe.explain.generators import Direction, generators
from invis.probe.explain.hold import Held, regions, test
from invis.probe.explain.null import Null, null_of
from invis.probe.explain.reach import Reach, reach
from invis.probe.explain.scene import Scene
from invis.probe.explain.where import Maps, maps
from invis.probe.explain.words import range_of, sentence
from invis.probe.gratings import tune
from invis.probe.searched import only_one, searched
from invis.progress import Step, told
from invis.search.again import problem_of, vectors_of
from invis.search.problem import Problem

# A family that explains less of a set is not worth a name, nor is one that explains so much less
# than the first that it only mends what that one does not quite reach, such as a shift's edges.
WORTH_NAMING, MENDING = 0.05, 0.2
FRAMES = 9


@dataclass(frozen=True, eq=False)
class Explanation:
    """Attributes:
    address: of the unit.
    sentence: what it ignores, in one line.
    explained: share of the set's squared distance from the reference that the chosen families
        remove together, with the floor kept.
    explained_null: of the linear unit's sets, by the same families.
    families: name -> share, null, claimed, range.
    generators: the flattest directions from the reference, the flattest first.
    held: whether new images drawn as claimed keep the floor; None where nothing is claimed.
    reach: how far photographs get; None where they were not asked.
    maps, maps_null: where the set varies, and where the linear unit's sets do.
    chosen: the fits.
    null: of the linear unit.
    pictures: (2, N + 1, h, w, C) 8-bit: the reference and the set, and the reference and the
        images that the fits end in.
    films: (G, FRAMES, h, w, C) 8-bit: along each generator from one end of its run to the other.
    grey: (C,) levels that the pictures deviate from.
    seconds: it took.
    """

    address: str
    sentence: str
    explained: float
    explained_null: float
    families: dict[str, dict[str, Any]]
    generators: list[Direction]
    held: Held | None
    reach: Reach | None
    maps: Maps
    maps_null: Maps
    chosen: Chosen
    null: Null
    pictures: NDArray[np.uint8]
    films: NDArray[np.uint8]
    grey: tuple[float, ...]
    seconds: float

    @property
    def names(self) -> tuple[str, ...]:
        """Of the families that are claimed."""
        return tuple(name for name, one in self.families.items() if one["claimed"])

    def summary(self) -> dict[str, Any]:
        """A record for JSON and for the notes of an atlas, without the fits."""
        held, reached = self.held, self.reach
        return {
            "address": self.address,
            "sentence": self.sentence,
            "explained": round(self.explained, 4),
            "explained_null": round(self.explained_null, 4),
            "families": {
                name: one | {"share": round(one["share"], 4), "null": round(one["null"], 4)}
                for name, one in self.families.items()
            },
            "generators": [
                {
                    "words": one.words,
                    "weights": {k: round(v, 3) for k, v in one.weights.items() if v >= 0.01},
                    "curvature": round(one.curvature, 4),
                    "reach": round(one.reach, 4),
                    "reach_linear": round(one.reach_linear, 4),
                }
                for one in self.generators
            ],
            "holds": None
            if held is None
            else {
                "kept": round(held.kept, 4),
                "kept_random": round(held.kept_random, 4),
                "kept_linear": round(held.kept_linear, 4),
                "fraction_median": round(held.fraction_median, 4),
            },
            "photo_reach": None if reached is None else round(reached.share, 4),
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True)
class ExplainSnapshot(Step[Explanation]):
    """Attributes:
    skipped: address -> why a unit has no explanation.
    """

    skipped: dict[str, str] = field(default_factory=dict)


def explain_steps(
    source: xr.Dataset | Sequence[xr.Dataset] | str,
    units: Units | None = None,
    *,
    weights: str | None = None,
    seed: int = 0,
    device: str | None = None,
    photographs: bool = True,
    data: Path | None = None,
) -> Iterator[ExplainSnapshot]:
    """Explain results, or the sets of the units at an address, which are searched first.

    Args:
        source: one or several results, or an address such as `minivgg/conv2_2/0-7`.
        units: of the results, in their order; found by their addresses when left out.
        weights: a name or file for the model.
        seed: of the search, of the linear unit's sets and of the draws.
        device: where to compute.
        photographs: whether to say how far photographs reach.
        data: a folder of them; two that scikit-learn ships when left out.

    Raises:
        InvisError: no result, or one whose unit is not there. Dead units are skipped and told.
    """
    results, units = yield from told(
        searched(source, units, weights, seed, device),
        lambda step: ExplainSnapshot(0.3 * step.fraction_done, step.summary),
    )
    begin = 0.3 if isinstance(source, str) else 0.0
    share = (1 - begin) / len(results)
    for k, ds in enumerate(results):
        address = str(ds.attrs["address"])
        done = begin + share * k
        if ds.attrs["dead"]:
            why = {address: "the unit is dead: there is nothing to explain"}
            yield ExplainSnapshot(done, f"skipped {address}", skipped=why)
            continue
        yield ExplainSnapshot(done, f"explaining {address}")
        problem = problem_of(ds, units.only([k]) if units else None, weights, device)
        *vectors, reference = vectors_of(ds, problem)
        steps = problem_steps(
            problem, reference, torch.stack(vectors), float(ds.attrs["alpha"]),
            seed=seed, photographs=photographs, data=data,
        )  # fmt: skip
        found = yield from told(steps, partial(_part, done, share))
        yield ExplainSnapshot(done + share, f"explained {address}", [found])


def explain(source: xr.Dataset | str, units: Units | None = None, **settings: Any) -> Explanation:
    """Explain one unit; settings as for `explain_steps`.

    Raises:
        InvisError: if the address names several units, or the unit is dead.
    """
    found: Explanation = only_one(explain_steps, source, units, settings)
    return found


def problem_steps(
    problem: Problem,
    reference: Tensor,
    vectors: Tensor,
    floor: float,
    index: int = 0,
    *,
    seed: int = 0,
    photographs: bool = False,
    data: Path | None = None,
) -> Generator[Step[Any], None, Explanation]:
    """Explain a set of one unit; returns the explanation.

    Args:
        problem: of the unit.
        reference: (D,) unit vector.
        vectors: (N, D) unit vectors of the set.
        floor: alpha.
        index: of the unit among the problem's.
        seed, photographs, data: as for `explain_steps`.
    """
    began = time.perf_counter()
    generator = torch.Generator().manual_seed(seed)
    answer = UnitAnswer(problem, reference, index)
    (image,) = problem.image(reference[None]).cpu()
    tuning = tune(lambda x: answer.respond(x.to(problem.device)).cpu(), image)
    scene = Scene(reference, problem.metric, tuning.wave)
    yield Step(0.05, "fitting a linear unit's images")
    null = null_of(scene, floor, len(vectors), generator)
    yield Step(0.3, "fitting the set")
    chosen = choose(scene, Aim.of(scene, vectors, answer, floor))
    shares = sorted(chosen.shares.items(), key=lambda item: -item[1])
    worth = max(WORTH_NAMING, MENDING * shares[0][1]) if shares else WORTH_NAMING
    names = tuple(n for n, share in shares if share > max(null.threshold(n), worth))
    theta = chosen.fits.theta
    yield Step(0.8, "drawing new images")
    found = regions(scene, answer, theta, names, generator)
    held, level = None, floor
    while found:
        held, level = test(scene, answer, theta, found, floor, generator)
        # A family without a range of its own helps others to explain the set, but is no claim.
        moving = {name: one for name, one in found.items() if one.moves(level)}
        if len(moving) == len(found):
            break
        found, held = moving, None
    ranges = {name: range_of(one, level, max(scene.shape[1:])) for name, one in found.items()}
    linear = null.aim
    explained_null = explained(linear, joint(scene, linear, chosen.names))
    flat = generators(scene, answer, floor)
    nearest = max(chosen.alone, key=lambda name: chosen.alone[name] - null.threshold(name))
    near = chosen.alone[nearest] > null.threshold(nearest)
    if photographs:
        yield Step(0.9, "looking at photographs")
    return Explanation(
        address=problem.units.addresses[index],
        sentence=sentence(
            ranges, chosen.explained, explained_null, held, nearest if near else None
        ),
        explained=chosen.explained,
        explained_null=explained_null,
        families={
            name: {
                "share": chosen.shares.get(name, 0.0),
                "null": null.mean[name],
                "claimed": name in found,
                "range": ranges.get(name),
            }
            for name in chosen.alone
        },
        generators=flat,
        held=held,
        reach=reach(answer, problem.metric, generator, data) if photographs else None,
        maps=maps(problem.metric, reference, vectors),
        maps_null=maps(problem.metric, reference, linear.targets),
        chosen=chosen,
        null=null,
        pictures=_pixels(
            problem,
            torch.stack(
                [torch.cat([reference[None], rows]) for rows in (vectors, scene.vectors(theta))]
            ),
        ),
        films=_pixels(problem, _films(flat, reference)),
        grey=tuple(problem.units.grey.tolist()),
        seconds=time.perf_counter() - began,
    )


def _films(flat: list[Direction], reference: Tensor) -> Tensor:
    """(G, FRAMES, D) images along the run of each direction."""
    found = reference.new_zeros(len(flat), FRAMES, len(reference))
    for film, one in zip(found, flat, strict=True):
        places = torch.linspace(0, len(one.vectors) - 1, FRAMES).round().long()
        film.copy_(one.vectors[places.to(reference.device)])
    return found


def _pixels(problem: Problem, vectors: Tensor) -> NDArray[np.uint8]:
    """(A, B, D) -> (A, B, h, w, C) 8-bit images."""
    shown = (problem.image(vectors.flatten(0, 1)) - problem.low).round().clamp(0, 255).byte()
    pixels: NDArray[np.uint8] = shown.permute(0, 2, 3, 1).cpu().numpy()
    return pixels.reshape(*vectors.shape[:2], *pixels.shape[1:])


def _part(done: float, share: float, step: Step[Any]) -> ExplainSnapshot:
    """A step of one unit, as a step of all."""
    return ExplainSnapshot(done + share * step.fraction_done, step.summary)
