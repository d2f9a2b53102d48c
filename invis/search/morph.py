"""Morphs: a path between two images of a set along which the unit keeps responding.

The straight line between two images of a set leaves it wherever the set is curved: a complex
cell's images of opposite phase are x and -x, and halfway between them there is nothing. A morph
goes around. Every frame has the norm R, lies in the band and inside the pixel range, and keeps the
share alpha of the reference, as far as such a path was found; otherwise the morph is the best
path that was, and says how far it falls.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from invis.errors import InvisError
from invis.models.unit import Units
from invis.search.again import problem_of
from invis.search.morph_result import ROUNDING, Ends, build_morph
from invis.search.problem import Problem
from invis.search.reference import random_starts
from invis.search.routes import Survey, cheapest, survey_steps, ways
from invis.search.sphere import unit
from invis.search.string import MARGIN, Strings, great_circle, spaced

FRAMES, LEAST_FRAMES, MOST_FRAMES = 33, 3, 513
COARSE_NODES, LEAST_NODES = 17, 33
COARSE_STEPS, FINE_STEPS, SETTLE_STEPS = 160, 80, 24
LOOK_STEPS = 10
STILL, STILL_ON_PASS, CALM_LOOKS = 2e-3, 0.02, 2
BOW = 0.1
# Nodes to a frame: so what lies between two frames is kept above the floor as well.
FINER = 4
# A string this little below the floor is lifted; one that is lower lies on a pass.
SHORT = 0.05
# Passes this close in height count as equal.
ALIKE = 0.02


@dataclass(frozen=True)
class MorphSnapshot:
    """Where a morph stands.

    Attributes:
        phase: `walks`, `string` or `measure`.
        step: steps taken.
        fraction_done: 0 to 1, an estimate.
        summary: a few words for a progress bar.
        lowest: the lowest fraction on the best path so far.
        finished: the morph, in the last snapshot.
    """

    phase: str
    step: int
    fraction_done: float
    summary: str
    lowest: float
    finished: list[xr.Dataset] = field(default_factory=list)


def morph_steps(
    ds: xr.Dataset,
    first: int | None = None,
    second: int | None = None,
    frames: int = FRAMES,
    *,
    units: Units | None = None,
    weights: str | None = None,
    device: str | torch.device | None = None,
) -> Iterator[MorphSnapshot]:
    """Find the morph between two images of a result, step by step; closing it cancels.

    Args:
        ds: a result of a search.
        first, second: images of the set, by their place; of what is left out, those whose straight
            line falls lowest, among images that can be reached if there are such.
        frames: of the morph, both ends among them.
        units: the unit, where the result's address does not find it (your own network).
        weights: a name or file for the address's model.
        device: where to compute.

    Raises:
        InvisError: at the first step, for any bad argument.
    """
    began = time.perf_counter()
    check_images(ds, first, second, frames)
    problem = problem_of(ds, units, weights, device)
    pixels = np.concatenate([ds["images"].values, ds["reference_image"].values[None]])
    points = unit(problem.vectors(pixels))
    grey = float(ds.attrs["grey_response"])
    alpha, span = float(ds.attrs["alpha"]), float(ds.attrs["reference"]) - grey

    def strings(nodes: Tensor) -> Strings:
        return Strings(problem, nodes, alpha, grey, span)

    survey: Survey | None = None
    walks = survey_steps(strings(points[None]), points)
    while survey is None:
        try:
            share = next(walks)
            summary = f"{share:.0%} of the walks arrived"
            yield MorphSnapshot("walks", 0, 0.3 * share, summary, float("nan"))
        except StopIteration as ended:
            survey = ended.value
    a, b = chosen(ds, survey, first, second)
    lowest, steps = float(survey.straight[a, b]), 0
    way = cheapest(survey.walked, a, b) or []
    if lowest >= alpha - ROUNDING:
        finer = FINER * (frames - 1) + 1
        way, path = [a, b], strings(great_circle(points[[a, b]], finer)[None])
    else:
        if way:
            path = strings(spaced(survey.trail(way)[None], max(frames, LEAST_NODES)))
        else:
            tried = ways(survey, a, b)
            starts = torch.stack([great_circle(points[way], COARSE_NODES) for way in tried])
            many = strings(_bowed(problem, starts, int(ds.attrs["seed"])))
            for steps, lowest in _taut(many, COARSE_STEPS):
                done = 0.3 + 0.4 * steps / COARSE_STEPS
                yield MorphSnapshot("string", steps, done, f"lowest {lowest:.0%}", lowest)
            best = best_of(*many.look(), alpha)
            way, path = tried[best], many.only([best], max(frames, LEAST_NODES))
        more, kept = 0, path.nodes
        for more, lowest in _taut(path, FINE_STEPS):
            if lowest >= alpha - ROUNDING:
                kept = path.nodes
            done = 0.7 + 0.2 * more / FINE_STEPS
            yield MorphSnapshot("string", steps + more, done, f"lowest {lowest:.0%}", lowest)
        steps += more
        # Where tension has torn the string off the floor, it is taken as it was before.
        both = strings(spaced(torch.cat([path.nodes, kept]), FINER * (frames - 1) + 1))
        path = settle(both)
    yield MorphSnapshot("measure", steps, 0.92, f"lowest {lowest:.0%}", lowest)
    ends = Ends(a, b, pixels[[a, b]], points[[a, b]])
    about = {
        "through": way[1:-1],
        "islands": survey.islands()[: ds.sizes["image"]],
        "steps": steps,
        "seconds": time.perf_counter() - began,
    }
    morphed = build_morph(ds, path, FINER, ends, about)
    summary = f"lowest {morphed.attrs['fraction_min']:.0%}"
    yield MorphSnapshot("measure", steps, 1.0, summary, morphed.attrs["fraction_min"], [morphed])


def morph(
    ds: xr.Dataset, first: int | None = None, second: int | None = None, **settings: Any
) -> xr.Dataset:
    """Run `morph_steps` to the end."""
    *_, last = morph_steps(ds, first, second, **settings)
    return last.finished[0]


def _taut(strings: Strings, most: int) -> Iterator[tuple[int, float]]:
    """Pull until the best string no longer changes; yields steps taken and its lowest fraction."""
    before: tuple[float, float] | None = None
    calm = 0
    for step in range(1, most + 1):
        strings.step()
        if step % LOOK_STEPS:
            continue
        lowest, long = strings.look()
        best = best_of(lowest, long, strings.alpha)
        now = (float(lowest[best].clamp(max=strings.alpha)), float(long[best]))
        yield step, float(lowest[best])
        still = STILL if now[0] >= strings.alpha else STILL_ON_PASS
        same = before is not None and all(
            abs(a - b) < still * max(abs(b), 0.5) for a, b in zip(now, before, strict=True)
        )
        calm = calm + 1 if same else 0
        if calm == CALM_LOOKS:
            return
        before = now


def _bowed(problem: Problem, starts: Tensor, seed: int) -> Tensor:
    """Strings (B, K, D) a little to one side: between opposite images a straight one is stuck."""
    generator = torch.Generator().manual_seed(seed)
    aside = random_starts(problem, len(starts), generator)[:, None]
    bow = torch.linspace(0, math.pi, starts.shape[1], device=starts.device).sin()[:, None]
    moved = unit(starts + BOW * bow * aside)
    return torch.cat([starts[:, :1], moved[:, 1:-1], starts[:, -1:]], 1)


def check_images(ds: xr.Dataset, first: int | None, second: int | None, frames: int) -> None:
    """Refuse what asks for no morph.

    Raises:
        InvisError: if ds is no result, there is no such image, both are the same, or there are too
            few or too many frames.
    """
    if "images" not in ds or "reference_image" not in ds:
        raise InvisError("ds holds no images and reference_image: give the result of a search")
    count = ds.sizes["image"]
    for name, one in (("first", first), ("second", second)):
        if one is not None and not 0 <= one < count:
            raise InvisError(f"{name} is {one}: this set has images 0 to {count - 1}")
    if first is not None and first == second:
        raise InvisError(f"first and second are both {first}: give two different images")
    if not LEAST_FRAMES <= frames <= MOST_FRAMES:
        raise InvisError(f"frames is {frames}: use {LEAST_FRAMES} to {MOST_FRAMES}")


def chosen(
    ds: xr.Dataset, survey: Survey, first: int | None, second: int | None
) -> tuple[int, int]:
    """The two images meant; of those left out, the pair whose straight line falls lowest.

    Pairs that walks connect go first.
    """
    count = ds.sizes["image"]
    islands = survey.islands()
    pairs = [
        (a, b)
        for a in (range(count) if first is None else [first])
        for b in (range(count) if second is None else [second])
        if a != b and (a < b or first is not None or second is not None)
    ]
    return min(pairs, key=lambda p: (islands[p[0]] != islands[p[1]], survey.straight[p]))


def best_of(lowest: Tensor, long: Tensor, alpha: float) -> int:
    """The shortest string among those above the floor; where none is, among the highest."""
    floor = min(alpha - ROUNDING, float(lowest.max()) - ALIKE)
    return int(torch.where(lowest >= floor, long, torch.inf).argmin())


def settle(strings: Strings) -> Strings:
    """The best of several strings, after lifting what resampling has let sink.

    A string that lies lower is on a pass, and stays as it is.
    """
    lowest, _ = strings.look()
    near = (lowest >= strings.alpha - SHORT).nonzero()[:, 0].tolist()
    if not near:
        return strings.only([best_of(*strings.look(), strings.alpha)])
    lifted = strings.only(near)
    for _ in range(SETTLE_STEPS):
        lifted.step(tension=0.0)
        if float(lifted.fraction[:, 1:-1].min()) >= strings.alpha + 0.8 * MARGIN:
            break
    return lifted.only([best_of(*lifted.look(), strings.alpha)])
