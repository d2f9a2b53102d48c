"""How far each checkpoint lies from the plane that a trajectory is drawn on, with the null's."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from invis.trajectory.matching import matched
from invis.trajectory.nulls import Null
from invis.trajectory.pca import PCA
from invis.views.base.frame import TOP, heading
from invis.views.base.theme import palette, template
from invis.views.trajectory.style import NAMES, uneven

HEIGHT = 440


def distance_figure(found: PCA, null: Null, dark: bool = False) -> go.Figure:
    """Distance from the plane of the first two components over steps.

    In units of the trajectory's root mean square distance from its mean: where the line reaches 1,
    a contour map on the plane tells nothing about that step.
    """
    colours = palette(dark)
    size = float(np.sqrt(found.eigenvalues.sum() / len(found.steps)))
    steps = found.steps - found.steps[0] + (1 if uneven(found.steps) else 0)
    share = 100 * (1 - found.ratios[:2].sum())
    left_out = f"{share:.3g} % of the variance lies outside components 1 and 2"
    axis: dict[str, Any] = {"title": {"text": "step"}}
    if uneven(found.steps):
        ends = [0, float(np.log10(steps[-1]))]
        powers = 10 ** np.arange(int(ends[1]) + 1)
        axis |= {
            "type": "log",
            "range": [ends[0] - 0.02 * ends[1], 1.02 * ends[1]],
            "tickvals": powers.tolist(),
            "ticktext": [
                f"{power + found.steps[0] - 1 if power == 1 else power}" for power in powers
            ],
        }
    chance = matched(found, null).distance / size
    observed = found.distance_from_plane() / size if len(found.ratios) > 2 else 0.0 * steps
    top = max(float(np.max(chance)), float(np.max(observed)))
    figure = go.Figure()
    figure.add_scatter(
        x=steps,
        y=chance,
        mode="lines",
        line={"color": colours.null, "width": 2.5},
        name=NAMES[null.name],
        hovertemplate="%{y:.2f}",
    )
    figure.add_scatter(
        x=steps,
        y=observed,
        mode="lines+markers",
        line={"color": colours.index, "width": 2},
        marker={"size": 7},
        name="observed",
        customdata=found.steps,
        hovertemplate="%{y:.2f} at step %{customdata}",
    )
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        margin={"l": 96, "r": 24, "t": TOP, "b": 64},
        title=heading("What the plane leaves out", left_out, HEIGHT, colours),
        legend={"x": 0.01, "y": 1, "xanchor": "left", "yanchor": "top"},
        hovermode="x unified",
        xaxis=axis,
        # A walk is farthest at its ends, where it would run through the legend.
        yaxis={"title": {"text": "distance from the plane"}, "range": [0, 1.35 * top or 1]},
    )
    return figure
