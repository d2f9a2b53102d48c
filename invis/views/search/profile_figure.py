"""Profiles: index and spread against the floor, on the scale where a linear unit is a flat line.

The floor goes as 1 - alpha^2 on a logarithmic axis, index and spread on another. A linear unit lies
at 1, a smooth maximum runs level somewhere, and an invariance climbs as the ceiling does, which is
what no two images can exceed: a slope is half of kappa.
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
from invis.views.base.frame import TOP, heading
from invis.views.base.page import figures_html
from invis.views.base.theme import SIZE, Palette, palette, template
from invis.views.search.set_figure import set_figure

LEFT, RIGHT, BOTTOM, PANEL = 92, 40, 78, 380
MARKS = ("circle", "square", "triangle-up", "cross", "star", "hexagon")
TICKS = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24)


def profile_figure(
    profiles: Sequence[Dataset], dark: bool = False, width: int | None = None
) -> go.Figure:
    """Index (solid) and spread (dotted) of each profile over its floors.

    Trace 0 is the linear unit, trace 1 the ceiling; each profile then has two.

    Raises:
        InvisError: for an empty list, or where all units are dead.
    """
    living = [ds for ds in profiles if not ds.attrs.get("dead")]
    if not living:
        raise InvisError("profiles is empty or holds dead units only: there is nothing to draw")
    colours = palette(dark)
    floors = np.unique(np.concatenate([ds["alpha"].values for ds in living]))
    # A little beyond the outermost floors.
    ends = [1.06 * (1 - floors[0] ** 2), (1 - floors[-1] ** 2) / 1.3]
    fine = np.geomspace(ends[0], ends[1], 60)
    top = 1.12 / math.sqrt(ends[1])
    low = min(0.8, *(float(np.nanmin(ds["index"].values)) / 1.15 for ds in living))
    height = TOP + PANEL + BOTTOM
    figure = go.Figure(
        [
            _level("a linear unit", ends, [1, 1], colours.null, "solid"),
            _level("the ceiling", fine, 1 / np.sqrt(fine), colours.null, "5px,5px"),
        ]
    )
    for k, ds in enumerate(living):
        figure.add_traces(_lines(ds, k, colours, len(living) > 1))
    several = len(living) > 1
    title = f"Profiles of {len(living)} units" if several else f"Profile of {_name(living[0])}"
    figure.update_layout(
        template=template(dark),
        width=width,
        height=height,
        margin={"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM},
        title=heading(title, said(living), height, colours),
        showlegend=several,
        legend={"x": 0.02, "y": 0.98, "xanchor": "left", "yanchor": "top"},
        xaxis={
            "type": "log",
            "range": [math.log10(ends[0]), math.log10(ends[1])],
            "tickvals": (1 - floors**2).tolist(),
            "ticktext": [words.percent(float(floor)) for floor in floors],
            "title": {"text": "activation that every image keeps, as log(1 − α²)"},
            "showgrid": True,
        },
        yaxis={
            "type": "log",
            "range": [math.log10(low), math.log10(top)],
            "tickvals": [tick for tick in TICKS if low <= tick <= top],
            "ticktext": [f"{tick:g} " for tick in TICKS if low <= tick <= top],
            "title": {"text": "against a linear unit"},
        },
        annotations=[
            _note("a linear unit", ends[1], 1, "bottom", colours),
            _note("the ceiling", ends[1], 1 / math.sqrt(ends[1]), "top", colours),
        ],
    )
    return figure


def profile_html(profiles: Sequence[Dataset]) -> str:
    """Profiles on one page that needs no network; of a single unit with its sets at both ends."""
    living = [ds for ds in profiles if not ds.attrs.get("dead")]
    title = _name(profiles[0]) if len(profiles) == 1 else f"{len(profiles)} units"
    light, dark = (_figures(living, scheme) for scheme in (False, True))
    return figures_html(light, dark, f"Profile of {title}" + ("" if living else ": dead"))


def said(profiles: Sequence[Dataset]) -> str:
    """What profiles come to, in one line."""
    values = [words.number(ds.attrs, "kappa") for ds in profiles]
    known = [value for value in values if value is not None]
    if len(profiles) > 1:
        median = words.figure(float(np.median(known)) if known else None)
        return f"median kappa {median}; 0 is a linear unit or a smooth maximum, 1 an exact orbit"
    a = profiles[0].attrs
    low, high = words.number(a, "kappa_low"), words.number(a, "kappa_high")
    interval = "" if low is None else f" ({words.figure(low)} to {words.figure(high)})"
    most = a["packing"] == a["packing_most"]
    return (
        f"kappa {words.figure(values[0])}{interval}, of the spread "
        f"{words.figure(words.number(a, 'kappa_spread'))}; {a['packing']}"
        f"{' or more' if most else ''} images fit {a['packing_distance']:g} R apart at "
        f"{words.percent(a['packing_alpha'])} (linear: {limit(a['packing_null'])})"
    )


def limit(packing_null: float) -> str:
    """How many images a linear unit allows."""
    return f"{packing_null:.0f}" if math.isfinite(packing_null) else "any number"


def _figures(living: Sequence[Dataset], dark: bool) -> list[go.Figure]:
    from invis.search.profile_result import set_at

    if not living:
        return []
    figures = [profile_figure(living, dark)]
    if len(living) == 1:
        floors = living[0]["alpha"].values
        figures += [set_figure(set_at(living[0], float(a)), dark) for a in (floors[0], floors[-1])]
    return figures


def _name(ds: Dataset) -> str:
    return str(ds.attrs.get("address", "a unit"))


def _level(name: str, x: Any, y: Any, colour: str, dash: str) -> go.Scatter:
    return go.Scatter(
        mode="lines", name=name, x=list(x), y=list(y), hoverinfo="skip", showlegend=False,
        line={"color": colour, "width": 2.5, "dash": dash},
    )  # fmt: skip


def _lines(ds: Dataset, k: int, colours: Palette, several: bool) -> list[go.Scatter]:
    """Index and spread of one profile."""
    x = (1 - ds["alpha"].values ** 2).tolist()
    name = escape(_name(ds), quote=False)
    pair = (colours.series[k % len(colours.series)],) * 2 if several else (
        colours.index, colours.spread,
    )  # fmt: skip
    marks = MARKS[k % len(MARKS)] if several else "circle", "diamond-open"
    hover = [
        f"{alpha:.0%}: index {index:.2f}, spread {spread:.2f}<br>{heaps} heaps, {islands} islands"
        + ("" if converged else "<br>not converged")
        for alpha, index, spread, heaps, islands, converged in zip(
            *(ds[key].values for key in
              ("alpha", "index", "spread", "heaps", "islands", "converged")),
            strict=True,
        )
    ]  # fmt: skip
    return [
        go.Scatter(
            mode="lines+markers", name=name if measure == "index" else f"{name}, spread", x=x,
            y=ds[measure].values.astype(float).tolist(), legendgroup=str(k),
            showlegend=several and measure == "index", cliponaxis=False,
            line={"color": colour, "width": 3, "dash": dash}, marker={"size": 11, "symbol": mark},
            hovertext=hover, hovertemplate=f"<b>{name}</b><br>%{{hovertext}}<extra></extra>",
        )
        for measure, colour, dash, mark in zip(
            ("index", "spread"), pair, ("solid", "2px,4px"), marks, strict=True
        )
    ]  # fmt: skip


def _note(text: str, x: float, y: float, anchor: str, colours: Palette) -> dict[str, Any]:
    return {
        "text": text, "xref": "x", "yref": "y", "x": math.log10(x), "y": math.log10(y),
        "xanchor": "right", "yanchor": anchor, "showarrow": False, "xshift": -6,
        "font": {"size": SIZE, "color": colours.muted},
    }  # fmt: skip
