"""Exemplars as labelled arrays, measured like a set, and their file."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
import xarray as xr

from invis.files import saved
from invis.files.containers import Attributes
from invis.files.saved import Kind, register
from invis.models.unit import Units
from invis.probe.scan import Strongest
from invis.search.again import problem_of
from invis.search.metric import metric_of
from invis.search.morph_result import KEPT
from invis.search.sphere import unit
from invis.shipped import __version__

FORMAT = "invis-exemplars-1"


def build_exemplars(
    units: Units, ds: xr.Dataset, strongest: Strongest, about: dict[str, Any]
) -> xr.Dataset:
    """Measure the strongest crops of one unit.

    Returns:
        crops (exemplar, row, column, colour) uint8; path, top, left and scale (exemplar): where
        each was found, in pixels of the picture as it was looked at, `scale` of which are one of
        the file's; response (exemplar), measured on the full model with the crop on a grey canvas;
        fraction (exemplar), (f - g) / (a* - g); equal_fraction (exemplar), the same of its part
        inside the set's band, brought to the set's norm; contrast (exemplar), RMS deviation from
        grey in grey levels; random_fraction (sample) of crops drawn at random.
    """
    height, width, colours = units.image_shape[1], units.image_shape[2], units.image_shape[0]
    crops = (
        np.stack([crop.pixels for crop in strongest.crops])
        if strongest.crops
        else np.zeros((0, height, width, colours), dtype=np.uint8)
    )
    grey, top = float(ds.attrs["grey_response"]), float(ds.attrs["reference"])
    dead = bool(ds.attrs.get("dead"))
    span = float("nan") if dead or top <= grey else top - grey
    response = units.full_responses(crops, [0] * len(crops)).double().numpy()
    equal = np.full(len(crops), np.nan)
    if len(crops) and not dead:
        problem = problem_of(ds, units)
        who = torch.zeros(len(crops), dtype=torch.long, device=problem.device)
        alike = problem.inside(unit(problem.vectors(crops)))
        equal = (problem.value(alike, who).cpu().double().numpy() - grey) / span
    deviations = crops.astype(float) - np.array(units.model.grey)
    kept = {key: ds.attrs[key] for key in (*KEPT, "pixel_contrast") if key in ds.attrs}
    return xr.Dataset(
        {
            "crops": (("exemplar", "row", "column", "colour"), crops),
            "path": ("exemplar", np.array([c.path for c in strongest.crops], dtype=object)),
            "top": ("exemplar", np.array([c.top for c in strongest.crops], dtype=np.int64)),
            "left": ("exemplar", np.array([c.left for c in strongest.crops], dtype=np.int64)),
            "scale": ("exemplar", np.array([c.scale for c in strongest.crops], dtype=float)),
            "response": ("exemplar", response.astype(np.float32)),
            "fraction": ("exemplar", ((response - grey) / span).astype(np.float32)),
            "equal_fraction": ("exemplar", equal.astype(np.float32)),
            "contrast": (
                "exemplar",
                np.sqrt((deviations**2).mean((1, 2, 3))).astype(np.float32),
            ),
            "random_fraction": ("sample", ((strongest.sample - grey) / span).astype(np.float32)),
        },
        attrs={
            **kept,
            **metric_of(ds, units.image_shape).attrs(),
            **about,
            "dead": int(dead),
            "format": FORMAT,
            "seen": strongest.seen,
            "device": str(units.device),
            "invis_version": __version__,
            "torch_version": str(torch.__version__),
        },
    )


register(
    Kind(
        FORMAT,
        "file of exemplars",
        "an exemplars.nc written by `invis exemplars`",
        pack=Attributes().pack,
        unpack=Attributes().unpack,
    )
)


def load_exemplars(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read exemplars that `invis.save` wrote.

    Raises:
        InvisError: if there is no such file, or it holds no exemplars.
    """
    found: xr.Dataset = saved.load(path, FORMAT)
    return found
