"""One look for every plotly figure, light and dark: the palette of the gallery, type that carries.

The colours are those of gallery.css; series are told apart by colour-blind eyes too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

# Sizes in pixels, readable from the back of a room.
SIZE, LABEL_SIZE, NUMBER_SIZE, TITLE_SIZE = 15, 16, 19, 25
SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif'  # noqa: E501
SERIF = 'ui-serif, "Iowan Old Style", "Palatino Linotype", Palatino, Charter, Georgia, "DejaVu Serif", serif'  # noqa: E501

# For `figure.show(config=CONFIG)`: no logo, no tool bar, no link to a server.
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "displayModeBar": False,
    "responsive": True,
    "scrollZoom": False,
    "doubleClick": False,
    "showTips": False,
}


@dataclass(frozen=True)
class Palette:
    """The colours of one scheme.

    Attributes:
        paper: the page, and what separates pictures.
        ink, muted: text of first and second rank.
        line, shade: rules; areas, such as what a linear unit would allow.
        null: the null model's line.
        index, spread: the two measures.
        warn: what a reader must know.
        series: what is compared, the first being `index`.
    """

    paper: str
    ink: str
    muted: str
    line: str
    shade: str
    null: str
    index: str
    spread: str
    warn: str
    series: tuple[str, ...]


LIGHT = Palette(
    paper="#fbfbf8",
    ink="#17181a",
    muted="#5b5f66",
    line="#deddd7",
    shade="#ecebe4",
    null="#55585e",
    index="#0072b2",
    spread="#b84a00",
    warn="#8a5a00",
    series=("#0072b2", "#b84a00", "#00795a", "#a0447f", "#5a3200", "#17181a"),
)
DARK = Palette(
    paper="#121417",
    ink="#eeeeea",
    muted="#a4a9b1",
    line="#31353b",
    shade="#252a30",
    null="#b3b7bd",
    index="#56b4e9",
    spread="#f0a64a",
    warn="#f2c661",
    series=("#56b4e9", "#f0a64a", "#35c49a", "#e59ac4", "#f0e442", "#eeeeea"),
)


def palette(dark: bool) -> Palette:
    """The colours of the light or the dark scheme."""
    return DARK if dark else LIGHT


def template(dark: bool = False) -> go.layout.Template:
    """The plotly template of every figure."""
    colours = palette(dark)
    axis = {
        "gridcolor": colours.line,
        "linecolor": colours.line,
        "tickcolor": colours.line,
        "zeroline": False,
        "showline": False,
        "fixedrange": True,
        "automargin": False,
        "tickfont": {"size": SIZE, "color": colours.muted},
        "title": {"font": {"size": LABEL_SIZE, "color": colours.muted}, "standoff": 8},
    }
    return go.layout.Template(
        layout={
            "font": {"family": SANS, "size": SIZE, "color": colours.ink},
            "title": {
                "font": {"family": SERIF, "size": TITLE_SIZE, "color": colours.ink},
                "x": 0,
                "xanchor": "left",
                "xref": "container",
                "yref": "container",
                "yanchor": "top",
            },
            "paper_bgcolor": colours.paper,
            # Panels without a ground of their own: none can cover what another one draws.
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(colours.series),
            "xaxis": axis,
            "yaxis": axis,
            "legend": {"font": {"size": LABEL_SIZE}, "bgcolor": "rgba(0,0,0,0)", "borderwidth": 0},
            "hoverlabel": {
                "bgcolor": colours.shade,
                "bordercolor": colours.null,
                "font": {"family": SANS, "size": SIZE, "color": colours.ink},
                "align": "left",
            },
            "annotationdefaults": {"font": {"size": SIZE}, "showarrow": False},
            "hovermode": "closest",
            "dragmode": False,
            "modebar": {"remove": ["zoom", "pan", "select", "lasso", "autoScale", "resetScale"]},
        }
    )


def axis_end(values: list[float], least: float = 2.0) -> float:
    """The end of an axis of indices: at least `least`, in halves, beyond every finite value."""
    known = [value for value in values if value == value and abs(value) != float("inf")]
    top = max(known, default=0.0) + 0.1
    return max(least, -(-top * 2 // 1) / 2)


def rgb(colour: str) -> tuple[int, int, int]:
    """`#0072b2` as (0, 114, 178)."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mixed(first: str, second: str, share: float) -> str:
    """The colour on the way from the first (share 0) to the second (share 1)."""
    pairs = zip(rgb(first), rgb(second), strict=True)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)


def text_on(ground: str) -> str:
    """Black or white, whichever stands out more: by 4.5 to 1 or more, as WCAG 2.1 asks of text."""
    shares = [value / 255 for value in rgb(ground)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    luminance = sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    # Where (1 + 0.05) / (luminance + 0.05) equals (luminance + 0.05) / 0.05.
    return "#ffffff" if luminance < math.sqrt(1.05 * 0.05) - 0.05 else "#000000"
