"""A loop through all images of a set that walks connect, and back: for sets that go around."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from invis.errors import InvisError
from invis.models.unit import Units
from invis.progress import told, until_done
from invis.search.morph import (
    FINER,
    FRAMES,
    LEAST_NODES,
    MorphSnapshot,
    check_images,
    ground,
    pulling,
    walking,
)
from invis.search.morph_result import Stops, build_morph
from invis.search.null import path_order
from invis.search.pull import settle_steps
from invis.search.room import check_frames
from invis.search.routes import Survey, cheapest, survey_steps
from invis.search.string import Strings, spaced

PULLS = 40
LEAST_STOPS = 3


def loop_steps(
    ds: xr.Dataset,
    frames: int = 2 * FRAMES - 1,
    *,
    units: Units | None = None,
    weights: str | None = None,
    device: str | torch.device | None = None,
) -> Iterator[MorphSnapshot]:
    """A morph through all images of the set's largest island, in path order and back.

    Between two images it is what `morph_steps` finds; arguments are the same.

    Raises:
        InvisError: at the first step, for any bad argument; later, where walks connect fewer than
            three images.
    """
    began = time.perf_counter()
    check_images(ds, None, None, frames)
    pixels, whole = ground(ds, units, weights, device)
    count = FINER * (frames - 1) + 1
    check_frames(whole.problem.units, count, frames)
    survey = yield from told(survey_steps(whole, whole.nodes[0]), walking)
    islands = survey.islands()[: ds.sizes["image"]]
    order = tour(survey, islands)
    pieces = torch.cat([spaced(survey.trail(way)[None], LEAST_NODES) for way in order])
    pulled = yield from told(_pull(replace(whole, nodes=pieces)), partial(pulling, 0.3, 0.5))
    both = torch.stack([nodes.flatten(0, 1) for nodes in (pulled, pieces)])
    settling = settle_steps(replace(whole, nodes=spaced(both, count)))
    path = yield from told(settling, partial(pulling, 0.8, 0.1))
    stops = [way[0] for way in order] + [order[0][0]]
    about = {
        "through": [k for way in order for k in way[1:-1]],
        "islands": islands,
        "steps": PULLS,
        "seconds": time.perf_counter() - began,
    }
    found = build_morph(ds, path, FINER, Stops(stops, pixels[stops], survey.points[stops]), about)
    lowest = found.attrs["fraction_min"]
    yield MorphSnapshot("measure", PULLS, 1.0, f"lowest {lowest:.0%}", lowest, [found])


def loop(ds: xr.Dataset, **settings: Any) -> xr.Dataset:
    """Run `loop_steps` to the end."""
    (found,) = until_done(loop_steps(ds, **settings))
    return found


def tour(survey: Survey, islands: list[int]) -> list[list[int]]:
    """The ways from each image of the largest island to the next, the last one back to the first.

    Raises:
        InvisError: if there are fewer than three images.
    """
    label, size = Counter(islands).most_common(1)[0]
    if size < LEAST_STOPS:
        raise InvisError(
            f"ds holds no loop: walks connect at most {size} of its images, and it takes "
            f"{LEAST_STOPS}"
        )
    places = [k for k, one in enumerate(islands) if one == label]
    ways = {(a, b): cheapest(survey.walked, a, b) or [a, b] for a in places for b in places}
    apart = np.array([[_length(survey.walked, ways[a, b]) for b in places] for a in places])
    order = [places[k] for k in path_order(apart)]
    return [ways[a, b] for a, b in pairwise([*order, order[0]])]


def _length(walked: NDArray[np.float64], way: list[int]) -> float:
    return float(sum(walked[a, b] for a, b in pairwise(way) if a != b))


def _pull(strings: Strings) -> Generator[tuple[int, float, float], None, Tensor]:
    """Pull all strings at once; returns their nodes (B, K, D). Yields as `pull_steps`."""
    for step in range(1, PULLS + 1):
        strings.step()
        yield step, step / PULLS, math.nan
    return strings.nodes
