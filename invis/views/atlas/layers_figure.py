"""The layers of a network on one axis: each dot is a unit's index, with the null line at 1.

Units without an index are counted in their layer's label, never dropped in silence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from xarray import Dataset

from invis.views.atlas.layer_table import Row, address_of, as_rows, index_of, missing, table_of
from invis.views.atlas.swarm import swarm
from invis.views.base import words
from invis.views.base.measures import null_area, null_axis
from invis.views.base.theme import (
    LABEL_SIZE,
    NUMBER_SIZE,
    SIZE,
    TITLE_SIZE,
    Palette,
    axis_end,
    palette,
    template,
)

__all__ = ["layers_figure", "table_of"]

USUAL_WIDTH = 900
MARGIN, RIGHT, BOTTOM = 28, 84, 64
ROW_HEIGHT, NEXT_GROUP, LEGEND_ROW, DOT = 74, 24, 25, 11
CHARACTER = 9.2
# What tells groups apart besides their colour: the marker, and the same sign in a label.
SYMBOLS = (("circle", "●"), ("square", "■"), ("triangle-up", "▲"), ("cross", "✚"))
SERIES = (0, 3, 2, 4)


def layers_figure(
    table: Sequence[Dataset | Row],
    dark: bool = False,
    width: int | None = None,
    title: str = "What each layer ignores",
    top: float = 0.0,
) -> go.Figure:
    """The distribution of the index in each layer, layers and groups in the order given.

    Args:
        table: results, or rows with `layer`, `channel`, `index` and, if known, `spread`, `group`,
            `address`, `dead`. An index that is None or NaN counts as missing.
        dark: the scheme.
        width: in pixels; without one the figure fills what it is put into.
        title: above it.
        top: where the axis ends at least, for figures that are compared.

    Trace 0 is the null line. Each group has three: its units, whose customdata is their address,
    the marks of its medians, and the medians' numbers.

    Raises:
        InvisError: if the table is empty, mixed, or an entry names no layer.
    """
    rows = as_rows(table)
    colours = palette(dark)
    layers = list(dict.fromkeys(str(row["layer"]) for row in rows))
    names = list(dict.fromkeys(str(row.get("group") or "") for row in rows))
    cells: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cells.setdefault((str(row["layer"]), str(row.get("group") or "")), []).append(row)
    labels = [_label(layer, names, cells, colours) for layer in layers]
    longest = max(len(line) for _, plain in labels for line in plain)
    left = MARGIN + 14 + round(CHARACTER * longest)
    top = max(top, axis_end([index_of(row) for row in rows]))
    row_height = ROW_HEIGHT + NEXT_GROUP * (len(names) - 1)
    several = len(names) > 1
    head = 22 + TITLE_SIZE + 18 + (LEGEND_ROW * len(names) + 14 if several else 0) + 26
    height = head + row_height * len(layers) + BOTTOM
    pixel = top / max(100, (width or USUAL_WIDTH) - left - RIGHT)
    scale = _Scale(top, pixel, row_height)
    figure = go.Figure()
    figure.add_scatter(
        x=[1, 1],
        y=[-0.5, len(layers) - 0.5],
        mode="lines",
        name="a linear unit",
        line={"color": colours.null, "width": 2.5},
        hoverinfo="skip",
        showlegend=False,
    )
    for g, name in enumerate(names):
        figure.add_traces(_group(g, name, names, layers, cells, scale, colours))
    rules = [
        {
            "type": "line",
            "xref": "x domain",
            "x0": 0,
            "x1": 1,
            "y0": edge + 0.5,
            "y1": edge + 0.5,
            "line": {"color": colours.line, "width": 1},
            "layer": "below",
        }
        for edge in range(len(layers) - 1)
    ]
    figure.update_layout(
        template=template(dark),
        width=width,
        height=height,
        margin={"l": left, "r": RIGHT, "t": head, "b": BOTTOM, "autoexpand": False},
        title={"text": escape(title, quote=False), "y": 1 - 20 / height, "pad": {"l": MARGIN}},
        showlegend=several,
        legend={
            "tracegroupgap": 0,
            "xref": "container",
            "x": MARGIN / (width or USUAL_WIDTH),
            "xanchor": "left",
            "yref": "container",
            "y": 1 - (22 + TITLE_SIZE + 12) / height,
            "yanchor": "top",
            "itemsizing": "constant",
        },
        xaxis=null_axis(top, colours),
        yaxis={
            "range": [len(layers) - 0.5, -0.5],
            "tickvals": list(range(len(layers))),
            "ticktext": [markup for markup, _ in labels],
            "tickfont": {"size": LABEL_SIZE, "color": colours.ink},
            "ticklabelstandoff": 8,
            "showgrid": False,
        },
        shapes=[null_area(colours, xref="x", yref="y domain"), *rules],
        annotations=[
            _heading("index of each unit", 0, 0, colours),
            _heading("median", 1, 12, colours),
        ],
    )
    return figure


@dataclass(frozen=True)
class _Scale:
    """The end of the axis, what a pixel is on it, and the height of a row in pixels."""

    top: float
    pixel: float
    row: float


def _label(
    layer: str, names: Sequence[str], cells: dict[tuple[str, str], list[Row]], colours: Palette
) -> tuple[str, list[str]]:
    """The name of a layer with what it lacks, as markup and as plain lines."""
    plain, markup = [layer], escape(layer, quote=False)
    for g, name in enumerate(names):
        lacks = missing(cells.get((layer, name), []))
        if lacks:
            sign = f"{SYMBOLS[g % 4][1]} " if len(names) > 1 else ""
            colour = _colour(g, colours) if len(names) > 1 else colours.warn
            plain.append(sign + lacks)
            markup += f"<br><span style='color:{colour};font-size:14px'>{sign}{lacks}</span>"
    return markup, plain


def _group(
    g: int,
    name: str,
    names: Sequence[str],
    layers: Sequence[str],
    cells: dict[tuple[str, str], list[Row]],
    scale: _Scale,
    colours: Palette,
) -> list[go.Scatter]:
    """The units of a group as dots, the marks of its medians, and their numbers."""
    dots: dict[str, list[Any]] = {"x": [], "y": [], "hovertext": [], "customdata": []}
    marks: dict[str, list[Any]] = {"x": [], "y": []}
    numbers: dict[str, list[Any]] = {"x": [], "y": [], "text": []}
    for place, layer in enumerate(layers):
        found = [row for row in cells.get((layer, name), []) if math.isfinite(index_of(row))]
        if not found:
            continue
        here = [other for other in names if (layer, other) in cells]
        middle = place - 0.5 + (here.index(name) + 0.5) / len(here)
        reach = 0.42 / len(here)
        values = np.array([index_of(row) for row in found])
        offsets = swarm(values / scale.pixel, DOT + 1) / scale.row
        offsets *= min(1.0, reach / max(float(np.abs(offsets).max()), 1e-9))
        dots["x"] += values.tolist()
        dots["y"] += (middle + offsets).tolist()
        dots["hovertext"] += [_hover(row) for row in found]
        dots["customdata"] += [address_of(row) for row in found]
        median = float(np.median(values))
        marks["x"] += [median, median, None]
        marks["y"] += [middle - reach, middle + reach, None]
        numbers["x"].append(scale.top)
        numbers["y"].append(middle)
        numbers["text"].append(f"  <b>{words.figure(median)}</b>")
    colour = _colour(g, colours)
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


def _colour(g: int, colours: Palette) -> str:
    return colours.series[SERIES[g % 4]]


def _hover(row: Row) -> str:
    spread = row.get("spread")
    known = spread is not None and math.isfinite(spread)
    text = f"<b>{escape(address_of(row), quote=False)}</b><br>index {words.figure(index_of(row))}"
    return text + (f", spread {words.figure(spread)}" if known else "")


def _heading(text: str, x: float, shift: float, colours: Palette) -> dict[str, Any]:
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": x,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "xshift": shift - 2,
        "yshift": 3,
        "showarrow": False,
        "font": {"size": SIZE, "color": colours.muted},
    }
