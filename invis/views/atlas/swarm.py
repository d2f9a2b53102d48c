"""The units of layers as dots that do not hide each other: a beeswarm, the same every time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from invis.views.atlas.layer_table import Row, address_of, index_of
from invis.views.base import words
from invis.views.base.measures import MEASURES
from invis.views.base.theme import NUMBER_SIZE, Palette

# Dots may touch, and rounding is no overlap.
TOUCH = 1e-9
DOT = 11  # pixels: the diameter of a dot
# What tells groups apart besides their colour: the marker, and the same sign in a label.
SYMBOLS = (("circle", "●"), ("square", "■"), ("triangle-up", "▲"), ("cross", "✚"))
SERIES = (0, 3, 2, 4)


@dataclass(frozen=True)
class Scale:
    """The axis of a measure: where it ends, what a pixel is on it, and a row's height in pixels."""

    top: float
    pixel: float
    row: float
    measure: str = "index"


def group_colour(g: int, colours: Palette) -> str:
    """Of the dots of group g."""
    return colours.series[SERIES[g % 4]]


def swarm(positions: NDArray[np.floating], size: float) -> NDArray[np.float64]:
    """Offsets (n,) that keep dots of diameter `size` at `positions` (n,) from overlapping.

    In order of position each dot takes the free place nearest to the middle.
    """
    order = np.argsort(positions, kind="stable")
    along = np.asarray(positions, dtype=np.float64)[order]
    first = np.searchsorted(along, along - size, side="right")
    offsets = np.zeros(len(along))
    for rank, begin in enumerate(first):
        if begin < rank:
            near = slice(begin, rank)
            room = np.sqrt(np.maximum(size**2 - (along[rank] - along[near]) ** 2, 0))
            offsets[rank] = _nearest_free(offsets[near] - room, offsets[near] + room)
    placed = np.empty(len(along))
    placed[order] = offsets
    return placed


def _nearest_free(starts: NDArray[np.float64], ends: NDArray[np.float64]) -> float:
    """The number nearest to 0 inside none of the open intervals (k,); below 0 where two are."""
    order = np.argsort(starts)
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    # Intervals that overlap are one; the block that holds 0, if any, decides.
    new = np.flatnonzero(starts[1:] >= ends[:-1] - 2 * TOUCH) + 1
    block = np.searchsorted(starts[new], -TOUCH)
    low = float(starts[0 if block == 0 else new[block - 1]])
    high = float(ends[new[block] - 1 if block < len(new) else -1])
    if not low + TOUCH < 0 < high - TOUCH:
        return 0.0
    return low if -low <= high else high


def group_traces(
    g: int,
    name: str,
    names: Sequence[str],
    layers: Sequence[str],
    cells: dict[tuple[str, str], list[Row]],
    scale: Scale,
    colours: Palette,
) -> list[go.Scatter]:
    """The units of a group as dots, the marks of its medians, and their numbers."""
    dots: dict[str, list[Any]] = {"x": [], "y": [], "hovertext": [], "customdata": []}
    marks: dict[str, list[Any]] = {"x": [], "y": []}
    numbers: dict[str, list[Any]] = {"x": [], "y": [], "text": []}
    for place, layer in enumerate(layers):
        found = [
            row
            for row in cells.get((layer, name), [])
            if math.isfinite(index_of(row, scale.measure))
        ]
        if not found:
            continue
        here = [other for other in names if (layer, other) in cells]
        middle = place - 0.5 + (here.index(name) + 0.5) / len(here)
        reach = 0.42 / len(here)
        values = np.array([index_of(row, scale.measure) for row in found])
        offsets = swarm(values / scale.pixel, DOT + 1) / scale.row
        offsets *= min(1.0, reach / max(float(np.abs(offsets).max()), 1e-9))
        dots["x"] += values.tolist()
        dots["y"] += (middle + offsets).tolist()
        dots["hovertext"] += [_hover(row, scale.measure) for row in found]
        dots["customdata"] += [address_of(row) for row in found]
        median = float(np.median(values))
        marks["x"] += [median, median, None]
        marks["y"] += [middle - reach, middle + reach, None]
        numbers["x"].append(scale.top)
        numbers["y"].append(middle)
        numbers["text"].append(f"  <b>{words.figure(median)}</b>")
    colour = group_colour(g, colours)
    marker = {
        "size": DOT,
        "symbol": SYMBOLS[g % 4][0],
        "color": colour,
        "opacity": 0.8,
        "line": {"width": 1, "color": colours.paper},
    }
    ink = colour if len(names) > 1 else colours.ink
    common = {"legendgroup": str(g), "cliponaxis": False}
    silent = common | {"hoverinfo": "skip", "showlegend": False}
    label = escape(name, quote=False) or "units"
    hover = "%{hovertext}<extra></extra>"
    return [
        go.Scatter(
            mode="markers", name=label, marker=marker, hovertemplate=hover, **common, **dots
        ),
        go.Scatter(
            mode="lines",
            name="median",
            line={"color": colours.ink, "width": 4},
            **silent,
            **marks,
        ),
        go.Scatter(
            mode="text",
            textposition="middle right",
            textfont={"size": NUMBER_SIZE, "color": ink},
            **silent,
            **numbers,
        ),
    ]


def _hover(row: Row, first: str) -> str:
    """The measure that is drawn, and whatever else is known."""
    told = [(first, index_of(row, first))]
    told += [(key, index_of(row, key)) for key in MEASURES if key != first]
    known = ", ".join(
        f"{MEASURES[key].name} {words.figure(value)}" for key, value in told if math.isfinite(value)
    )
    return f"<b>{escape(address_of(row), quote=False)}</b><br>{known}"
