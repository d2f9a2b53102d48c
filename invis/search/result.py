"""Results: one labelled data set for each unit, measured on the full model, saved and loaded."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from invis.files import saved
from invis.files.containers import Attributes
from invis.files.saved import Kind, register
from invis.models.devices import single_precision
from invis.search.course import Course
from invis.search.null import measure, nearest, pairwise, path_order
from invis.search.problem import Problem
from invis.search.quantise import MOST_NUMBERS, eight_bit
from invis.search.settings import Settings
from invis.shipped import __version__

FORMAT = "invis-set-1"
KEPT_AS = Attributes(packed=("images", "reference_image"), booleans=("converged", "dead"))
LAST_BOX_PASSES = 40


@dataclass(frozen=True)
class Ended:
    """A set that is to be measured.

    Attributes:
        unit: which unit of the problem.
        vectors: (N, D) the set.
        reference: (D,) the reference.
        free_value: a_free.
        attrs: what the engine knows besides: steps, seconds, converged, dead, batch.
        course: rows of step, mean nearest distance in units of R, weakest fraction.
    """

    unit: int
    vectors: Tensor
    reference: Tensor
    free_value: float
    attrs: Mapping[str, Any]
    course: Course = ()


def build_results(problem: Problem, settings: Settings, ended: Sequence[Ended]) -> list[xr.Dataset]:
    """Turn the vectors of sets into 8-bit images and measure them through the full model.

    As many units at once as fit into a little memory: on a GPU one takes as long as many.
    """
    numbers = (settings.images + 1) * math.prod(problem.metric.shape)
    count = max(1, MOST_NUMBERS // numbers)
    parts = [ended[start : start + count] for start in range(0, len(ended), count)]
    return [ds for part in parts for ds in _build_part(problem, settings, part)]


# Here too, because a benchmark lets the steps of searches round.
@single_precision()
def _build_part(problem: Problem, settings: Settings, ended: Sequence[Ended]) -> list[xr.Dataset]:
    """Round, measure and label the sets of several units, N images and a reference each."""
    units, each = problem.units, len(ended[0].vectors) + 1
    both = torch.cat([part for one in ended for part in (one.vectors, one.reference[None])])
    both = problem.inside(both, LAST_BOX_PASSES)
    which = [one.unit for one in ended]
    who = torch.tensor(which, device=problem.device).repeat_interleave(each)
    pixels = eight_bit(problem, both, who)
    canvas = units.grey.cpu().numpy().astype(np.uint8)
    plain = np.broadcast_to(canvas, (len(ended), *pixels.shape[1:]))
    measured = units.full_responses(np.concatenate([pixels, plain]), [*who.tolist(), *which])
    full = measured.numpy().astype(np.float64)
    own = problem.value(both, who).cpu().numpy().astype(np.float64)
    vectors = both.cpu().numpy()
    found = []
    for k, one in enumerate(ended):
        rows = slice(k * each, (k + 1) * each)
        grey = float(full[len(pixels) + k])
        found.append(
            _label(problem, settings, one, vectors[rows], pixels[rows], full[rows], grey, own[rows])
        )
    return found


def _label(
    problem: Problem,
    settings: Settings,
    ended: Ended,
    vectors: NDArray[np.float32],
    pixels: NDArray[np.uint8],
    full: NDArray[np.float64],
    grey: float,
    own: NDArray[np.float64],
) -> xr.Dataset:
    """The measures of one set.

    Distances and the null's beta are those of the images as they were searched: rounding to 8 bits
    would count as diversity in fine detail, where little contrast is much distance. What counts as
    a response is measured on the 8-bit images.

    Args:
        vectors: (N + 1, D) unit vectors of the metric, the reference last; likewise what follows.
        pixels: (N + 1, h, w, C), their images in 8 bits.
        full: (N + 1,) responses to these, measured through the full model.
        grey: the full model's response to plain grey.
        own: (N + 1,) responses to the images before they were rounded.
    """
    units, free_value = problem.units, ended.free_value
    canvas = units.grey.cpu().numpy().astype(np.uint8)
    activation, top = full[:-1], float(full[-1])
    span = top - grey
    floor = float(problem.grey_response[ended.unit])
    beta = (float(own[:-1].mean()) - floor) / (free_value - floor or math.nan)
    found = measure(vectors[:-1], 1.0, beta)
    fraction = (activation - grey) / (span or math.nan)
    dead = bool(ended.attrs["dead"])
    order = [i - 1 for i in path_order(pairwise(np.roll(vectors, 1, 0))) if i > 0]
    reason = "the unit is dead: no image raises it above 0" if dead else found.reason
    index, spread, null = (
        (math.nan,) * 3 if reason else (found.index, found.spread, found.null_distance)
    )
    model = units.model
    values: dict[str, Any] = {
        "format": FORMAT,
        "address": units.addresses[ended.unit],
        "images": len(activation),
        "alpha": settings.alpha,
        **problem.metric.attrs(),
        "pixel_contrast": _contrast(pixels[:-1].astype(np.float64) - canvas),
        "reference": top,
        "free_reference": free_value,
        "grey_response": grey,
        "fraction_min": float(fraction.min()),
        "fraction_mean": float(fraction.mean()),
        "beta": found.beta,
        "distance": found.distance,
        "rms_distance": found.rms_distance,
        "null_distance": null,
        "index": index,
        "spread": spread,
        "index_reason": reason,
        "saturated": float(((pixels[:-1] == 0) | (pixels[:-1] == 255)).mean()),
        "full_model_error": float(np.max(np.abs(full - own) / np.abs(own).clip(1e-12))),
        "device": str(problem.device),
        "seed": settings.seed,
        "objective": settings.objective,
        "distance_space": settings.distance,
        "model": model.name,
        "weights": model.weights,
        "weights_hash": model.weights_hash,
        "layer": units.layer.layer,
        "channel": units.labels[ended.unit],
        "receptive_field": int(units.cone.receptive_field),
        "window": [int(edge) for edge in units.cone.window],
        "way": "cone" if units.cone.canvas is None else "canvas",
        "way_remark": units.cone.remark,
        "input_size": [int(side) for side in units.cone.input_size],
        "grey": [int(level) for level in canvas],
        "threads": torch.get_num_threads(),
        "invis_version": __version__,
        "torch_version": str(torch.__version__),
        **ended.attrs,
    }
    marks = np.asarray(ended.course, dtype=np.float64).reshape(-1, 3)
    return xr.Dataset(
        {
            "images": (("image", "row", "column", "colour"), pixels[:-1][order]),
            "activation": ("image", activation[order].astype(np.float32)),
            "fraction": ("image", fraction[order].astype(np.float32)),
            "vectors": (("image", "coordinate"), vectors[:-1][order]),
            "nearest": ("image", nearest(pairwise(vectors[:-1]))[order].astype(np.float32)),
            "reference_vector": ("coordinate", vectors[-1]),
            "reference_image": (("row", "column", "colour"), pixels[-1]),
            "course_distance": ("step", marks[:, 1].astype(np.float32)),
            "course_fraction_min": ("step", marks[:, 2].astype(np.float32)),
        },
        coords={"step": marks[:, 0].astype(np.int64)},
        attrs=values,
    )


def _contrast(deviations: NDArray[np.float64]) -> float:
    """The mean over images (N, h, w, C) of the RMS deviation from grey."""
    return float(np.sqrt((deviations**2).mean((1, 2, 3))).mean())


def _whole(ds: xr.Dataset) -> xr.Dataset:
    """A set as it was saved; KeyError or ValueError where a part of it is missing."""
    for name in ("activation", "fraction", "reference_image"):
        ds[name]
    if ds["images"].dims != ("image", "row", "column", "colour"):
        raise ValueError("images are no images")
    for key in ("address", "model", "layer", "channel", "images", "alpha", "grey", "dead"):
        ds.attrs[key]
    return KEPT_AS.unpack(ds)


SET = register(
    Kind(
        FORMAT,
        "result",
        "a result.nc written by a search",
        pack=KEPT_AS.pack,
        unpack=_whole,
    )
)


def load(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a set that `invis.save` wrote.

    Raises:
        InvisError: if there is no such file, or it holds no set.
    """
    found: xr.Dataset = saved.load(path, FORMAT)
    return found
