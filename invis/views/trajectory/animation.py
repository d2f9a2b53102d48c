"""A trajectory that draws itself, with a scrubber over steps, and its null beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.trajectory.matching import matched
from invis.trajectory.nulls import Null
from invis.trajectory.pca import PCA
from invis.views.base.frame import TOP, heading
from invis.views.base.theme import Palette, palette, template
from invis.views.trajectory.style import NAMES

HEIGHT = 640
FRAMES, MILLISECONDS = 120, 60
# Traces that frames change: each path up to now, and where it is now.
MOVING = (2, 3, 4, 5)


def animation_figure(
    found: PCA, null: Null, components: tuple[int, int] = (0, 1), dark: bool = False
) -> go.Figure:
    """Two components over steps, observed and null at the same moment.

    Raises:
        InvisError: if there are no two such components.
    """
    i, j = components
    if not 0 <= i < j < len(found.eigenvalues):
        raise InvisError(
            f"components {components!r} don't exist: give two, rising, of 0 to "
            f"{len(found.eigenvalues) - 1}."
        )
    colours = palette(dark)
    observed = found.scores[:, [i, j]]
    walked = matched(found, null).curves[:, [i, j]]
    names, shades = ("observed", NAMES[null.name]), (colours.index, colours.spread)
    both = (observed, walked)
    figure = go.Figure(
        data=[
            *(_line(path, colours.line, 1.5) for path in both),
            *_moment(both, len(observed), shades, names),
        ]
    )
    moments = np.unique(
        np.linspace(0, len(observed) - 1, min(FRAMES, len(observed))).round().astype(int)
    ).tolist()
    figure.frames = [
        go.Frame(name=str(found.steps[t]), traces=MOVING, data=_moment(both, t + 1, shades, names))
        for t in moments
    ]
    edges = 1.15 * np.abs(np.vstack(both)).max(0)
    below = f"step by step; the {names[1]} has no purpose"
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        margin={"l": 60, "r": 24, "t": TOP, "b": 150},
        title=heading("The trajectory in motion", below, HEIGHT, colours),
        legend={"x": 1, "y": 1, "xanchor": "right", "yanchor": "top"},
        xaxis=_axis(found, i, edges[0]),
        yaxis=_axis(found, j, edges[1]),
        sliders=[_slider([str(found.steps[t]) for t in moments], colours)],
        updatemenus=[_buttons(colours)],
    )
    return figure


def _line(path: NDArray[np.float64], colour: str, width: float) -> go.Scatter:
    return go.Scatter(
        x=path[:, 0],
        y=path[:, 1],
        mode="lines",
        line={"color": colour, "width": width},
        showlegend=False,
        hoverinfo="skip",
    )


def _moment(
    both: tuple[NDArray[np.float64], ...],
    count: int,
    shades: tuple[str, ...],
    names: tuple[str, ...],
) -> list[go.Scatter]:
    """The first `count` points of each path, and the last of them."""
    traces = []
    for path, colour, name, symbol in zip(both, shades, names, ("circle", "diamond"), strict=True):
        past = _line(path[:count], colour, 2.5)
        past.update(name=name, showlegend=True)
        now = go.Scatter(
            x=path[count - 1 : count, 0],
            y=path[count - 1 : count, 1],
            mode="markers",
            marker={"size": 13, "color": colour, "symbol": symbol},
            showlegend=False,
            hoverinfo="skip",
        )
        traces += [past, now]
    return traces


def _axis(found: PCA, k: int, edge: float) -> dict[str, Any]:
    return {
        "title": {"text": f"component {k + 1}, {100 * found.ratios[k]:.3g} %"},
        "range": [-edge, edge],
        "showticklabels": False,
        "showgrid": False,
    }


def _slider(steps: list[str], colours: Palette) -> dict[str, Any]:
    still = {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}
    return {
        "active": len(steps) - 1,
        "currentvalue": {"prefix": "step ", "font": {"color": colours.ink}, "xanchor": "left"},
        "steps": [{"label": s, "method": "animate", "args": [[s], still]} for s in steps],
        "x": 0.14,
        "len": 0.86,
        "y": -0.12,
        "pad": {"t": 8},
        "bgcolor": colours.shade,
        "activebgcolor": colours.index,
        "bordercolor": colours.line,
        "ticklen": 0,
        "minorticklen": 0,
        # As many labels as fit would run into one another.
        "font": {"color": "rgba(0,0,0,0)"},
    }


def _buttons(colours: Palette) -> dict[str, Any]:
    play = {
        "frame": {"duration": MILLISECONDS, "redraw": False},
        "transition": {"duration": 0},
        "fromcurrent": False,
        "mode": "immediate",
    }
    pause = {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 0,
        "y": -0.2,
        "xanchor": "left",
        "yanchor": "top",
        "bgcolor": colours.shade,
        "bordercolor": colours.line,
        "font": {"color": colours.ink},
        "buttons": [
            {"label": "▶", "method": "animate", "args": [None, play]},
            {"label": "❚❚", "method": "animate", "args": [[None], pause]},
        ],
    }
