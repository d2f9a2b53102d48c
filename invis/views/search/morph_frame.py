"""Where the parts of a morph's figure lie, its words, and its slider."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from xarray import Dataset

from invis.views.base import words
from invis.views.base.frame import BELOW_TITLE, MARGIN, WIDE_LINE, Frame, joined
from invis.views.base.images import grey_of, stretch_of
from invis.views.base.theme import LABEL_SIZE, SIZE, Palette, palette, template
from invis.views.search import morph_words

LEFT = 76  # pixels: room for the names of the rows
PICTURE, PICTURE_GAP, TILE, GAP = 196, 40, 58, 12
PANEL, SLIDER, HEAD = 220, 88, 30
MOST_TILES, TILE_WIDTH = 21, 66
MILLISECONDS = 70
FRACTIONS = ("fraction", "straight_fraction", "fade_fraction")


class MorphFrame(Frame):
    """Where the parts lie, in pixels from the top."""

    left = LEFT

    def __init__(self, found: Dataset, width: int | None) -> None:
        super().__init__(width)
        said = [morph_words.verdict(found), morph_words.islands(found)]
        self.lines = [line for text in said for line in self.wrapped(text)]
        self.pictures = BELOW_TITLE + WIDE_LINE * len(self.lines) + 58
        self.morph = self.pictures + PICTURE + 30
        self.panel = self.morph + TILE + GAP
        self.straight = self.panel + PANEL + GAP
        self.height = self.straight + TILE + 34 + SLIDER
        wanted = min(MOST_TILES, round(self.inner / TILE_WIDTH), found.sizes["frame"])
        self.tiles = max(wanted, 2)
        self.step = 1 / (self.tiles - 1)


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
        **frame.layout(morph_words.title(found)),
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
    muted, ink = ({"size": SIZE, "color": shade} for shade in (colours.muted, colours.ink))
    bold = {"size": LABEL_SIZE, "color": colours.ink}
    second = (PICTURE + PICTURE_GAP) / frame.inner
    alpha = float(found.attrs["alpha"])
    shown = words.stretch_label(display_factor(found))
    note = wrap(
        "Every frame of the morph and of the straight line has the same contrast; the "
        "cross-fade loses contrast on its way. Percentages are shares of the reference’s "
        f"activation, measured on the full network. {shown[0].upper()}{shown[1:]}.",
        max(18, int((frame.inner - 2 * PICTURE - 2 * PICTURE_GAP) / 7.6)),
    )
    above = frame.pictures - 6
    floor = {"x": 0.5, "y": alpha, "yref": "y", "xanchor": "center", "yanchor": "bottom"}
    beside = {"xanchor": "right", "yanchor": "middle", "xshift": -6}
    rows = (("morph", frame.morph, colours.index), ("straight", frame.straight, colours.spread))
    return [
        frame.verdict(frame.lines, BELOW_TITLE, colours, xshift=MARGIN - LEFT - 3),
        frame.text("<b>Morph</b>", above, bold, yanchor="bottom"),
        frame.text("<b>Straight line</b>", above, bold, x=second, yanchor="bottom"),
        frame.text(joined(note), above + 2, muted, x=2 * second, xshift=0),
        frame.text(f"in the set from {words.percent(alpha)}", 0, ink, **floor, xshift=0),
        *(
            frame.text(name, top + TILE / 2, {"size": SIZE, "color": shade}, **beside)
            for name, top, shade in rows
        ),
        frame.text(end, frame.straight + TILE + 6, muted, x=0.5, xanchor="center", xshift=0),
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
