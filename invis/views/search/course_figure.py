"""The course of one or several searches: the weakest image's activation, and the distance gained.

Two panels over the same steps. What the weakest image keeps is drawn with the floor alpha; the mean
distance to the nearest neighbour in units of what a linear unit would allow, with the null at 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from xarray import Dataset

from invis.errors import InvisError
from invis.views.base import words
from invis.views.base.changes import apply
from invis.views.base.measures import null_area
from invis.views.base.theme import (
    LABEL_SIZE,
    SIZE,
    TITLE_SIZE,
    Palette,
    axis_end,
    palette,
    template,
)
from invis.views.search.course_line import CourseLine, course_of, null_at_floor

__all__ = ["CourseLine", "course_figure", "course_of", "null_at_floor", "update_course"]

# The places of the traces; each course then has two, its weakest image and its distance.
FLOOR, NULL, FIRST = range(3)

MARGIN, LEFT, RIGHT, BOTTOM = 28, 84, 40, 62
NAME_ROW, LEGEND_ROW, HEADING, PANEL, BETWEEN = 26, 25, 42, 190, 64
# Two ticks of the upper panel stand at least this far apart, in pixels.
TICK = 20
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "solid")


def course_figure(
    results: Sequence[Dataset | CourseLine], dark: bool = False, width: int | None = None
) -> go.Figure:
    """The courses of results, over one another.

    Raises:
        InvisError: for an empty list.
    """
    figure = go.Figure()
    figure.update_layout(
        template=template(dark), width=width, meta={"course": True, "dark": bool(dark)}
    )
    update_course(figure, results)
    return figure


def update_course(figure: go.Figure, results: Sequence[Dataset | CourseLine]) -> None:
    """Change a figure made here in one batch; the number of courses may differ from before.

    Trace 0 is the floor, trace 1 the null, and each course has two more: weakest, distance.

    Raises:
        InvisError: for an empty list, or a figure that was not made here.
    """
    if not results:
        raise InvisError("results is empty: a course needs at least one result.")
    kept = figure.layout.meta
    if not isinstance(kept, dict) or "course" not in kept:
        raise InvisError("figure shows no course: give one made by course_figure.")
    lines = [r if isinstance(r, CourseLine) else course_of(r) for r in results]
    traces, layout = _spec(lines, palette(kept["dark"]))
    if len(figure.data) > len(traces):
        figure.data = figure.data[: len(traces)]
    old = len(figure.data)
    apply(figure, traces[:old], layout)
    if old < len(traces):
        figure.add_traces(traces[old:])


def _spec(
    lines: Sequence[CourseLine], colours: Palette
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The traces and the layout, which has the same parts for any courses."""
    # Older results did not keep the weakest image; a course that has not begun will.
    both = any(np.isfinite(line.weakest).any() or not len(line.steps) for line in lines)
    several = len(lines) > 1
    names = LEGEND_ROW * len(lines) + 4 if several else NAME_ROW
    names_top = 22 + TITLE_SIZE + 12
    upper = names_top + names + HEADING
    lower = upper + PANEL + BETWEEN if both else upper
    height = lower + PANEL + BOTTOM
    whole = height - BOTTOM

    def panel(top: float) -> tuple[float, float]:
        return 1 - (top + PANEL) / whole, 1 - top / whole

    end = max([float(line.steps[-1]) for line in lines if len(line.steps)], default=1.0) or 1.0
    alphas = sorted({line.alpha for line in lines if line.alpha is not None})
    weakest = _finite([line.weakest for line in lines])
    furthest = _finite([line.relative for line in lines])
    title = f"The course of {len(lines)} searches" if several else "The course of the search"
    text = "" if several else escape(lines[0].name, quote=False)
    name = _text(text, SIZE, colours.muted, 1 - (names_top - 4) / whole)
    name |= {"yanchor": "top", "yshift": 0, "xshift": MARGIN - LEFT - 2}
    headings = [
        ("Weakest image", "share of the reference’s activation; dashed: the floor"),
        ("Distance", "mean to the nearest neighbour, against the null"),
    ]
    if not both:
        headings[0] = ("", "")
    steps = {"range": [0, end], "showgrid": False, "fixedrange": True}
    layout = {
        "height": height,
        "margin": {"l": LEFT, "r": RIGHT, "t": 0, "b": BOTTOM, "autoexpand": False},
        "title": {"text": title, "y": 1 - 20 / height, "pad": {"l": MARGIN}},
        "showlegend": several,
        "legend": {
            "x": 0,
            "xanchor": "left",
            "y": 1 - names_top / whole,
            "yanchor": "top",
            "tracegroupgap": 0,
        },
        "hovermode": "x unified",
        "xaxis": steps | {"anchor": "y", "showticklabels": False, "visible": both},
        "xaxis2": steps | {"anchor": "y2", "title": {"text": "steps", "standoff": 6}},
        "yaxis": _share_axis(weakest, alphas, colours)
        | {"domain": list(panel(upper)), "anchor": "x", "visible": both},
        "yaxis2": _null_axis(axis_end(furthest, 1.5), colours)
        | {"domain": list(panel(lower)), "anchor": "x2"},
        "annotations": [
            name,
            *(
                _text(
                    f"<b>{head}</b>  <span style='color:{colours.muted}'>{hint}</span>",
                    LABEL_SIZE,
                    colours.ink,
                    panel(top)[1],
                )
                for (head, hint), top in zip(headings, (upper, lower), strict=True)
            ),
        ],
        "shapes": [null_area(colours, xref="x2 domain", yref="y2")],
    }
    traces = [
        _level(alphas, end, "", "the floor", colours.ink, dash="5px,4px") | {"visible": both},
        _level([1.0], end, "2", "a linear unit", colours.null),
    ]
    for i, line in enumerate(lines):
        traces += _course(i, line, colours, several)
    return traces, layout


