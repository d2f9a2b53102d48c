"""The layers of a network on one axis: each dot is a measure of a unit, with the null line.

Units without it are counted in their layer's label, never dropped in silence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go
from xarray import Dataset

from invis.views.atlas.layer_table import Row, as_rows, index_of, missing, table_of
from invis.views.atlas.swarm import SYMBOLS, Scale, group_colour, group_traces
from invis.views.base.frame import MARGIN, USUAL_WIDTH, title_at
from invis.views.base.measures import measure_named, null_area, null_axis
from invis.views.base.theme import (
    LABEL_SIZE,
    SIZE,
    TITLE_SIZE,
    Palette,
    axis_end,
    palette,
    template,
)

__all__ = ["layers_figure", "table_of"]

RIGHT, BOTTOM = 84, 64
ROW_HEIGHT, NEXT_GROUP, LEGEND_ROW = 74, 24, 25
CHARACTER = 9.2


def layers_figure(
    table: Sequence[Dataset | Row],
    dark: bool = False,
    width: int | None = None,
    title: str = "What each layer ignores",
    top: float = 0.0,
    measure: str = "index",
) -> go.Figure:
    """The distribution of a measure in each layer, layers and groups in the order given.

    Args:
        table: results, profiles, or rows with `layer`, `channel`, the measure and, if known, other
            measures, `group`, `address`, `dead`. What is None or NaN counts as missing.
        dark: the scheme.
        width: in pixels; without one the figure fills what it is put into.
        title: above it.
        top: where the axis ends at least, for figures that are compared.
        measure: index, spread, kappa, kappa_spread or packing.

    Trace 0 is the null line. Each group has three: its units, whose customdata is their address,
    the marks of its medians, and the medians' numbers.

    Raises:
        InvisError: if the table is empty, mixed, or an entry names no layer, or for another
            measure.
    """
    rows, shown = as_rows(table), measure_named(measure)
    colours = palette(dark)
    layers = list(dict.fromkeys(str(row["layer"]) for row in rows))
    names = list(dict.fromkeys(str(row.get("group") or "") for row in rows))
    cells: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cells.setdefault((str(row["layer"]), str(row.get("group") or "")), []).append(row)
    labels = [_label(layer, names, cells, measure, colours) for layer in layers]
    longest = max(len(line) for _, plain in labels for line in plain)
    left = MARGIN + 14 + round(CHARACTER * longest)
    values = [index_of(row, measure) for row in rows]
    top = max(top, axis_end(values, shown.high))
    low = min([shown.low, *(math.floor(2 * v) / 2 for v in values if math.isfinite(v))])
    row_height = ROW_HEIGHT + NEXT_GROUP * (len(names) - 1)
    several = len(names) > 1
    head = 22 + TITLE_SIZE + 18 + (LEGEND_ROW * len(names) + 14 if several else 0) + 26
    height = head + row_height * len(layers) + BOTTOM
    pixel = (top - low) / max(100, (width or USUAL_WIDTH) - left - RIGHT)
    scale = Scale(top, pixel, row_height, measure)
    figure = go.Figure()
    figure.add_scatter(
        x=[shown.null, shown.null],
        y=[-0.5, len(layers) - 0.5],
        mode="lines",
        name="a linear unit",
        line={"color": colours.null, "width": 2.5},
        hoverinfo="skip",
        showlegend=False,
    )
    for g, name in enumerate(names):
        figure.add_traces(group_traces(g, name, names, layers, cells, scale, colours))
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
        title=title_at(title, height),
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
        xaxis=null_axis(top, colours, shown.null, low),
        yaxis={
            "range": [len(layers) - 0.5, -0.5],
            "tickvals": list(range(len(layers))),
            "ticktext": [markup for markup, _ in labels],
            "tickfont": {"size": LABEL_SIZE, "color": colours.ink},
            "ticklabelstandoff": 8,
            "showgrid": False,
        },
        shapes=[
            null_area(colours, xref="x", yref="y domain", x0=low, x1=shown.null),
            *rules,
        ],
        annotations=[
            _heading(f"{shown.name} of each unit", 0, 0, colours),
            _heading("median", 1, 12, colours),
        ],
    )
    return figure


def _label(
    layer: str,
    names: Sequence[str],
    cells: dict[tuple[str, str], list[Row]],
    measure: str,
    colours: Palette,
) -> tuple[str, list[str]]:
    """The name of a layer with what it lacks, as markup and as plain lines."""
    plain, markup = [layer], escape(layer, quote=False)
    for g, name in enumerate(names):
        lacks = missing(cells.get((layer, name), []), measure)
        if lacks:
            sign = f"{SYMBOLS[g % 4][1]} " if len(names) > 1 else ""
            colour = group_colour(g, colours) if len(names) > 1 else colours.warn
            plain.append(sign + lacks)
            markup += f"<br><span style='color:{colour};font-size:14px'>{sign}{lacks}</span>"
    return markup, plain


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
