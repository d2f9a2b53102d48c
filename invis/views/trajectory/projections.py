"""Projections of a trajectory on pairs and triples of components, with a null's curve behind.

The null is scaled to the observed amplitude of each component: the picture compares shapes, the
spectrum compares sizes. Numbers r tell how alike the course of each component and the null's are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from invis.errors import InvisError
from invis.trajectory.matching import matched
from invis.trajectory.nulls import Null
from invis.trajectory.pca import PCA
from invis.views.base.frame import TOP, heading
from invis.views.base.theme import Palette, palette, template
from invis.views.trajectory.style import NAMES, colour_axis, dots, tint

PANEL, BOTTOM, SPACE_HEIGHT = 230, 76, 640


def projections_figure(
    found: PCA, null: Null, components: int = 4, dark: bool = False
) -> go.Figure:
    """A triangle of panels, one for each pair of the first components, coloured by step.

    Args:
        found: the observed PCA.
        null: at the same times; its Lissajous curve is drawn behind.
        components: how many, at least 2.

    Raises:
        InvisError: if there are fewer than 2 components.
    """
    count = _checked(found, components, 2)
    colours, side = palette(dark), count - 1
    laid = matched(found, null)
    figure = make_subplots(
        rows=side,
        cols=side,
        shared_xaxes="columns",
        shared_yaxes="rows",
        horizontal_spacing=0.05,
        vertical_spacing=0.05,
        specs=[[{} if col <= row else None for col in range(side)] for row in range(side)],
    )
    shades = tint(found.steps)
    height = TOP + BOTTOM + (PANEL * side if side > 1 else 360)
    both = np.vstack([laid.curves[:, :count], found.scores[:, :count]])
    edges = 1.12 * np.abs(both).max(0)
    for row in range(side):
        for col in range(row + 1):
            first = row == col == 0
            pair = (col, row + 1)
            where = {"row": row + 1, "col": col + 1}
            for trace in _panel(found, null, laid.curves, pair, shades, colours, first):
                figure.add_trace(trace, **where)
            bare = {"showticklabels": False, "showgrid": False}
            figure.update_xaxes(range=[-edges[col], edges[col]], **bare, **where)
            figure.update_yaxes(range=[-edges[row + 1], edges[row + 1]], **bare, **where)
            if row == side - 1:
                figure.update_xaxes(title_text=_label(found, laid.likeness, col), **where)
            if col == 0:
                figure.update_yaxes(title_text=_label(found, laid.likeness, row + 1), **where)
    figure.update_xaxes(zeroline=True, zerolinecolor=colours.line)
    figure.update_yaxes(zeroline=True, zerolinecolor=colours.line)
    figure.update_layout(
        template=template(dark),
        height=height,
        margin={"l": 76, "r": 24, "t": TOP, "b": BOTTOM},
        title=_title(found, null, height, colours),
        legend={"x": 1, "y": 1, "xanchor": "right", "yanchor": "top"},
        coloraxis=colour_axis(found.steps, colours, 0.6 if side > 1 else 0.4),
    )
    return figure


def space_figure(found: PCA, null: Null, dark: bool = False) -> go.Figure:
    """The first three components in space, coloured by step, with the null's curve.

    Raises:
        InvisError: if there are fewer than 3 components.
    """
    _checked(found, 3, 3)
    colours, laid, shades = palette(dark), matched(found, null), tint(found.steps)
    x, y, z = found.scores[:, :3].T
    figure = go.Figure()
    figure.add_scatter3d(
        **dict(zip("xyz", laid.curves[:, :3].T, strict=True)),
        mode="lines",
        line={"color": colours.null, "width": 4},
        name=NAMES[null.name],
        hoverinfo="skip",
    )
    figure.add_scatter3d(
        x=x,
        y=y,
        z=z,
        mode="lines+markers",
        line={"color": colours.muted, "width": 2},
        marker=dots(4, shades, colours),
        name="observed",
        customdata=found.steps,
        hovertemplate="step %{customdata}<extra></extra>",
    )
    figure.add_scatter3d(
        x=x[:1],
        y=y[:1],
        z=z[:1],
        mode="text+markers",
        text=["start"],
        marker={"size": 7, "color": colours.ink, "symbol": "circle-open"},
        showlegend=False,
        hoverinfo="skip",
    )
    axis = {
        "showticklabels": False,
        "backgroundcolor": colours.paper,
        "gridcolor": colours.line,
        "zerolinecolor": colours.line,
    }
    figure.update_layout(
        template=template(dark),
        height=SPACE_HEIGHT,
        margin={"l": 8, "r": 24, "t": TOP, "b": 8},
        title=_title(found, null, SPACE_HEIGHT, colours),
        legend={"x": 1, "y": 1, "xanchor": "right", "yanchor": "top"},
        coloraxis=colour_axis(found.steps, colours, 0.45),
        scene={
            f"{name}axis": axis | {"title": {"text": f"{k + 1}: {100 * found.ratios[k]:.3g} %"}}
            for k, name in enumerate("xyz")
        }
        | {"aspectmode": "cube", "camera": {"eye": {"x": 1.5, "y": -1.5, "z": 0.9}}},
        dragmode="turntable",
    )
    return figure


def _panel(
    found: PCA,
    null: Null,
    curves: NDArray[np.float64],
    pair: tuple[int, int],
    shades: NDArray[np.float64],
    colours: Palette,
    first: bool,
) -> list[go.Scatter]:
    i, j = pair
    x, y = found.scores[:, i], found.scores[:, j]
    return [
        go.Scatter(
            x=curves[:, i],
            y=curves[:, j],
            mode="lines",
            line={"color": colours.null, "width": 3},
            opacity=0.55,
            name=f"{NAMES[null.name]} (Lissajous curve)",
            showlegend=first,
            hoverinfo="skip",
        ),
        go.Scatter(
            x=x,
            y=y,
            mode="lines+markers",
            line={"color": colours.muted, "width": 1},
            marker=dots(8, shades, colours),
            name="observed",
            showlegend=first,
            customdata=found.steps,
            hovertemplate="step %{customdata}<extra></extra>",
        ),
        go.Scatter(
            x=x[:1],
            y=y[:1],
            mode="markers",
            marker={"size": 15, "symbol": "circle-open", "color": colours.ink, "line_width": 2},
            name="start",
            showlegend=first,
            hoverinfo="skip",
        ),
    ]


def _checked(found: PCA, wanted: int, least: int) -> int:
    count = min(wanted, len(found.eigenvalues))
    if count < least:
        raise InvisError(
            f"found has {len(found.eigenvalues)} components: this picture needs {least}."
        )
    return count


def _label(found: PCA, likeness: NDArray[np.float64], k: int) -> str:
    return f"component {k + 1}<br>{100 * found.ratios[k]:.3g} %, r = {likeness[k]:.2f}"


def _title(found: PCA, null: Null, height: int, colours: Palette) -> dict[str, Any]:
    what = "The trajectory" if found.layer is None else f"The trajectory of {found.layer}"
    article = "an" if null.name == "ou" else "a"
    below = "r: how alike the courses of a component and of the null’s are; 1 is the same"
    return heading(f"{what} and {article} {NAMES[null.name]}", below, height, colours)
