"""The course of one or several searches: the weakest image's activation, and the distance gained.

Two panels over the same steps. What the weakest image keeps is drawn with the floor alpha; the mean
distance to the nearest neighbour in units of what a linear unit would allow, with the null at 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from xarray import Dataset

from invis.errors import InvisError
from invis.views import words
from invis.views.theme import LABEL_SIZE, TITLE_SIZE, Palette, axis_end, palette, template

MARGIN, LEFT, RIGHT = 28, 66, 40
HEADING, PANEL_HEIGHT, BETWEEN, BOTTOM, LEGEND_ROW = 30, 190, 62, 62, 28
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "solid")
TITLE = "The course of the search"


def _none() -> NDArray[np.float64]:
    return np.zeros(0)


@dataclass(frozen=True)
class CourseLine:
    """The course of one search.

    Attributes:
        name: as the legend has it.
        steps: (S,).
        distance: (S,) mean distance to the nearest neighbour, in units of R.
        weakest: (S,) fraction of the weakest image, or (0,) where it was not kept.
        null_distance: the most that a linear unit allows, in units of R; None or NaN if unknown,
            and then the distance is not drawn, since there is nothing to hold it against.
        alpha: the floor.
    """

    name: str
    steps: NDArray[np.float64] = field(default_factory=_none)
    distance: NDArray[np.float64] = field(default_factory=_none)
    weakest: NDArray[np.float64] = field(default_factory=_none)
    null_distance: float | None = None
    alpha: float | None = None


def null_at_floor(images: int, alpha: float) -> float:
    """The null distance while a search runs, in units of R: sqrt(2 N / (N - 1) (1 - alpha^2)).

    That of N images of equal norm which all lie on the floor, where the pixel range does not bind.
    """
    return math.sqrt(2 * images / (images - 1) * max(1 - alpha**2, 0.0))


def course_of(ds: Dataset, name: str | None = None) -> CourseLine:
    """The course that a result carries; the address and seed are its name if none is given."""

    def values(key: str) -> NDArray[np.float64]:
        return ds[key].values.astype(float) if key in ds else _none()

    label = f"{ds.attrs.get('address', 'result')}, seed {ds.attrs.get('seed', '–')}"
    return CourseLine(
        name=label if name is None else name,
        steps=values("step"),
        distance=values("course_distance"),
        weakest=values("course_fraction_min"),
        null_distance=words.number(ds.attrs, "null_distance"),
        alpha=words.number(ds.attrs, "alpha"),
    )


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
    spec = _spec(lines, palette(kept["dark"]))
    with figure.batch_update():
        if len(figure.data) > len(spec["data"]):
            figure.data = figure.data[: len(spec["data"])]
        old = len(figure.data)
        figure.update({"data": spec["data"][:old], "layout": spec["layout"]})
    if old < len(spec["data"]):
        figure.add_traces(spec["data"][old:])


def _spec(lines: Sequence[CourseLine], colours: Palette) -> dict[str, Any]:
    both = any(np.isfinite(line.weakest).any() for line in lines)
    several = len(lines) > 1
    top = 22 + TITLE_SIZE + 20 + (LEGEND_ROW * len(lines) + 8 if several else 0)
    first = top + HEADING
    second = first + PANEL_HEIGHT + BETWEEN if both else first
    height = second + PANEL_HEIGHT + BOTTOM
    inner = height - BOTTOM

    def at(pixels: float) -> float:
        return 1 - pixels / inner

    ends = [float(line.steps[-1]) for line in lines if len(line.steps)]
    end = max(ends, default=1.0) or 1.0
    alphas = sorted({line.alpha for line in lines if line.alpha is not None})
    weakest = [v for line in lines for v in line.weakest.tolist() if math.isfinite(v)]
    relative = [_relative(line) for line in lines]
    furthest = [v for values in relative for v in values.tolist() if math.isfinite(v)]
    low = min(0.0, *weakest, 0.0)
    panels = [(at(first + PANEL_HEIGHT), at(first)), (at(second + PANEL_HEIGHT), at(second))]
    headings = [
        ("<b>Weakest image</b>", "share of the reference’s activation", panels[0][1]),
        ("<b>Distance</b>", "mean to the nearest neighbour; 1 = a linear unit", panels[1][1]),
    ]
    if not both:
        headings[0] = ("", "", panels[0][1])
    shared = {"range": [0, end], "fixedrange": True, "zeroline": False, "showgrid": False}
    return {
        "data": [
            _level(alphas, end, "y", "the floor", colours.ink, visible=both),
            _level([1.0], end, "y2", "a linear unit", colours.null, visible=True),
        ]
        + [
            trace
            for i, (line, values) in enumerate(zip(lines, relative, strict=True))
            for trace in _course(i, line, values, colours, several)
        ],
        "layout": {
            "height": height,
            "margin": {"l": LEFT, "r": RIGHT, "t": 0, "b": BOTTOM},
            "title": {
                "text": TITLE if several else f"{TITLE} of {escape(lines[0].name, quote=False)}",
                "y": 1 - 20 / height,
                "pad": {"l": MARGIN},
            },
            "showlegend": several,
            "legend": {
                "x": 0,
                "y": at(22 + TITLE_SIZE + 14),
                "yanchor": "top",
                "xanchor": "left",
                "xref": "paper",
                "yref": "paper",
            },
            "hovermode": "x unified",
            "xaxis": shared
            | {"anchor": "y", "matches": "x2", "showticklabels": False, "visible": both},
            "xaxis2": shared
            | {"anchor": "y2", "showticklabels": True, "title": {"text": "steps", "standoff": 6}},
            "yaxis": {
                "domain": list(panels[0]),
                "range": [low, max([1.05, *weakest])],
                "tickformat": ".0%",
                "tickvals": [0, *(alphas[:1] or [0.5])],
                "fixedrange": True,
                "visible": both,
                "anchor": "x",
                "showgrid": False,
            },
            "yaxis2": {
                "domain": list(panels[1]),
                "range": [0, axis_end(furthest, 1.5)],
                "dtick": 0.5,
                "fixedrange": True,
                "anchor": "x2",
            },
            "annotations": [
                {
                    "text": f"{name}  <span style='color:{colours.muted}'>{hint}</span>",
                    "xref": "paper",
                    "yref": "paper",
                    "x": 0,
                    "y": y,
                    "xanchor": "left",
                    "yanchor": "bottom",
                    "align": "left",
                    "xshift": -2,
                    "yshift": 3,
                    "showarrow": False,
                    "font": {"size": LABEL_SIZE},
                }
                for name, hint, y in headings
            ],
            "shapes": [
                {
                    "type": "rect",
                    "xref": "x2 domain",
                    "yref": "y2",
                    "x0": 0,
                    "x1": 1,
                    "y0": 0,
                    "y1": 1,
                    "fillcolor": colours.shade,
                    "line": {"width": 0},
                    "layer": "below",
                }
            ],
        },
    }


def _relative(line: CourseLine) -> NDArray[np.float64]:
    """The distance in units of the null; (0,) where there is no null."""
    null = line.null_distance
    if null is None or not math.isfinite(null) or null <= 0:
        return _none()
    return np.asarray(line.distance, dtype=float) / null


def _level(
    levels: Sequence[float], end: float, axis: str, name: str, colour: str, visible: bool
) -> dict[str, Any]:
    """Level lines over all steps, named at their right end."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [x for _ in levels for x in (0, end, None)],
        "y": [y for level in levels for y in (level, level, None)],
        "xaxis": axis.replace("y", "x"),
        "yaxis": axis,
        "name": name,
        "visible": visible,
        "showlegend": False,
        "hoverinfo": "skip",
        "line": {"color": colour, "width": 2, "dash": "5px,4px" if axis == "y" else "solid"},
    }


def _course(
    i: int, line: CourseLine, relative: NDArray[np.float64], colours: Palette, several: bool
) -> list[dict[str, Any]]:
    style = {
        "color": colours.series[i % len(colours.series)],
        "width": 3,
        "dash": DASHES[i % len(DASHES)],
    }
    name = escape(line.name, quote=False)
    missing = several and not np.isfinite(relative).any()
    common = {
        "type": "scatter",
        "mode": "lines",
        "legendgroup": str(i),
        "line": style,
        "connectgaps": False,
    }
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
            "name": name + (" (no index, so no distance)" if missing else ""),
            "x": steps[: len(relative)].tolist(),
            "y": _gaps(relative),
            "xaxis": "x2",
            "yaxis": "y2",
            "showlegend": several,
            "hovertemplate": "%{y:.2f}<extra>%{fullData.name}</extra>",
        },
    ]


def _gaps(values: NDArray[np.float64]) -> list[float | None]:
    return [float(v) if math.isfinite(v) else None for v in values]
