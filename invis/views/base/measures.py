"""Measures beside their null: what there is, and traces and axes of a plotly figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from invis.errors import InvisError
from invis.views.base import words
from invis.views.base.theme import LABEL_SIZE, NUMBER_SIZE, Palette


@dataclass(frozen=True)
class Measure:
    """A number of a unit that layers are compared by.

    Attributes:
        key: its name in results and rows.
        name: of it in a sentence.
        told: what it says of a unit, after a colon.
        null: its value for a linear unit.
        low: where its axis begins at most.
        high: where its axis ends at least.
    """

    key: str
    name: str
    told: str
    null: float = 1.0
    low: float = 0.0
    high: float = 2.0


MEASURES = {
    one.key: one
    for one in (
        Measure(
            "index",
            "index",
            "its index, how far apart its images are in units of what a linear unit would allow",
        ),
        Measure("spread", "spread", "its spread, the index of all pairs instead of neighbours"),
        Measure(
            "kappa",
            "kappa",
            "its kappa, 0 for a linear unit and every smooth maximum and towards 1 for an exact "
            "invariance",
            null=0.0,
            low=-0.5,
            high=1.0,
        ),
        Measure(
            "kappa_spread",
            "kappa of the spread",
            "kappa taken from all pairs of images instead of neighbours",
            null=0.0,
            low=-0.5,
            high=1.0,
        ),
        Measure(
            "packing",
            "images that fit",
            "how many images fit at a distance at which a linear unit has room for one",
            high=8.0,
        ),
    )
}


def measure_named(key: str) -> Measure:
    """The measure of this name.

    Raises:
        InvisError: if there is none.
    """
    if key not in MEASURES:
        raise InvisError(f"measure {key!r} is unknown: use {', '.join(MEASURES)}")
    return MEASURES[key]


def measure_traces(
    index: float | None, spread: float | None, top: float, colours: Palette
) -> list[dict[str, Any]]:
    """The null line at 1, the two measures, and their numbers: four traces on x2 and y2."""
    common: dict[str, Any] = {"type": "scatter", "xaxis": "x2", "yaxis": "y2", "showlegend": False}
    disc = {"symbol": "circle", "size": 19, "color": colours.index}
    diamond = {
        "symbol": "diamond",
        "size": 19,
        "color": colours.paper,
        "line": {"width": 4, "color": colours.spread},
    }
    null: dict[str, Any] = {
        "mode": "lines",
        "x": [1, 1],
        "y": [-0.5, 1.5],
        "name": "a linear unit",
        "line": {"color": colours.null, "width": 2.5},
        "hoverinfo": "skip",
    }
    marks: list[dict[str, Any]] = [
        {
            "mode": "markers",
            "name": name,
            "x": [] if value is None else [value],
            "y": [] if value is None else [row],
            "marker": marker,
            "cliponaxis": False,
            "hovertemplate": f"{name} %{{x:.2f}}<br>a linear unit: at most 1<extra></extra>",
        }
        for row, value, name, marker in ((1, index, "index", disc), (0, spread, "spread", diamond))
    ]
    numbers = {
        "mode": "text",
        "x": [top, top],
        "y": [1, 0],
        "text": [f"  <b>{words.figure(value)}</b>" for value in (index, spread)],
        "textposition": "middle right",
        "textfont": {"size": NUMBER_SIZE, "color": colours.ink},
        "cliponaxis": False,
        "hoverinfo": "skip",
    }
    return [common | trace for trace in (null, *marks, numbers)]


def measure_axes(
    x_domain: tuple[float, float], y_domain: tuple[float, float], top: float, colours: Palette
) -> dict[str, Any]:
    """The axes x2 and y2 of `measure_traces`."""
    return {
        "xaxis2": null_axis(top, colours) | {"domain": list(x_domain), "anchor": "y2"},
        "yaxis2": {
            "domain": list(y_domain),
            "anchor": "x2",
            "range": [-0.5, 1.5],
            "tickvals": [1, 0],
            "ticktext": ["index ", "spread "],
            "tickfont": {"size": LABEL_SIZE, "color": colours.ink},
            "showgrid": True,
            "fixedrange": True,
        },
    }


def null_axis(top: float, colours: Palette, null: float = 1.0, low: float = 0.0) -> dict[str, Any]:
    """An axis from `low` to `top`, on which the null is named a linear unit."""
    step = 0.5 if top - low <= 4 else max(1.0, float(math.ceil((top - low) / 8)))
    ticks = np.arange(low, top + 0.01, step).tolist()
    ticks = sorted({*(tick for tick in ticks if tick == null or abs(tick - null) > step / 2), null})
    named = f"<b>{null:g}</b><br><span style='color:{colours.ink}'>a linear unit</span>"
    return {
        "range": [low, top],
        "tickvals": ticks,
        "ticktext": [named if tick == null else f"{tick:g}" for tick in ticks],
        "tickangle": 0,
        "showgrid": False,
        "fixedrange": True,
    }


def null_area(colours: Palette, **place: Any) -> dict[str, Any]:
    """The shape of what a linear unit would allow; `place` says where, as 0 to 1 in both ways."""
    area = {"type": "rect", "x0": 0, "x1": 1, "y0": 0, "y1": 1}
    return area | {"fillcolor": colours.shade, "line": {"width": 0}, "layer": "below"} | place
