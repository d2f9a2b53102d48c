"""What a unit ignores, in a sentence that is tested: explanations of searched sets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from invis.models.unit import Units, units_at
from invis.probe.explain import hold
from invis.probe.explain.answer import LinearAnswer, UnitAnswer, around
from invis.probe.explain.choose import Chosen, choose, explained, joint
from invis.probe.explain.fit import Aim
from invis.probe.explain.hold import Held, regions
from invis.probe.explain.null import IMAGES, Null, null_of
from invis.probe.explain.scene import Scene
from invis.probe.explain.words import range_of, sentence
from invis.probe.gratings import tune
from invis.search.problem import Problem
from invis.search.sphere import unit

# A family that explains less of a set is not worth a name.
WORTH_NAMING = 0.05


@dataclass(frozen=True, eq=False)
class Explanation:
    """Attributes:
    address: of the unit.
    sentence: what it ignores, in one line.
    explained: share of the set's squared distance from the reference that the chosen families
        remove together, with the floor kept.
    explained_null: of the linear unit's sets, by the same families.
    families: name -> share, null, claimed, range.
    held: whether new images drawn as claimed keep the floor; None where nothing is claimed.
    chosen: the fits.
    null: of the linear unit.
    fitted: (N, D) the images that the fits end in.
    seconds: it took.
    """

    address: str
    sentence: str
    explained: float
    explained_null: float
    families: dict[str, dict[str, Any]]
    held: Held | None
    chosen: Chosen
    null: Null
    fitted: Tensor
    seconds: float

    @property
    def names(self) -> tuple[str, ...]:
        """Of the families that are claimed."""
        return tuple(name for name, one in self.families.items() if one["claimed"])


def explain_problem(
    problem: Problem,
    reference: Tensor,
    vectors: Tensor,
    floor: float,
    index: int = 0,
    seed: int = 0,
) -> Explanation:
    """Explain a set of one unit.

    Args:
        problem: of the unit.
        reference: (D,) unit vector.
        vectors: (N, D) unit vectors of the set.
        floor: alpha.
        index: of the unit among the problem's.
        seed: of the linear unit's sets and of the draws.
    """
    began = time.perf_counter()
    generator = torch.Generator().manual_seed(seed)
    answer = UnitAnswer(problem, reference, index)
    (image,) = problem.image(reference[None]).cpu()
    tuning = tune(lambda x: answer.respond(x.to(problem.device)).cpu(), image)
    scene = Scene(reference, problem.band, tuning.wave)
    null = null_of(scene, floor, len(vectors), generator)
    chosen = choose(scene, Aim.of(scene, vectors, answer, floor))
    names = tuple(
        name
        for name, share in sorted(chosen.shares.items(), key=lambda item: -item[1])
        if share > max(null.threshold(name), WORTH_NAMING)
    )
    theta = chosen.fits.theta
    found = regions(scene, answer, theta, names, generator)
    held, level = None, floor
    if names:
        held, level = hold.test(scene, answer, theta, found, floor, generator)
    side = max(scene.shape[1:])
    ranges = {name: range_of(region, level, side) for name, region in found.items()}
    overlap = torch.full((IMAGES,), floor).to(reference)
    linear = Aim.of(scene, around(reference, overlap, generator), LinearAnswer(reference), floor)
    explained_null = explained(linear, joint(scene, linear, chosen.names))
    families = {
        name: {
            "share": chosen.shares.get(name, 0.0),
            "null": null.mean[name],
            "claimed": name in names,
            "range": ranges.get(name),
        }
        for name in chosen.alone
    }
    nearest = max(chosen.alone, key=lambda name: chosen.alone[name] - null.threshold(name))
    said = sentence(
        ranges, chosen.explained, explained_null, held.kept if held else None,
        nearest if chosen.alone[nearest] > null.threshold(nearest) else "",
    )  # fmt: skip
    return Explanation(
        problem.units.addresses[index], said, chosen.explained, explained_null, families, held,
        chosen, null, scene.vectors(theta), time.perf_counter() - began,
    )  # fmt: skip
