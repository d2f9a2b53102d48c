"""Explained variance of a trajectory on log axes, against the random walk it must beat."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from invis.trajectory.fit import Comparison
from invis.trajectory.nulls import limit_ratios
from invis.trajectory.pca import PCA
from invis.trajectory.simulate import band
from invis.views.base.frame import TOP, heading
from invis.views.base.theme import Palette, palette, rgb, template
from invis.views.trajectory.style import NAMES, parameters_text, verdict

COMPONENTS = 30
HEIGHT = 560
# Smaller shares are below the picture.
SMALLEST = 1e-5
MOST_SAMPLES, FEWEST_SAMPLES = 100, 40
# Ends of the band that differ by less look like one line.
VISIBLE = 1.1


Bounds = tuple[NDArray[np.float64], NDArray[np.float64]]


def walk_band(found: PCA, comparison: Comparison) -> Bounds:
    """Between which shares 95 % of the random walks of the same length and dimension lie."""
    samples = MOST_SAMPLES if len(found.steps) <= 200 else FEWEST_SAMPLES
    return band(comparison.fits["walk"].null, found.parameters, samples=samples)


def spectrum_figure(
    found: PCA, comparison: Comparison, dark: bool = False, bounds: Bounds | None = None
) -> go.Figure:
    """Explained-variance ratios with the walk's, its limit 6/(pi^2 k^2), and the nearest null.

    The shaded band is `bounds`, or `walk_band`, which takes a moment.
    """
    colours = palette(dark)
    count = min(len(found.ratios), COMPONENTS)
    ks = np.arange(1, count + 1)
    walk = comparison.fits["walk"].null
    low, high = walk_band(found, comparison) if bounds is None else bounds
    nearest = min(comparison.fits, key=lambda name: comparison.fits[name].bic)
    figure = go.Figure(layout=_layout(comparison, colours, count, float(found.ratios[count - 1])))
    figure.update_layout(template=template(dark))
    figure.add_scatter(
        x=[*ks, *ks[::-1]],
        y=[*high[:count], *low[:count][::-1]],
        fill="toself",
        fillcolor=_translucent(colours.null, 0.25),
        line={"width": 0},
        name="95 % of such walks",
        hoverinfo="skip",
        # In many dimensions all walks have one spectrum.
        showlegend=bool((high[:count] > VISIBLE * low[:count]).any()),
    )
    figure.add_scatter(
        x=ks,
        y=limit_ratios(count),
        mode="lines",
        line={"color": colours.muted, "width": 1.5, "dash": "dot"},
        name="6/(π²k²)",
        hovertemplate="%{y:.3g}",
    )
    figure.add_scatter(
        x=ks,
        y=walk.ratios[:count],
        mode="lines",
        line={"color": colours.null, "width": 2.5},
        name="random walk at these steps",
        hovertemplate="%{y:.3g}",
    )
    if nearest != "walk":
        null = comparison.fits[nearest].null
        figure.add_scatter(
            x=ks,
            y=null.ratios[:count],
            mode="lines",
            line={"color": colours.spread, "width": 2.5, "dash": "6px,4px"},
            name=f"{NAMES[nearest]} ({parameters_text(null.parameters)})",
            hovertemplate="%{y:.3g}",
        )
    figure.add_scatter(
        x=ks,
        y=found.ratios[:count],
        mode="markers",
        marker={"color": colours.index, "size": 10, "line": {"color": colours.paper, "width": 1}},
        name="observed",
        hovertemplate="%{y:.3g}",
    )
    return figure


def _layout(comparison: Comparison, colours: Palette, count: int, least: float) -> dict[str, Any]:
    return {
        "height": HEIGHT,
        "margin": {"l": 96, "r": 24, "t": TOP, "b": 64},
        "title": heading(
            "Explained variance against a random walk", verdict(comparison), HEIGHT, colours
        ),
        "legend": {"x": 0.02, "y": 0.02, "xanchor": "left", "yanchor": "bottom"},
        "hovermode": "x unified",
        "xaxis": {
            "type": "log",
            "title": {"text": "component k"},
            "tickvals": [k for k in (1, 2, 3, 5, 10, 20, 30) if k <= count],
            "range": [-0.04, float(np.log10(max(count, 2))) + 0.04],
        },
        "yaxis": {
            "type": "log",
            "title": {"text": "share of the variance"},
            "tickvals": [10.0**-k for k in range(6)],
            "ticktext": ["100 %", "10 %", "1 %", "0.1 %", "0.01 %", "0.001 %"],
            "range": [float(np.log10(np.clip(least, SMALLEST, 1e-3))) - 0.15, 0.15],
        },
    }


def _translucent(colour: str, opacity: float) -> str:
    return f"rgba{(*rgb(colour), opacity)}"
