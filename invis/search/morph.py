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
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.models.unit import Units
from invis.progress import told, until_done
from invis.search.again import problem_of, vectors_of
from invis.search.morph_result import ROUNDING, Stops, build_morph
from invis.search.pull import bowed, pull_steps, settle_steps
from invis.search.room import check_frames
from invis.search.routes import Survey, cheapest, survey_steps, ways
from invis.search.string import Strings, great_circle, spaced

FRAMES, LEAST_FRAMES, MOST_FRAMES = 33, 3, 513
COARSE_NODES, LEAST_NODES = 17, 33
COARSE_STEPS, FINE_STEPS = 160, 80
# Nodes to a frame: so what lies between two frames is kept above the floor as well.
FINER = 4


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
    pixels, whole = ground(ds, units, weights, device)
    points, alpha, problem = whole.nodes[0], whole.alpha, whole.problem
    count = FINER * (frames - 1) + 1
    check_frames(problem.units, count, frames)
    strings = partial(replace, whole)
    survey = yield from told(survey_steps(whole, points), walking)
    a, b = chosen(ds, survey, first, second)
    lowest, steps = float(survey.straight[a, b]), 0
    if lowest >= alpha - ROUNDING:
        way, path = [a, b], strings(nodes=great_circle(points[[a, b]], count)[None])
    else:
        way = cheapest(survey.walked, a, b) or []
        if way:
            path = strings(nodes=survey.trail(way)[None])
        else:
            tried = ways(survey, a, b)
            starts = torch.stack([great_circle(points[way], COARSE_NODES) for way in tried])
            coarse = pull_steps(
                strings(nodes=bowed(problem, starts, int(ds.attrs["seed"]))), COARSE_STEPS
            )
            pulled = yield from told(coarse, partial(pulling, 0.3, 0.4))
            way, path, steps = tried[pulled.best], pulled.strings.only([pulled.best]), pulled.steps
        fine = pull_steps(path.only([0], max(frames, LEAST_NODES)), FINE_STEPS)
        pulled = yield from told(fine, partial(pulling, 0.7, 0.2))
        steps += pulled.steps
        # Where tension has torn the string off the floor, it is taken as it was before.
        both = spaced(torch.cat([pulled.strings.nodes, pulled.kept]), count)
        path = yield from told(settle_steps(strings(nodes=both)), partial(pulling, 0.9, 0.02))
        lowest = float(path.look()[0])
    yield MorphSnapshot("measure", steps, 0.92, f"lowest {lowest:.0%}", lowest)
    stops = Stops([a, b], pixels[[a, b]], points[[a, b]])
    about = {
        "through": way[1:-1],
        "islands": survey.islands()[: ds.sizes["image"]],
        "steps": steps,
        "seconds": time.perf_counter() - began,
    }
    morphed = build_morph(ds, path, FINER, stops, about)
    summary = f"lowest {morphed.attrs['fraction_min']:.0%}"
    yield MorphSnapshot("measure", steps, 1.0, summary, morphed.attrs["fraction_min"], [morphed])


def ground(
    ds: xr.Dataset, units: Units | None, weights: str | None, device: str | torch.device | None
) -> tuple[NDArray[np.uint8], Strings]:
    """The images of a set, its reference last (N + 1, h, w, C), and all of them as one string."""
    problem = problem_of(ds, units, weights, device)
    pixels = np.concatenate([ds["images"].values, ds["reference_image"].values[None]])
    grey = float(ds.attrs["grey_response"])
    points = vectors_of(ds, problem)
    span = float(ds.attrs["reference"]) - grey
    return pixels, Strings(problem, points[None], float(ds.attrs["alpha"]), grey, span)


def walking(share: float) -> MorphSnapshot:
    return MorphSnapshot("walks", 0, 0.3 * share, f"{share:.0%} of the walks arrived", math.nan)


def pulling(begin: float, size: float, news: tuple[int, float, float]) -> MorphSnapshot:
    step, done, lowest = news
    return MorphSnapshot("string", step, begin + size * done, f"lowest {lowest:.0%}", lowest)


def morph(
    ds: xr.Dataset, first: int | None = None, second: int | None = None, **settings: Any
) -> xr.Dataset:
    """Run `morph_steps` to the end."""
    (found,) = until_done(morph_steps(ds, first, second, **settings))
    return found


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
