"""Where the parts of a set's figure lie, and the words that stand there."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import Any

from invis.views.base import words
from invis.views.base.mosaic import Layout
from invis.views.base.theme import LABEL_SIZE, SERIF, SIZE, TITLE_SIZE, Palette

MARGIN = 28
# The width that a figure without one is drawn for; that from which measures stand beside the set.
USUAL_WIDTH, WIDE = 900, 1200
# A figure without a width may be shown as narrow as this: its lines are broken for it.
LEAST_WIDTH = 700
# The mean width of a letter in the widest fonts of SERIF, for verdicts, and SANS, for warnings.
WIDE_LETTER, LETTER = 9.9, 7.8
PANEL, PANEL_GAP = 376, 48
PANEL_NAMES, PANEL_NUMBERS = 68, 56
ROW, TALL_ROW, AXIS_ROW = 52, 74, 62


class SetFrame:
    """Where the parts of the figure lie; pixels from the top, and paper coordinates.

    Attributes:
        verdict, warnings: their lines, as they fit the width.
        verdict_top, warnings_top: in pixels from the top.
        height: of the figure, in pixels.
        mosaic_x, mosaic_y, panel_x, panel_y: domains of the pictures and of the measures.
        heading_x: where the heading of the measures begins, a paper coordinate.
    """

    def __init__(
        self, layout: Layout, kept: dict[str, Any], inner: float, room: float, beside: bool
    ) -> None:
        self.layout = layout
        line_width = (kept["width"] or LEAST_WIDTH) - 2 * MARGIN
        columns, small = int(line_width / WIDE_LETTER), int(line_width / LETTER)
        self.verdict = wrap(kept["verdict"], columns) or [""]
        self.warnings = [line for w in kept["warnings"] for line in wrap(w, small)]
        self.verdict_top = 22 + TITLE_SIZE + 16
        self.warnings_top = self.verdict_top + 25 * len(self.verdict) + 4
        pictures = self.warnings_top + 22 * len(self.warnings) + 58
        tall = layout.size[0] / layout.unit
        below = pictures + tall + 36
        panel = 2 * (TALL_ROW if beside else ROW)
        if beside:
            panel_top = float(pictures)
            self.height = round(max(below, panel_top + panel + AXIS_ROW) + 18)
            left, right = (inner - PANEL + PANEL_NAMES) / inner, 1 - PANEL_NUMBERS / inner
        else:
            panel_top = below + 46
            self.height = round(panel_top + panel + AXIS_ROW + 12)
            left, right = PANEL_NAMES / inner, 1 - PANEL_NUMBERS / inner
        self.mosaic_x = (0.0, room / inner)
        self.mosaic_y = (self.at(pictures + tall), self.at(pictures))
        self.panel_x = (left, right)
        self.panel_y = (self.at(panel_top + panel), self.at(panel_top))
        self.heading_x = (inner - PANEL) / inner if beside else 0.0

    def at(self, pixels: float) -> float:
        """Pixels from the top as a paper coordinate."""
        return 1 - pixels / self.height


def frame_texts(
    frame: SetFrame, factor: int, alpha: float | None, colours: Palette
) -> list[dict[str, Any]]:
    """Verdict, warnings, and the headings of reference, set, bars and measures, in this order."""

    def line(text: str, size: int, colour: str, **place: Any) -> dict[str, Any]:
        return {
            "text": text,
            "showarrow": False,
            "align": "left",
            "xanchor": "left",
            "xshift": -3,
            "font": {"size": size, "color": colour},
        } | place

    def on_paper(x: float, pixels: float, anchor: str = "top") -> dict[str, Any]:
        return {"xref": "paper", "yref": "paper", "x": x, "y": frame.at(pixels), "yanchor": anchor}

    def hint(text: str) -> str:
        return f"<br><span style='color:{colours.muted};font-size:{SIZE}px'>{text}</span>"

    height, _ = frame.layout.size
    above = {"xref": "x", "yref": "y", "y": 0, "yanchor": "bottom", "yshift": 6}
    verdict = line(
        "<br>".join(escape(text, quote=False) for text in frame.verdict),
        LABEL_SIZE + 2,
        colours.ink,
        **on_paper(0, frame.verdict_top),
    )
    verdict["font"]["family"] = SERIF
    panel_top = (1 - frame.panel_y[1]) * frame.height
    return [
        verdict,
        line(
            "<br>".join(escape(text, quote=False) for text in frame.warnings),
            SIZE,
            colours.warn,
            **on_paper(0, frame.warnings_top),
        ),
        line("<b>Reference</b>" + hint("best found"), LABEL_SIZE, colours.ink, x=0, **above),
        line(
            "<b>The set</b>" + hint(words.stretch_label(factor)),
            LABEL_SIZE,
            colours.ink,
            x=frame.layout.lead,
            **above,
        ),
        line(
            words.bars(alpha),
            SIZE,
            colours.muted,
            xref="x",
            yref="y",
            x=0,
            y=height - 1,
            yanchor="top",
            yshift=-6,
        ),
        line(
            "<b>Against the null</b>",
            LABEL_SIZE,
            colours.ink,
            **on_paper(frame.heading_x, panel_top - 8, "bottom"),
        ),
    ]
