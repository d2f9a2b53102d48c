"""Index and spread on one axis with the null at 1, as traces and axes of a plotly figure."""

from __future__ import annotations

from typing import Any

import numpy as np

from invis.views.base import words
from invis.views.base.theme import LABEL_SIZE, NUMBER_SIZE, Palette


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


def null_axis(top: float, colours: Palette) -> dict[str, Any]:
    """An axis of indices from 0 to `top`, on which 1 is named a linear unit."""
    ticks = np.arange(0, top + 0.01, 0.5 if top <= 4 else 1.0).tolist()
    null = f"<b>1</b><br><span style='color:{colours.ink}'>a linear unit</span>"
    return {
        "range": [0, top],
        "tickvals": ticks,
        "ticktext": [null if tick == 1 else f"{tick:g}" for tick in ticks],
        "tickangle": 0,
        "showgrid": False,
        "fixedrange": True,
    }


def null_area(colours: Palette, **place: Any) -> dict[str, Any]:
    """The shape of what a linear unit would allow; `place` says where, as 0 to 1 in both ways."""
    area = {"type": "rect", "x0": 0, "x1": 1, "y0": 0, "y1": 1}
    return area | {"fillcolor": colours.shade, "line": {"width": 0}, "layer": "below"} | place
