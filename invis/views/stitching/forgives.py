"""Which transformation each similarity forgives, with a slider for its strength."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from invis.stitching.checks import matrix
from invis.stitching.forgiveness import forgiveness, transform_space
from invis.stitching.similarities import SIMILARITIES
from invis.views.base.theme import palette, template

HEIGHT = 560


def forgives_figure(
    points: ArrayLike,
    anchors: ArrayLike,
    transformation: str,
    *,
    centre: bool = True,
    scale: bool = True,
    steps: int = 11,
    strength: float | None = None,
    dark: bool = False,
) -> go.Figure:
    """The space on the left, each similarity's agreement with the untransformed space on the right.

    Args:
        points, anchors: (N, d) and (K, d).
        transformation: rotation, permutation, scaling, translation or shear.
        centre, scale: as in RelativeSpace; both False shows the bare similarity.
        steps: positions of the slider.
        strength: 0 to 1: show this one moment, without a slider.
        dark: the scheme.
    """
    colours = palette(dark)
    strengths = np.linspace(0, 1, steps).tolist() if strength is None else [strength]
    names = list(SIMILARITIES)
    scores = forgiveness(points, anchors, transformation, strengths, centre=centre, scale=scale)
    x = matrix("points", points)
    moved = [transform_space(x, transformation, s)[:, :2] for s in strengths]
    far = transform_space(x, transformation, 1.0)[:, :2]
    reach = 1.08 * max(float(np.abs(one).max()) for one in (x[:, :2], far, *moved))

    def traces(i: int) -> list[go.BaseTraceType]:
        shades = [colours.index if v > 0.99 else colours.spread for v in scores[:, i]]
        return [
            go.Scatter(
                x=moved[i][:, 0], y=moved[i][:, 1], mode="markers", hoverinfo="skip",
                marker={"size": 6, "color": colours.null, "opacity": 0.7},
            ),
            go.Bar(
                x=scores[:, i], y=names, orientation="h", marker={"color": shades},
                text=[f"{v:.2f}" for v in scores[:, i]], textposition="outside", cliponaxis=False,
                hovertemplate="%{y}: %{x:.3f}<extra></extra>",
            ),
        ]  # fmt: skip

    figure = make_subplots(
        1, 2, column_widths=[0.42, 0.58], horizontal_spacing=0.14,
        subplot_titles=["first two coordinates", "agreement with the space before (1: unchanged)"],
    )  # fmt: skip
    last = len(strengths) - 1
    for j, trace in enumerate(traces(last)):
        figure.add_trace(trace, row=1, col=j + 1)
    figure.update_layout(
        template=template(dark),
        title={"text": f"What a {transformation} changes", "y": 1 - 14 / HEIGHT},
        height=HEIGHT,
        showlegend=False,
        margin={"l": 50, "r": 60, "t": 100, "b": 110},
    )
    if strength is None:
        _slide(figure, [traces(i) for i in range(steps)], strengths, dark)
    figure.update_xaxes(range=[-reach, reach], row=1, col=1)
    figure.update_yaxes(range=[-reach, reach], row=1, col=1)
    figure.update_xaxes(range=[0, 1.12], tickvals=[0, 0.5, 1], row=1, col=2)
    figure.update_yaxes(autorange="reversed", row=1, col=2)
    return figure


def _slide(
    figure: go.Figure,
    moments: list[list[go.BaseTraceType]],
    strengths: list[float],
    dark: bool,
) -> None:
    """Give the figure a slider over its moments, which needs no Python."""
    colours = palette(dark)
    figure.frames = [
        go.Frame(data=data, traces=[0, 1], name=f"{s:.2f}")
        for data, s in zip(moments, strengths, strict=True)
    ]
    once = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}}
    slider = {
        "active": len(strengths) - 1,
        "currentvalue": {"prefix": "strength ", "font": {"color": colours.ink}},
        "font": {"color": colours.muted},
        "pad": {"t": 40},
        "steps": [
            {"label": f"{s:.1f}", "method": "animate", "args": [[f"{s:.2f}"], once]}
            for s in strengths
        ],
    }
    figure.update_layout(sliders=[slider])