def _share_axis(
    weakest: Sequence[float], alphas: Sequence[float], colours: Palette
) -> dict[str, Any]:
    """The axis of activations: from below the floor and the weakest image to 100 %."""
    floor = min(alphas, default=0.9)
    low = math.floor(10 * min(floor - 0.1, *weakest, 1.0) + 1e-6) / 10
    high = max(1.0, *weakest, 0.0) + 0.04 * (1 - low)
    apart = TICK / PANEL * (high - low)
    ticks = list(alphas)
    ticks += [tick for tick in (low, 1.0) if all(abs(tick - other) > apart for other in ticks)]
    return {
        "range": [low, high],
        "tickvals": ticks,
        "ticktext": [
            f"<b>{words.percent(tick)}</b> " if tick in alphas else f"{words.percent(tick)} "
            for tick in ticks
        ],
        "showgrid": False,
        "fixedrange": True,
    }


def _null_axis(top: float, colours: Palette) -> dict[str, Any]:
    """The axis of distances, on which 1 is named."""
    ticks = np.arange(0, top + 0.01, 0.5 if top <= 3 else 1.0).tolist()
    null = f"<span style='color:{colours.ink}'>linear <b>1</b></span> "
    return {
        "range": [0, top],
        "tickvals": ticks,
        "ticktext": [null if tick == 1 else f"{tick:g} " for tick in ticks],
        "fixedrange": True,
    }


def _text(text: str, size: int, colour: str, y: float) -> dict[str, Any]:
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": y,
        "xanchor": "left",
        "yanchor": "bottom",
        "align": "left",
        "xshift": -2,
        "yshift": 6,
        "showarrow": False,
        "font": {"size": size, "color": colour},
    }


def _level(
    levels: Sequence[float], end: float, axis: str, name: str, colour: str, dash: str = "solid"
) -> dict[str, Any]:
    """Level lines over all steps."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [x for _ in levels for x in (0, end, None)],
        "y": [y for level in levels for y in (level, level, None)],
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
        "name": name,
        "showlegend": False,
        "hoverinfo": "skip",
        "line": {"color": colour, "width": 2, "dash": dash},
    }


def _course(i: int, line: CourseLine, colours: Palette, several: bool) -> list[dict[str, Any]]:
    """The two lines of one search."""
    name = escape(line.name, quote=False)
    relative = line.relative
    unknown = several and not np.isfinite(relative).any()
    style = {"color": colours.series[i % len(colours.series)], "width": 3, "dash": DASHES[i % 6]}
    common = {"type": "scatter", "mode": "lines", "legendgroup": str(i), "line": style}
    steps = np.asarray(line.steps, dtype=float)
    return [
        common
        | {
            "name": name,
            "x": steps[: len(line.weakest)].tolist(),
            "y": _gaps(line.weakest),
            "xaxis": "x",
            "yaxis": "y",
            "showlegend": False,
            "hovertemplate": "%{y:.1%}<extra>%{fullData.name}</extra>",
        },
        common
        | {
            "name": f"{name} (no index, so no distance)" if unknown else name,
            "x": steps[: len(relative)].tolist(),
            "y": _gaps(relative),
            "xaxis": "x2",
            "yaxis": "y2",
            "showlegend": several,
            "hovertemplate": "%{y:.2f}<extra>%{fullData.name}</extra>",
        },
    ]


def _finite(courses: Sequence[NDArray[np.float64]]) -> list[float]:
    return [float(value) for values in courses for value in values if math.isfinite(value)]


def _gaps(values: NDArray[np.float64]) -> list[float | None]:
    return [float(v) if math.isfinite(v) else None for v in values]
