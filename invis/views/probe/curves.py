"""The probes of a unit: response curves beside the linear unit's, what explains the set, phase."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from invis.probe.curves import Curve
from invis.probe.family import Family
from invis.probe.gratings import PHASES
from invis.probe.probe import Probes
from invis.views.base.frame import TOP, heading
from invis.views.base.page import units_html
from invis.views.base.theme import LABEL_SIZE, Palette, palette, template

COLUMNS, ROW_HEIGHT = 2, 270
Array = NDArray[np.floating]


def curves_figure(found: Probes, dark: bool = False) -> go.Figure:
    """A panel a family: the reference, the set (mean, and from least to most), the linear unit."""
    colours = palette(dark)
    # Two values, such as the polarities, make no curve.
    names = [name for name, curve in found.curves.items() if len(curve.values) > 2]
    rows = -(-len(names) // COLUMNS)
    height = TOP + 104 + ROW_HEIGHT * rows
    figure = make_subplots(
        rows, COLUMNS, subplot_titles=names, vertical_spacing=95 / height, horizontal_spacing=0.1
    )
    for k, name in enumerate(names):
        place = {"row": k // COLUMNS + 1, "col": k % COLUMNS + 1}
        for trace in _panel(found.curves[name], colours, first=k == 0):
            figure.add_trace(trace, **place)
        figure.update_xaxes(title={"text": found.curves[name].family.axis, "standoff": 4}, **place)
    # Contrast doubles what the others share out: on one scale it would flatten them.
    kept = [found.curves[name] for name in names if found.curves[name].family.keeps_norm]
    figure.update_yaxes(range=_range(kept), zeroline=True, tickvals=[-1, 0, 1])
    for k, name in enumerate(names):
        if not found.curves[name].family.keeps_norm:
            figure.update_yaxes(
                range=_range([found.curves[name]]), tickvals=None,
                row=k // COLUMNS + 1, col=k % COLUMNS + 1,
            )  # fmt: skip
    figure.update_yaxes(title="share of the reference’s", col=1)
    figure.update_annotations(font={"size": LABEL_SIZE, "color": colours.ink})
    figure.update_layout(
        template=template(dark),
        height=height,
        margin={"l": 76, "r": 24, "t": TOP + 58, "b": 70},
        title=heading(found.address, found.sentence, height, colours),
        legend={
            "orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "yref": "paper",
            "font": {"size": LABEL_SIZE}, "entrywidth": 0,
        },
    )  # fmt: skip
    # Above the panels' names.
    figure.update_layout(legend_y=1 + 34 / (height - TOP - 128))
    return figure


def share_bars(
    names: Sequence[str],
    shares: Sequence[float],
    nulls: Sequence[float],
    claimed: Sequence[bool],
    colours: Palette,
) -> go.Figure:
    """A bar a family, from below: its share of the set, claimed or not, and a mark at the null."""
    figure = go.Figure()
    figure.add_bar(
        x=shares,
        y=names,
        orientation="h",
        marker={"color": [colours.index if one else colours.line for one in claimed]},
        hovertemplate="%{y} explains %{x:.1%} of the set<extra></extra>",
        showlegend=False,
    )
    figure.add_scatter(
        x=nulls,
        y=names,
        mode="markers",
        marker={"symbol": "line-ns", "size": 22, "line": {"width": 3, "color": colours.null}},
        name="19 of 20 linear units’ sets stay below",
        hovertemplate="%{x:.1%}<extra></extra>",
    )
    # To the right of both, so that no mark stands on a number.
    figure.add_scatter(
        x=np.maximum(shares, nulls),
        y=names,
        mode="text",
        text=[f" {100 * share:.0f} %" for share in shares],
        textposition="middle right",
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )
    return figure


def explained_figure(found: Probes, dark: bool = False) -> go.Figure:
    """What each family explains of the set: the unit's share beside that of linear units' sets."""
    colours = palette(dark)
    names = [name for name, _ in reversed(found.shares())]
    shares = [found.curves[name].explained for name in names]
    nulls = [float(np.quantile(found.curves[name].explained_null, 0.95)) for name in names]
    height = TOP + 34 * len(names) + 70
    claimed = [name in found.names for name in names]
    figure = share_bars(names, shares, nulls, claimed, colours)
    below = "the distance of the set from its reference that the best transformation removes"
    figure.update_layout(
        template=template(dark),
        height=height,
        margin={"l": 130, "r": 70, "t": TOP, "b": 60},
        title=heading("What explains the set", below, height, colours),
        xaxis={"range": [0, 1], "tickformat": ".0%", "showgrid": True},
        legend={"x": 1, "y": 0, "xanchor": "right", "yanchor": "bottom"},
    )
    return figure


def phase_figure(found: Probes, dark: bool = False) -> go.Figure:
    """The response to the best grating over its phase, which F1/F0 tells in a number."""
    colours, tuning = palette(dark), found.tuning
    degrees = 360 * np.arange(PHASES + 1) / PHASES
    rates = np.append(tuning.rates, tuning.rates[0])
    height = 420
    figure = go.Figure()
    figure.add_scatter(
        x=degrees, y=rates, mode="lines+markers", line={"color": colours.index, "width": 3},
        marker={"size": 9}, name="response above grey", showlegend=False,
        hovertemplate="%{x:.0f}°: %{y:.2f}<extra></extra>",
    )  # fmt: skip
    modulation = f"{tuning.f1_f0:.2f}" if math.isfinite(tuning.f1_f0) else "none, it stays silent"
    below = (
        f"{tuning.frequency:.2f} c/px, tilted {tuning.orientation:.0f} degrees; F1/F0 {modulation} "
        "(a rectified linear unit: 1.57)"
    )
    figure.update_layout(
        template=template(dark),
        height=height,
        margin={"l": 76, "r": 24, "t": TOP, "b": 64},
        title=heading("The best grating, over its phase", below, height, colours),
        xaxis={"title": "phase, degrees", "tickvals": [0, 90, 180, 270, 360]},
        yaxis={"title": "share of the reference’s", "rangemode": "tozero"},
    )
    return figure


def probe_figures(found: Probes, dark: bool = False) -> list[go.Figure]:
    """All pictures of one unit's probes."""
    return [make(found, dark) for make in (explained_figure, curves_figure, phase_figure)]


