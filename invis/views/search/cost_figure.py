"""What invariance costs: how far a unit's sets spread at each floor alpha, beside a linear unit's.

At alpha = 0 nothing is asked, and every unit reaches the null; towards 1 a linear unit must give
up all distance, and what a unit keeps above it is its invariance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from xarray import Dataset

from invis.errors import InvisError
from invis.views.base import words
from invis.views.base.theme import LABEL_SIZE, SIZE, TITLE_SIZE, Palette, palette, template
from invis.views.search.course_line import null_at_floor

__all__ = ["cost_figure"]

# The places of the traces in the figure's data.
NULL, GAPS, OWN, MEANS, SETS, NUMBERS = range(6)

MARGIN, LEFT, RIGHT, BOTTOM, PANEL = 28, 84, 40, 70, 340
NAME_TOP = 22 + TITLE_SIZE + 10
TOP = NAME_TOP + 26 + 46
# What must be equal for distances to be compared, with the words for it.
ALIKE = {
    "address": "units",
    "weights_hash": "weights",
    "images": "numbers of images",
    "metric": "metrics",
    "contrast": "contrasts",
    "band_low": "bands",
    "band_high": "bands",
    "objective": "objectives",
    "distance_space": "distance spaces",
}
# Of attributes that older results lack, or name otherwise.
READ = {"metric": words.metric_name, "distance_space": words.differ_in}


def cost_figure(
    results: Sequence[Dataset], dark: bool = False, width: int | None = None
) -> go.Figure:
    """The distance within a unit's sets against alpha, over the null of a linear unit.

    Trace 0 is the null sqrt(2 N / (N - 1)) sqrt(1 - alpha^2), for images of equal norm R that all
    lie on the floor. A tick at each set is its own null, of its measured norms and activations:
    the index printed there is the set's distance over that one. Several seeds at one alpha have a
    dot each, and share a line and a number through their means.

    Args:
        results: of one unit, in any order, searched alike except for alpha and seed.
        width: in pixels; without one the figure fills what it is put into.

    Raises:
        InvisError: for an empty list, a result without alpha, or results that differ otherwise.
    """
    _check(results)
    colours = palette(dark)
    count = results[0].sizes["image"]
    rows = sorted(
        (_number(ds, "alpha"), _number(ds, "distance"), _number(ds, "null_distance"), i)
        for i, ds in enumerate(results)
        if math.isfinite(_number(ds, "distance")) and not ds.attrs.get("dead")
    )
    end = 1.15 * max(null_at_floor(count, 0.0), *(row[1] for row in rows), 0.0)
    height = TOP + PANEL + BOTTOM
    figure = go.Figure(_traces(results, rows, count, colours))
    figure.update_layout(
        template=template(dark),
        width=width,
        height=height,
        margin={"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM},
        title={"text": "What invariance costs", "y": 1 - 20 / height, "pad": {"l": MARGIN}},
        showlegend=False,
        xaxis={
            "range": [0, 1.02],
            "tickvals": [0, 0.2, 0.4, 0.6, 0.8, 1],
            "ticktext": [words.percent(share) for share in (0, 0.2, 0.4, 0.6, 0.8, 1)],
            "title": {"text": "alpha: what every image must keep of the activation"},
            "showgrid": False,
            "ticklabelstandoff": 5,
        },
        yaxis={"range": [0, end], "dtick": 0.5, "ticksuffix": " "},
        annotations=_annotations(results, len(results) - len(rows), count, colours),
    )
    return figure


def _traces(
    results: Sequence[Dataset],
    rows: Sequence[tuple[float, float, float, int]],
    count: int,
    colours: Palette,
) -> list[dict[str, Any]]:
    # Dense towards 1, where the null falls steeply: steps of equal angle.
    alphas = np.sin(np.linspace(0, math.pi / 2, 91))
    owned = [row for row in rows if math.isfinite(row[2])]
    floors = sorted({row[0] for row in rows})
    means = [float(np.mean([row[1] for row in rows if row[0] == floor])) for floor in floors]
    indices = [
        [row[1] / row[2] for row in owned if row[0] == floor and row[2] > 0] for floor in floors
    ]
    common = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "cliponaxis": False}
    return [
        common
        | {
            "name": "a linear unit",
            "x": alphas.tolist(),
            "y": [null_at_floor(count, float(alpha)) for alpha in alphas],
            "line": {"color": colours.null, "width": 2.5},
            "fill": "tozeroy",
            "fillcolor": colours.shade,
        },
        common
        | {
            "x": [x for alpha, *_ in owned for x in (alpha, alpha, None)],
            "y": [y for _, far, null, _ in owned for y in (null, far, None)],
            "line": {"color": colours.index, "width": 1.5, "dash": "2px,3px"},
        },
        common
        | {
            "mode": "markers",
            "x": [row[0] for row in owned],
            "y": [row[2] for row in owned],
            "marker": {
                "symbol": "line-ew",
                "size": 9,
                "line": {"width": 3, "color": colours.null},
            },
        },
        common | {"x": floors, "y": means, "line": {"color": colours.index, "width": 3}},
        common
        | {
            "mode": "markers",
            "name": "the unit",
            "x": [row[0] for row in rows],
            "y": [row[1] for row in rows],
            "marker": {"size": 12, "color": colours.index},
            "customdata": [row[3] for row in rows],
            "hoverinfo": None,
            "hovertext": [_hover(results[row[3]]) for row in rows],
            "hovertemplate": "%{hovertext}<extra></extra>",
        },
        common
        | {
            "mode": "markers+text",
            "x": floors,
            "y": means,
            "text": [f"<b>{words.figure(float(np.mean(i)) if i else None)}</b>" for i in indices],
            # Invisible markers hold the numbers off the dots.
            "marker": {"size": 13, "opacity": 0},
            "textposition": "top right",
            "textfont": {"size": LABEL_SIZE, "color": colours.index},
        },
    ]


def _annotations(
    results: Sequence[Dataset], without: int, count: int, colours: Palette
) -> list[dict[str, Any]]:
    attrs = results[0].attrs
    name = f"{attrs.get('address', 'A unit')}, {count} images, in {words.metric(attrs)}"
    if without:
        name += f"; {without} of {len(results)} searches found no set"
    common = {
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "align": "left",
        "showarrow": False,
    }
    hint = f"<span style='color:{colours.muted}'>to the nearest neighbour, in units of R"
    return [
        common
        | {
            "text": escape(name, quote=False),
            "xshift": MARGIN - LEFT - 2,
            "yshift": TOP - NAME_TOP - 22,
            "font": {"size": SIZE, "color": colours.muted},
        },
        common
        | {
            "text": f"<b>Distance</b>  {hint}; numbers: index</span>",
            "xshift": -2,
            "yshift": 8,
            "font": {"size": LABEL_SIZE, "color": colours.ink},
        },
        common
        | {
            "text": "what a <b>linear unit</b> allows",
            "xref": "x",
            "yref": "y",
            "x": 0.03,
            "y": 0.12,
            "font": {"size": SIZE, "color": colours.null},
        },
    ]


def _check(results: Sequence[Dataset]) -> None:
    if not results:
        raise InvisError("results is empty: give a unit's results at several alpha.")
    for key, plural in ALIKE.items():
        read = READ.get(key, lambda attrs, key=key: attrs.get(key))
        found = list(dict.fromkeys(str(read(ds.attrs)) for ds in results))
        if len(found) > 1:
            raise InvisError(
                f"results have different {plural}, {key} {found[0]} and {found[1]}: give one "
                "unit's results that differ in alpha and seed only."
            )
    for i, ds in enumerate(results):
        if not 0 <= _number(ds, "alpha") <= 1:
            raise InvisError(
                f"results[{i}] has alpha {ds.attrs.get('alpha')}: it must be from 0 to 1."
            )


def _number(ds: Dataset, key: str) -> float:
    value = words.number(ds.attrs, key)
    return math.nan if value is None else value


def _hover(ds: Dataset) -> str:
    far, null, index = (
        words.number(ds.attrs, key) for key in ("distance", "null_distance", "index")
    )
    alpha = words.percent(words.number(ds.attrs, "alpha"))
    return (
        f"alpha {alpha}, seed {escape(str(ds.attrs.get('seed', '–')), quote=False)}"
        f"<br>distance {words.figure(far)} R, a linear unit: {words.figure(null)} R"
        f"<br>index {words.figure(index)}"
    )
