"""A morph to scrub through: its frames over its fractions, with the straight line that leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from xarray import Dataset

from invis.views.base import words
from invis.views.base.images import data_uri, enlarged, grey_of, is_smooth, stretched
from invis.views.base.page import figures_html
from invis.views.base.theme import LABEL_SIZE, Palette, palette
from invis.views.base.tiles import picture_trace
from invis.views.search.morph_frame import (
    HEAD,
    PICTURE,
    TILE,
    MorphFrame,
    axis_top,
    buttons,
    display_factor,
    layout,
    slider,
)

# The places of the traces that frames change: the two pictures, their captions, dots and cursor.
MOVING = (0, 1, 2, 3, 4, 5)
PATHS = (
    ("morph", "fraction", "frames", "solid", "circle"),
    ("straight line", "straight_fraction", "straight_frames", "dash", "diamond"),
    ("cross-fade", "fade_fraction", "fade_frames", "dot", "square"),
)


def morph_figure(found: Dataset, dark: bool = False, width: int | None = None) -> go.Figure:
    """The frames of a morph and of the straight line, what the unit keeps of each, and a slider.

    Beneath the two pictures, curves of the share of the reference between a strip of the morph's
    frames and one of the straight line's; the ground is darker where an image is not in the set.

    Args:
        found: what `invis.search.morph.morph` returned.
        width: in pixels; without one the figure fills what it is put into.
    """
    colours = palette(dark)
    frame = MorphFrame(found, width)
    count = found.sizes["frame"]
    shown = _pictures(found)
    figure = go.Figure(
        [*_moment(found, shown, 0, colours), *_curves(found, colours)], layout(found, frame, dark)
    )
    figure.frames = [
        go.Frame(name=str(k), traces=MOVING, data=_moment(found, shown, k, colours))
        for k in range(count)
    ]
    figure.update_layout(
        images=[
            image
            for row, name in zip(("morph", "straight"), ("frames", "straight_frames"), strict=True)
            for image in _strip(found, shown[name], frame, row)
        ],
        sliders=[slider(count, colours, frame)],
        updatemenus=[buttons(colours, frame)],
    )
    return figure


def morph_html(found: Dataset) -> str:
    """The figure on one page that needs no network, light or dark by the reader."""
    light, dark = ([morph_figure(found, scheme)] for scheme in (False, True))
    return figures_html(light, dark, f"A morph of {found.attrs['address']}")


def _pictures(found: Dataset) -> dict[str, NDArray[np.uint8]]:
    """All frames as they are displayed, stretched by one factor."""
    grey, factor = grey_of(found), display_factor(found)
    return {name: stretched(found[name].values, grey, factor) for _, _, name, _, _ in PATHS}


def _moment(
    found: Dataset, shown: dict[str, NDArray[np.uint8]], k: int, colours: Palette
) -> list[dict[str, Any]]:
    """The traces of frame k: two pictures, their captions, a dot on each curve, the cursor."""
    at = k / (found.sizes["frame"] - 1)
    traces: list[dict[str, Any]] = []
    for axis, (_, fraction, frames, _, _), shade in zip(
        "23", PATHS, _shades(colours), strict=False
    ):
        image = shown[frames][k]
        zoom = max(1, PICTURE // image.shape[1])
        large = enlarged(np.broadcast_to(image, (*image.shape[:2], 3)), zoom)
        common = {"hoverinfo": "skip", "xaxis": f"x{axis}", "yaxis": f"y{axis}"}
        traces += [
            common | picture_trace(large),
            common
            | {
                "type": "scatter",
                "mode": "text",
                "showlegend": False,
                "cliponaxis": False,
                "x": [large.shape[1] - 1],
                "y": [-0.5 * HEAD * large.shape[0] / PICTURE],
                "text": [words.percent(float(found[fraction].values[k]))],
                "textposition": "middle left",
                "textfont": {"size": LABEL_SIZE + 3, "color": shade},
            },
        ]
    top = axis_top(found)
    return [
        *traces,
        {
            "type": "scatter",
            "mode": "markers",
            "showlegend": False,
            "cliponaxis": False,
            "x": [at] * len(PATHS),
            "y": [float(found[fraction].values[k]) for _, fraction, _, _, _ in PATHS],
            "marker": {
                "size": 12,
                "symbol": [path[-1] for path in PATHS],
                "color": _shades(colours),
                "line": {"width": 2, "color": colours.paper},
            },
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "showlegend": False,
            "hoverinfo": "skip",
            "x": [at, at],
            "y": [0, top],
            "line": {"width": 1.2, "color": colours.null},
        },
    ]


def _shades(colours: Palette) -> list[str]:
    return [colours.index, colours.spread, colours.muted]


def _curves(found: Dataset, colours: Palette) -> list[dict[str, Any]]:
    places = np.linspace(0, 1, found.sizes["frame"]).tolist()
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": places,
            "y": found[fraction].values.astype(float).tolist(),
            "cliponaxis": False,
            "line": {"width": 3.5 if name == "morph" else 2.5, "dash": dash, "color": shade},
            "hovertemplate": f"{name}: %{{y:.1%}}<extra></extra>",
        }
        for (name, fraction, _, dash, _), shade in reversed(
            list(zip(PATHS, _shades(colours), strict=True))
        )
    ]


def _strip(
    found: Dataset, shown: NDArray[np.uint8], frame: MorphFrame, row: str
) -> list[dict[str, Any]]:
    """Small frames over their places on the axis."""
    count = found.sizes["frame"]
    smooth = is_smooth(found.sizes["column"], TILE)
    top = frame.morph if row == "morph" else frame.straight
    return [
        {
            "source": data_uri(enlarged(shown[round(place * frame.step * (count - 1))], 4, smooth)),
            "xref": "x",
            "yref": "paper",
            "x": place * frame.step,
            "y": frame.at(top),
            "xanchor": "center",
            "yanchor": "top",
            "sizex": 0.92 * frame.step,
            "sizey": TILE / frame.height,
            "sizing": "contain",
            "layer": "above",
        }
        for place in range(frame.tiles)
    ]