def probe_html(found: list[Probes]) -> str:
    """One page that needs no network."""
    return units_html(found, probe_figures, "Probes of")


def _panel(curve: Curve, colours: Palette, first: bool) -> list[go.Scatter]:
    """The set as a band with its mean, the reference, and the linear unit."""
    family = curve.family
    x, response, null = _line(family, curve.values, curve.response[None], curve.null[None])
    sx, least, mean, most = _line(
        family, curve.set_values, *(f(curve.set_response, axis=0, keepdims=True) for f in _SPREAD)
    )
    shared: dict[str, Any] = {"mode": "lines", "hoverinfo": "skip", "showlegend": first}
    soft = {"line": {"width": 0}, "legendgroup": "set"}
    return [
        go.Scatter(x=sx, y=least, **shared | {"showlegend": False} | soft),
        go.Scatter(
            x=sx, y=most, fill="tonexty", fillcolor=_faint(colours.spread), name="set, all images",
            **shared | soft,
        ),
        go.Scatter(
            x=sx, y=mean, name="set, mean", line={"color": colours.spread, "width": 2.5}, **shared
        ),
        go.Scatter(
            x=x, y=null, name="linear unit",
            line={"color": colours.null, "width": 2.5, "dash": "6px,4px"}, **shared,
        ),
        go.Scatter(
            x=x, y=response, name="reference", line={"color": colours.index, "width": 3.5},
            **shared | {"hoverinfo": "x+y"},
        ),
    ]  # fmt: skip


def _range(curves: list[Curve]) -> list[float]:
    """From the lowest response of unit or linear unit to the highest, with room."""
    both = np.concatenate([np.r_[one.response, one.null] for one in curves])
    low, high = min(float(both.min()), 0.0), max(float(both.max()), 1.0)
    room = 0.08 * (high - low)
    return [max(low, -1.2) - room, high + room]


_SPREAD = (np.min, np.mean, np.max)


def _line(family: Family, values: Array, *rows: Array) -> tuple[Array, ...]:
    """Parameter and responses as a line: shifts along rows, random members as means over draws."""
    lines = [row[0] for row in rows]
    if values.ndim == 2:
        along = np.isclose(values[:, 0], 0, atol=1e-6)
        order = np.argsort(values[along, 1], kind="stable")
        return (values[along, 1][order], *(line[along][order] for line in lines))
    found = [one.reshape(-1, family.draws).mean(1) for one in (values, *lines)]
    if family.period is not None:
        # Once around.
        ends = [family.period, *(line[0] for line in found[1:])]
        found = [np.append(one, end) for one, end in zip(found, ends, strict=True)]
    return tuple(found)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.22)"
