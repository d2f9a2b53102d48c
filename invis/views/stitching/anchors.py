"""How many anchors it takes: score against their number, method by method."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from xarray import Dataset

from invis.views.base.theme import palette, template
from invis.views.stitching.matrix import NAMES

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x")
HEIGHT = 560


def anchors_figure(sweep: Dataset, dark: bool = False) -> go.Figure:
    """Mean score of the stitched pairs with the SD over seeds; nulls are dashed and grey.

    Args:
        sweep: a result of `anchor_sweep_steps`.
        dark: the scheme.
    """
    colours = palette(dark)
    other = ~np.eye(sweep.sizes["encoder"], dtype=bool)
    figure = go.Figure()
    shown = 0
    for i, label in enumerate(sweep["technique"].values):
        pairs = sweep["score"].values[:, i][:, :, other]
        seeds = np.nanmean(pairs, axis=2)
        null = bool(sweep["null"].values[i])
        colour = colours.null if null else colours.series[shown % len(colours.series)]
        figure.add_scatter(
            x=sweep["anchors"].values,
            y=seeds.mean(axis=1),
            error_y={"array": seeds.std(axis=1, ddof=min(1, seeds.shape[1] - 1)), "width": 4},
            name=f"{label} (null)" if null else str(label),
            mode="lines+markers",
            line={"color": colour, "width": 2.5, "dash": "dash" if null else "solid"},
            marker={"size": 10, "symbol": SYMBOLS[i % len(SYMBOLS)]},
            hovertemplate="%{x} anchors: %{y:.3f}",
        )
        shown += not null
    figure.add_hline(y=sweep.attrs["chance"], line={"color": colours.muted, "dash": "dot"})
    figure.update_layout(
        template=template(dark),
        title={"text": "How many anchors it takes", "y": 1 - 14 / HEIGHT},
        height=HEIGHT,
        margin={"l": 80, "r": 20, "t": 70, "b": 70},
        xaxis={
            "title": {"text": "anchors"},
            "type": "log",
            "tickvals": sweep["anchors"].values,
            "ticktext": [str(n) for n in sweep["anchors"].values],
        },
        yaxis={"title": {"text": f"{NAMES[sweep.attrs['task']]} of stitched pairs"}},
    )
    return figure
