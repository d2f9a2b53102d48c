"""The layers of a network on one axis: each dot is a unit's index, with the null line at 1.

Units without an index are counted in their layer's label, never dropped in silence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from xarray import Dataset

from invis.errors import InvisError
from invis.views import words
from invis.views.theme import (
    LABEL_SIZE,
    NUMBER_SIZE,
    SIZE,
    TITLE_SIZE,
    Palette,
    axis_end,
    palette,
    template,
)

Row = Mapping[str, Any]
MARGIN, RIGHT, BOTTOM = 28, 84, 64
ROW_HEIGHT, DOT = 74, 11
SYMBOLS = ("circle", "square", "triangle-up", "cross")
USUAL_WIDTH = 900


def table_of(results: Sequence[Dataset], groups: Sequence[str] | None = None) -> list[Row]:
    """Results as rows of layer, channel, index, spread, group, address, dead.

    `groups` names the group of each result; if left out, results of different models or weights
    form groups.
    """
    if groups is not None and len(groups) != len(results):
        raise InvisError(
            f"groups has {len(groups)} names for {len(results)} results: give one for each."
        )
    models = {str(ds.attrs.get("model", "")) for ds in results}
    origins = {(str(ds.attrs.get("model", "")), words.weights(ds)) for ds in results}

    def group(ds: Dataset) -> str:
        model = str(ds.attrs.get("model", ""))
        if len(origins) == len(models):
            return model if len(models) > 1 else ""
        return f"{model}, {words.weights(ds)}" if len(models) > 1 else words.weights(ds)

    return [
        {
            "layer": str(ds.attrs.get("layer", "")),
            "channel": str(ds.attrs.get("channel", "")),
            "index": words.number(ds.attrs, "index"),
            "spread": words.number(ds.attrs, "spread"),
            "group": group(ds) if groups is None else groups[i],
            "address": str(ds.attrs.get("address", "")),
            "dead": bool(ds.attrs.get("dead", False)),
        }
        for i, ds in enumerate(results)
    ]


def layers_figure(
    table: Sequence[Dataset | Row],
    dark: bool = False,
    width: int | None = None,
    title: str = "What each layer ignores",
) -> go.Figure:
    """The distribution of the index in each layer, layers and groups in the order given.

    Args:
        table: results, or rows with `layer`, `channel`, `index` and, if known, `spread`, `group`,
            `address`, `dead`. An index that is None or NaN counts as missing.

    Each group has two traces, its units and its medians, after trace 0, the null line. Every dot's
    customdata is its address. Raises InvisError for an empty table.
    """
    results = [one for one in table if isinstance(one, Dataset)]
    rows = (
        table_of(results)
        if len(results) == len(table)
        else [one for one in table if not isinstance(one, Dataset)]
    )
    kept = [row for row in rows if "layer" in row]
    if not kept or len(kept) != len(table):
        raise InvisError(
            f"table has {len(table)} entries, {len(kept)} of them with a layer: give results, or "
            "rows with layer, channel and index."
        )
    colours = palette(dark)
    layers = list(dict.fromkeys(str(row["layer"]) for row in kept))
    groups = list(dict.fromkeys(str(row.get("group") or "") for row in kept))
    top = axis_end([_index(row) for row in kept])
    height_of_row = ROW_HEIGHT if len(groups) < 2 else ROW_HEIGHT + 22 * (len(groups) - 1)
    labels = [_label(layer, kept, groups, colours) for layer in layers]
    left = MARGIN + 14 + round(9.2 * max(len(text) for _, lines in labels for text in lines))
    inner = (width or USUAL_WIDTH) - left - RIGHT
    legend = 34 if len(groups) > 1 else 0
    head = 22 + TITLE_SIZE + 18 + legend + 26
    height = round(head + height_of_row * len(layers) + BOTTOM)
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
    for g, group in enumerate(groups):
        for trace in _group(
            g, group, groups, kept, layers, top / inner, height_of_row, top, colours
        ):
            figure.add_trace(trace)
    ticks = np.arange(0, top + 0.01, 0.5 if top <= 4 else 1.0).tolist()
    null = f"<b>1</b><br><span style='color:{colours.ink}'>a linear unit</span>"
    figure.update_layout(
        template=template(dark),
        width=width,
        height=height,
        margin={"l": left, "r": RIGHT, "t": head, "b": BOTTOM},
        title={"text": escape(title, quote=False), "y": 1 - 20 / height, "pad": {"l": MARGIN}},
        showlegend=len(groups) > 1,
        legend={
            "orientation": "h",
            "xref": "container",
            "x": MARGIN / (width or USUAL_WIDTH),
            "xanchor": "left",
            "yref": "container",
            "y": 1 - (22 + TITLE_SIZE + 12) / height,
            "yanchor": "top",
            "itemsizing": "constant",
        },
        xaxis={
            "range": [0, top],
            "tickvals": ticks,
            "ticktext": [null if tick == 1 else f"{tick:g}" for tick in ticks],
            "tickangle": 0,
            "showgrid": False,
        },
        yaxis={
            "range": [len(layers) - 0.5, -0.5],
            "tickvals": list(range(len(layers))),
            "ticktext": [text for text, _ in labels],
            "tickfont": {"size": LABEL_SIZE, "color": colours.ink},
            "ticklabelstandoff": 8,
            "showgrid": False,
        },
        shapes=[
            {
                "type": "rect",
                "xref": "x",
                "yref": "y domain",
                "x0": 0,
                "x1": 1,
                "y0": 0,
                "y1": 1,
                "fillcolor": colours.shade,
                "line": {"width": 0},
                "layer": "below",
            },
            *(
                {
                    "type": "line",
                    "xref": "x domain",
                    "yref": "y",
                    "x0": 0,
                    "x1": 1,
                    "y0": edge + 0.5,
                    "y1": edge + 0.5,
                    "line": {"color": colours.line, "width": 1},
                    "layer": "below",
                }
                for edge in range(len(layers) - 1)
            ),
        ],
        annotations=[
            _heading("index of each unit", 0, "left", colours),
            _heading("median", 1, "left", colours) | {"xshift": 12},
        ],
    )
    return figure


def _heading(text: str, x: float, anchor: str, colours: Palette) -> dict[str, Any]:
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": x,
        "y": 1,
        "xanchor": anchor,
        "yanchor": "bottom",
        "yshift": 3,
        "showarrow": False,
        "font": {"size": SIZE, "color": colours.muted},
    }


def _index(row: Row) -> float:
    """The index of a unit, NaN for a dead one and where there is none."""
    value = row.get("index")
    return math.nan if value is None or row.get("dead") else float(value)


def _label(
    layer: str, rows: Sequence[Row], groups: Sequence[str], colours: Palette
) -> tuple[str, list[str]]:
    """The name of a layer with what it lacks, as markup and as plain lines."""
    plain = [layer]
    for group in groups:
        here = [r for r in rows if str(r["layer"]) == layer and str(r.get("group") or "") == group]
        dead = sum(bool(r.get("dead")) for r in here)
        without = sum(not math.isfinite(_index(r)) for r in here) - dead
        parts = [f"{dead} dead"] * (dead > 0) + [f"{without} without index"] * (without > 0)
        if parts:
            plain.append(", ".join(parts) + (f" ({group})" if group else ""))
    notes = "".join(
        f"<br><span style='color:{colours.warn};font-size:14px'>{escape(text, quote=False)}</span>"
        for text in plain[1:]
    )
    return f"{escape(layer, quote=False)}{notes}", plain


def _group(
    g: int,
    group: str,
    groups: Sequence[str],
    rows: Sequence[Row],
    layers: Sequence[str],
    per_pixel: float,
    height: float,
    top: float,
    colours: Palette,
) -> list[go.Scatter]:
    """The units of a group as dots, and its medians as marks with their numbers."""
    xs: list[float] = []
    ys: list[float] = []
    texts: list[str] = []
    addresses: list[str] = []
    medians: tuple[list[float | None], list[float | None], list[str]] = ([], [], [])
    for place, layer in enumerate(layers):
        here = [r for r in rows if str(r["layer"]) == layer and str(r.get("group") or "") == group]
        others = [
            name
            for name in groups
            if any(str(r["layer"]) == layer and str(r.get("group") or "") == name for r in rows)
        ]
        found = [r for r in here if math.isfinite(_index(r))]
        if not found:
            continue
        share = 1 / len(others)
        middle = place - 0.5 + (others.index(group) + 0.5) * share
        values = np.array([_index(r) for r in found])
        reach = 0.42 * share
        offsets = swarm(values / per_pixel, DOT + 1) / height
        if np.abs(offsets).max() > reach:
            offsets *= reach / np.abs(offsets).max()
        xs += values.tolist()
        ys += (middle + offsets).tolist()
        texts += [_hover(r) for r in found]
        addresses += [str(r.get("address") or f"{layer}/{r.get('channel', '')}") for r in found]
        median = float(np.median(values))
        medians[0].extend([median, median, top, None])
        medians[1].extend([middle - reach, middle + reach, middle, None])
        medians[2].extend(["", "", f"  <b>{words.figure(median)}</b>", ""])
    colour = colours.series[(0, 3, 2, 4)[g % 4]]
    dots = go.Scatter(
        x=xs,
        y=ys,
        mode="markers",
        name=escape(group, quote=False) or "units",
        hovertext=texts,
        customdata=addresses,
        hovertemplate="%{hovertext}<extra></extra>",
        legendgroup=str(g),
        marker={
            "size": DOT,
            "symbol": SYMBOLS[g % 4],
            "color": colour,
            "opacity": 0.8,
            "line": {"width": 1, "color": colours.paper},
        },
    )
    return [dots, *_medians(medians, g, colour, len(groups) > 1, colours)]


def _medians(
    medians: tuple[list[float | None], list[float | None], list[str]],
    g: int,
    colour: str,
    several: bool,
    colours: Palette,
) -> list[go.Scatter]:
    x, y, text = medians
    marks = [i for i in range(len(x)) if i % 4 != 2]
    numbers = [i for i in range(len(x)) if i % 4 == 2]
    common = {"hoverinfo": "skip", "showlegend": False, "cliponaxis": False, "legendgroup": str(g)}
    return [
        go.Scatter(
            x=[x[i] for i in marks],
            y=[y[i] for i in marks],
            mode="lines",
            name="median",
            line={"color": colours.ink, "width": 4},
            **common,
        ),
        go.Scatter(
            x=[x[i] for i in numbers],
            y=[y[i] for i in numbers],
            text=[text[i] for i in numbers],
            mode="text",
            textposition="middle right",
            textfont={"size": NUMBER_SIZE, "color": colour if several else colours.ink},
            **common,
        ),
    ]


def _hover(row: Row) -> str:
    spread = row.get("spread")
    known = spread is not None and math.isfinite(spread)
    name = row.get("address") or f"{row['layer']}/{row.get('channel', '')}"
    return f"<b>{escape(str(name), quote=False)}</b><br>index {words.figure(_index(row))}" + (
        f", spread {words.figure(float(spread))}" if known and spread is not None else ""
    )


def swarm(positions: np.ndarray, size: float) -> np.ndarray:
    """Offsets (n,) that keep dots of diameter `size` at `positions` (n,) from overlapping.

    A beeswarm: in order of position each dot takes the free place nearest to the middle.
    """
    offsets = np.zeros(len(positions))
    order = np.argsort(positions, kind="stable")
    for rank, i in enumerate(order):
        near = [j for j in order[:rank] if positions[i] - positions[j] < size]
        blocked = [
            (offsets[j] - room, offsets[j] + room)
            for j in near
            for room in [math.sqrt(size**2 - (positions[i] - positions[j]) ** 2)]
        ]
        places = [0.0, *(edge for pair in blocked for edge in pair)]
        free = [p for p in places if all(not (a + 1e-9 < p < b - 1e-9) for a, b in blocked)]
        offsets[i] = min(free, key=lambda p: (abs(p), p))
    return offsets
