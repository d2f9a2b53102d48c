"""The loss, or another number, on the plane of two components, with the path and the null's."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from invis.trajectory.landscape import Landscape
from invis.views.base.frame import TOP, heading
from invis.views.base.theme import palette, template
from invis.views.trajectory.style import colour_axis, dots, tint

HEIGHT = 620
LEVELS = 14


def landscape_figure(
    known: Landscape,
    null_path: NDArray[np.float64] | None = None,
    dark: bool = False,
) -> go.Figure:
    """Contours as far as they are known, the path coloured by step, the null's curve behind.

    Args:
        known: a finished map or a snapshot of one.
        null_path: (T, 2) what the null draws on the same components, from `matched`.
    """
    colours = palette(dark)
    figure = go.Figure()
    figure.add_contour(
        x=known.x,
        y=known.y,
        z=[[float(v) if np.isfinite(v) else None for v in row] for row in known.values],
        connectgaps=True,
        ncontours=LEVELS,
        # Grey, so that colour means step alone; dark is low in both schemes.
        colorscale=[[0, colours.line], [1, colours.paper]],
        contours={"showlabels": True, "labelfont": {"color": colours.muted, "size": 13}},
        line={"color": colours.muted, "width": 0.7},
        showscale=False,
        name=known.name,
        hovertemplate=known.name + " %{z:.3g}<extra></extra>",
    )
    if null_path is not None:
        figure.add_scatter(
            x=null_path[:, 0],
            y=null_path[:, 1],
            mode="lines",
            line={"color": colours.null, "width": 3, "dash": "6px,4px"},
            name="random walk",
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=known.path[:, 0],
        y=known.path[:, 1],
        mode="lines+markers",
        line={"color": colours.ink, "width": 1},
        marker=dots(9, tint(known.steps), colours),
        name="path",
        customdata=np.stack([known.steps, known.distance], 1),
        hovertemplate="step %{customdata[0]}, %{customdata[1]:.3g} off the plane<extra></extra>",
    )
    first, second = (k + 1 for k in known.components)
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        margin={"l": 82, "r": 110, "t": TOP, "b": 64},
        title=heading(f"The {known.name} around the path", _trust(known), HEIGHT, colours),
        legend={"x": 0.01, "y": 0.99, "bgcolor": colours.paper},
        coloraxis=colour_axis(known.steps, colours, 0.5),
        xaxis={"title": {"text": f"component {first}"}, "showgrid": False},
        yaxis={"title": {"text": f"component {second}"}, "showgrid": False},
    )
    figure.update_coloraxes(colorbar={"x": 1.02, "xanchor": "left"})
    return figure


def _trust(known: Landscape) -> str:
    """How well the plane speaks for the checkpoints that it passes."""
    both = np.isfinite(known.own_values) & np.isfinite(known.plane_values)
    if not both.any():
        return "not yet compared with the checkpoints themselves"
    apart = np.abs(known.own_values - known.plane_values)[both]
    typical, worst = float(np.median(apart)), int(np.argmax(apart))
    step = known.steps[known.checked[both][worst]]
    return (
        f"on the plane the {known.name} differs from the checkpoints’ own by {typical:.2g} "
        f"typically, {apart[worst]:.2g} at step {step}"
    )
