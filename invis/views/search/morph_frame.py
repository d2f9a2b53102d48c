"""Where the parts of a morph's figure lie, its words, and its slider."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import Any

from xarray import Dataset

from invis.views.base import words
from invis.views.base.images import grey_of
from invis.views.base.mosaic import stretch_of
from invis.views.base.theme import LABEL_SIZE, SERIF, SIZE, TITLE_SIZE, Palette, palette, template
from invis.views.search import morph_words
from invis.views.search.set_frame import LEAST_WIDTH, WIDE_LETTER

MARGIN, RIGHT = 76, 28
PICTURE, PICTURE_GAP, TILE, GAP = 196, 40, 58, 12
PANEL, SLIDER, HEAD = 220, 88, 30
MOST_TILES, TILE_WIDTH, USUAL_WIDTH = 21, 66, 900
MILLISECONDS = 70
FRACTIONS = ("fraction", "straight_fraction", "fade_fraction")


class MorphFrame:
    """Where the parts lie, in pixels from the top."""

    def __init__(self, found: Dataset, width: int | None) -> None:
        self.width = width
        self.inner = (width or USUAL_WIDTH) - MARGIN - RIGHT
        columns = int(((width or LEAST_WIDTH) - 56) / WIDE_LETTER)
        said = [morph_words.verdict(found), morph_words.islands(found)]
        self.lines = [line for text in said for line in wrap(text, columns)]
        self.lines_top = 22 + TITLE_SIZE + 14
        self.pictures = self.lines_top + 25 * len(self.lines) + 58
        self.morph = self.pictures + PICTURE + 30
        self.panel = self.morph + TILE + GAP
        self.straight = self.panel + PANEL + GAP
        self.height = self.straight + TILE + 34 + SLIDER
        wanted = min(MOST_TILES, round(self.inner / TILE_WIDTH), found.sizes["frame"])
        self.tiles = max(wanted, 2)
        self.step = 1 / (self.tiles - 1)

    def at(self, pixels: float) -> float:
        return 1 - pixels / self.height

    def span(self, top: float, size: float) -> list[float]:
        return [self.at(top + size), self.at(top)]


def layout(found: Dataset, frame: MorphFrame, dark: bool) -> dict[str, Any]:
    colours = palette(dark)
    alpha, inner = float(found.attrs["alpha"]), frame.inner
    height, width = found.sizes["row"], found.sizes["column"]
    zoom = max(1, PICTURE // width)
    hidden = {"visible": False, "fixedrange": True}
    second = (PICTURE + PICTURE_GAP) / inner

    def picture(start: float, number: int) -> dict[str, Any]:
        return {
            f"xaxis{number}": hidden
            | {
                "range": [-0.5, width * zoom - 0.5],
                "domain": [start, min(1.0, start + second)],
                "constrain": "domain",
                "constraintoward": "left",
                "anchor": f"y{number}",
            },
            f"yaxis{number}": hidden
            | {
                "range": [height * zoom - 0.5, -0.5 - HEAD * height * zoom / PICTURE],
                "domain": frame.span(frame.pictures - HEAD, PICTURE + HEAD),
                "constrain": "domain",
                "constraintoward": "top",
                "scaleanchor": f"x{number}",
                "anchor": f"x{number}",
            },
        }

    across = {"xref": "x", "yref": "y", "x0": -frame.step / 2, "x1": 1 + frame.step / 2}
    edges = [-frame.step / 2, 1 + frame.step / 2]
    end = f"share of the way from {morph_words.ends(found)}"
    return {
        "template": template(dark),
        "width": frame.width,
        "height": frame.height,
        "margin": {"l": MARGIN, "r": RIGHT, "t": 0, "b": 0},
        "title": {
            "text": escape(morph_words.title(found), quote=False),
            "pad": {"l": 28},
            "y": 1 - 22 / frame.height,
        },
        "legend": {
            "x": 0.01,
            "y": frame.at(frame.panel + PANEL - 8),
            "yanchor": "bottom",
            "traceorder": "reversed",
        },
        "xaxis": {"range": edges, "showgrid": False, "showticklabels": False, "anchor": "y"},
        "yaxis": {
            "range": [0, axis_top(found)],
            "domain": frame.span(frame.panel, PANEL),
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "tickformat": ".0%",
            "ticksuffix": " ",
        },
        **picture(0.0, 2),
        **picture(second, 3),
        "shapes": [
            across
            | {
                "type": "rect",
                "y0": 0,
                "y1": alpha,
                "fillcolor": colours.shade,
                "line": {"width": 0},
                "layer": "below",
            },
            across
            | {
                "type": "line",
                "y0": alpha,
                "y1": alpha,
                "line": {"width": 2, "color": colours.ink, "dash": "4px,3px"},
            },
        ],
        "annotations": _texts(found, frame, colours, end),
    }


def axis_top(found: Dataset) -> float:
    """The end of the axis of fractions."""
    return max(1.08, *(float(found[name].max()) + 0.05 for name in FRACTIONS))


def display_factor(found: Dataset) -> int:
    return stretch_of(found["frames"].values, grey_of(found))


def _texts(found: Dataset, frame: MorphFrame, colours: Palette, end: str) -> list[dict[str, Any]]:
    def text(said: str, x: float, top: float, **more: Any) -> dict[str, Any]:
        return {
            "text": said,
            "xref": "paper",
            "yref": "paper",
            "x": x,
            "y": frame.at(top),
            "xanchor": "left",
            "yanchor": "top",
            "showarrow": False,
            "align": "left",
            "font": {"size": SIZE, "color": colours.muted},
        } | more

    second = (PICTURE + PICTURE_GAP) / frame.inner
    said = "<br>".join(escape(line, quote=False) for line in frame.lines)
    bold = {"size": LABEL_SIZE, "color": colours.ink}
    serif = {"size": LABEL_SIZE + 2, "color": colours.ink, "family": SERIF}
    alpha = words.percent(float(found.attrs["alpha"]))
    beside = (2 * PICTURE + 2 * PICTURE_GAP) / frame.inner
    shown = words.stretch_label(display_factor(found))
    note = "<br>".join(
        wrap(
            "Every frame of the morph and of the straight line has the same contrast; the "
            "cross-fade loses contrast on its way. Percentages are shares of the reference’s "
            f"activation, measured on the full network. {shown[0].upper()}{shown[1:]}.",
            max(18, int((frame.inner - 2 * PICTURE - 2 * PICTURE_GAP) / 7.6)),
        )
    )
    return [
        text(said, 0, frame.lines_top, xshift=28 - MARGIN - 3, font=serif),
        text("<b>Morph</b>", 0, frame.pictures - 6, yanchor="bottom", xshift=-3, font=bold),
        text(
            "<b>Straight line</b>",
            second,
            frame.pictures - 6,
            yanchor="bottom",
            xshift=-3,
            font=bold,
        ),
        text(note, beside, frame.pictures - 4),
        text(
            f"in the set from {alpha}",
            0.5,
            frame.panel,
            xanchor="center",
            yref="y",
            y=float(found.attrs["alpha"]),
            yanchor="bottom",
            font={"size": SIZE, "color": colours.ink},
        ),
        *(
            text(
                name,
                0,
                top + TILE / 2,
                xanchor="right",
                yanchor="middle",
                xshift=-6,
                font={"size": SIZE, "color": shade},
            )
            for name, top, shade in (
                ("morph", frame.morph, colours.index),
                ("straight", frame.straight, colours.spread),
            )
        ),
        text(end, 0.5, frame.straight + TILE + 6, xanchor="center"),
    ]


def slider(count: int, colours: Palette, frame: MorphFrame) -> dict[str, Any]:
    still = {"frame": {"duration": 0, "redraw": True}, "mode": "immediate"}
    return {
        "active": 0,
        "currentvalue": {"visible": False},
        "steps": [
            {"label": str(k), "method": "animate", "args": [[str(k)], still]} for k in range(count)
        ],
        "x": 110 / frame.inner,
        "len": 1 - 110 / frame.inner,
        "xanchor": "left",
        "y": frame.at(frame.straight + TILE + 44),
        "yanchor": "top",
        "pad": {"t": 8},
        "bgcolor": colours.shade,
        "activebgcolor": colours.index,
        "bordercolor": colours.line,
        "ticklen": 0,
        "minorticklen": 0,
        "font": {"color": "rgba(0,0,0,0)"},
    }


def buttons(colours: Palette, frame: MorphFrame) -> dict[str, Any]:
    play = {
        "frame": {"duration": MILLISECONDS, "redraw": True},
        "transition": {"duration": 0},
        "fromcurrent": True,
        "mode": "immediate",
    }
    pause = {"frame": {"duration": 0, "redraw": True}, "mode": "immediate"}
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": frame.at(frame.straight + TILE + 44),
        "yanchor": "top",
        "bgcolor": colours.shade,
        "bordercolor": colours.line,
        "font": {"color": colours.ink},
        "buttons": [
            {"label": "▶", "method": "animate", "args": [None, play]},
            {"label": "❚❚", "method": "animate", "args": [[None], pause]},
        ],
    }
