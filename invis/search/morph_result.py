"""A morph as labelled arrays: 8-bit frames, measured on the full model beside their straight line.

Two straight lines are the null model of a morph, and both are measured. The *straight line* mixes
the two images and brings the mixture back to the norm R: that is the great circle between them.
The *cross-fade* only mixes them, as a slide show does, so that it also loses contrast.
"""

from __future__ import annotations

import os
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
from invis.search.quantise import eight_bit
from invis.search.string import Strings, great_circle, lengths
from invis.shipped import __version__

FORMAT = "invis-morph-1"
# What rounding to 8 bits may cost, a fraction of the reference.
ROUNDING = 2e-3
KEPT = (
    "address", "alpha", "reference", "grey_response", "seed", "model", "weights", "weights_hash",
    "layer", "channel", "receptive_field", "window", "input_size", "grey",
)  # fmt: skip
KEPT_AS = Attributes(
    packed=("frames", "straight_frames", "fade_frames"), places=("order", "through", "islands")
)


@dataclass(frozen=True)
class Stops:
    """The images of the set that a morph is to join: two, or for a loop all, the first one twice.

    Attributes:
        order: (S,) their places.
        pixels: (S, h, w, C) as they are.
        points: (S, D) as unit vectors.
    """

    order: list[int]
    pixels: NDArray[np.uint8]
    points: Tensor

    def fade(self, count: int) -> NDArray[np.uint8]:
        """(count, h, w, C) the cross-fade from each to the next, at the straight line's pace."""
        way = lengths(self.points[None])[0].cpu().double().numpy()
        reached = np.concatenate([[0.0], way.cumsum()])
        at = np.interp(np.linspace(0, reached[-1], count), reached, np.arange(len(reached)))
        before = np.minimum(at.astype(int), len(way) - 1)
        share = (at - before)[:, None, None, None]
        mixed = (1 - share) * self.pixels[before] + share * self.pixels[before + 1]
        return np.round(mixed).astype(np.uint8)


def build_morph(
    ds: xr.Dataset, path: Strings, every: int, stops: Stops, about: dict[str, Any]
) -> xr.Dataset:
    """Round every so many nodes of a path (1, K, D) to a frame and measure these on the full model.

    Returns:
        frames, straight_frames (frame, row, column, colour) uint8; fraction, straight_fraction and
        fade_fraction (frame); position (frame), the way gone along the path, 0 to 1.
    """
    problem = path.problem
    nodes = path.nodes[0, ::every]
    count = len(nodes)
    frames = _rounded(path, nodes, stops)
    straight = _rounded(path, great_circle(stops.points, count), stops)
    fade = stops.fade(count)
    measured = problem.units.full_responses(
        np.concatenate([frames, straight, fade]), [0] * 3 * count
    )
    fractions = ((measured.double().numpy() - path.grey) / path.span).reshape(3, count)
    way_lowest = float(path.look()[0])
    way = lengths(path.nodes)[0].cpu().double().numpy().reshape(count - 1, every).sum(1)
    chords = (stops.points[1:] - stops.points[:-1]).norm(dim=1)
    length = float(way.sum())
    lowest = min(float(fractions[0].min()), way_lowest)
    values: dict[str, Any] = {key: ds.attrs[key] for key in KEPT if key in ds.attrs}
    values |= problem.metric.attrs() | {
        "format": FORMAT,
        "first": stops.order[0],
        "second": stops.order[-1],
        "order": stops.order,
        "connected": int(lowest >= min(path.alpha, *fractions[0, [0, -1]]) - ROUNDING),
        "fraction_min": float(fractions[0].min()),
        "path_fraction_min": way_lowest,
        "straight_fraction_min": float(fractions[1].min()),
        "fade_fraction_min": float(fractions[2].min()),
        "length": length,
        "straight_length": float(lengths(stops.points[None]).sum()),
        "chord": float(chords.sum()),
        "device": str(problem.device),
        "threads": torch.get_num_threads(),
        "invis_version": __version__,
        "torch_version": str(torch.__version__),
        **about,
    }
    place = ("frame", "row", "column", "colour")
    return xr.Dataset(
        {
            "frames": (place, frames),
            "straight_frames": (place, straight),
            "fade_frames": (place, fade),
            "fraction": ("frame", fractions[0].astype(np.float32)),
            "straight_fraction": ("frame", fractions[1].astype(np.float32)),
            "fade_fraction": ("frame", fractions[2].astype(np.float32)),
            "position": ("frame", np.concatenate([[0.0], way.cumsum()]) / (length or 1.0)),
        },
        attrs=values,
    )


def _rounded(path: Strings, nodes: Tensor, stops: Stops) -> NDArray[np.uint8]:
    """Unit vectors (K, D) -> 8-bit images (K, h, w, C), the first and last as the set has them."""
    problem = path.problem
    who = torch.zeros(len(nodes), dtype=torch.long, device=nodes.device)
    pixels = eight_bit(problem, problem.inside(nodes), who)
    pixels[0], pixels[-1] = stops.pixels[0], stops.pixels[-1]
    return pixels


register(
    Kind(FORMAT, "morph", "a morph.nc written by a morph", pack=KEPT_AS.pack, unpack=KEPT_AS.unpack)
)


def load_morph(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a morph that `invis.save` wrote.

    Raises:
        InvisError: if there is no such file, or it is not a morph.
    """
    found: xr.Dataset = saved.load(path, FORMAT)
    return found
