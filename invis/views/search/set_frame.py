"""Where the parts of a set's figure lie, and the words that stand there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from invis.views.base import words
from invis.views.base.frame import BELOW_TITLE, LETTER, LINE, WIDE_LINE, Frame, hint, joined
from invis.views.base.mosaic import columns_for, plan
from invis.views.base.theme import LABEL_SIZE, SIZE, Palette

# From this width on measures stand beside the set.
WIDE = 1200
PANEL, PANEL_GAP = 376, 48
PANEL_NAMES, PANEL_NUMBERS = 68, 56
ROW, TALL_ROW, AXIS_ROW = 52, 74, 62


class SetFrame(Frame):
    """Where the parts of the figure of images (N, h, w, C) lie.

    Attributes:
        tiling: of the images.
        lines, warnings: those of the verdict and of the warnings, as they fit the width.
        warnings_top: in pixels from the top.
        mosaic_x, mosaic_y, panel_x, panel_y: domains of the pictures and of the measures.
        panel_top: in pixels from the top.
        heading_x: where the heading of the measures begins, a paper coordinate.
    """

    def __init__(self, images: NDArray[np.uint8], kept: dict[str, Any]) -> None:
        super().__init__(kept["width"])
        beside, inner = (self.width or 0) >= WIDE, self.inner
        room = inner - (PANEL + PANEL_GAP if beside else 0)
        count = len(images)
        self.tiling = plan(count, images.shape[1:3], columns_for(count), room=room)
        self.lines = self.wrapped(kept["verdict"]) or [""]
        self.warnings = [line for w in kept["warnings"] for line in self.wrapped(w, LETTER)]
        self.warnings_top = BELOW_TITLE + WIDE_LINE * len(self.lines) + 4
        pictures = self.warnings_top + LINE * len(self.warnings) + 58
        tall = self.tiling.size[0] / self.tiling.unit
        below = pictures + tall + 36
        panel = 2 * (TALL_ROW if beside else ROW)
        if beside:
            self.panel_top = float(pictures)
            self.height = round(max(below, pictures + panel + AXIS_ROW) + 18)
        else:
            self.panel_top = below + 46
            self.height = round(self.panel_top + panel + AXIS_ROW + 12)
        self.heading_x = (inner - PANEL) / inner if beside else 0.0
        self.mosaic_x = (0.0, room / inner)
        self.mosaic_y = self.span(pictures, tall)
        self.panel_x = (self.heading_x + PANEL_NAMES / inner, 1 - PANEL_NUMBERS / inner)
        self.panel_y = self.span(self.panel_top, panel)


def frame_texts(
    frame: SetFrame, factor: int, alpha: float | None, colours: Palette
) -> list[dict[str, Any]]:
    """Verdict, warnings, and the headings of reference, set, bars and measures, in this order."""
    bold = {"size": LABEL_SIZE, "color": colours.ink}
    above = {"xref": "x", "yref": "y", "y": 0, "yanchor": "bottom", "yshift": 6}
    under = above | {"y": frame.tiling.size[0] - 1, "yanchor": "top", "yshift": -6}
    shown = hint(words.stretch_label(factor), colours)
    return [
        frame.verdict(frame.lines, BELOW_TITLE, colours),
        frame.text(
            joined(frame.warnings), frame.warnings_top, {"size": SIZE, "color": colours.warn}
        ),
        frame.text("<b>Reference</b>" + hint("best found", colours), 0, bold, **above),
        frame.text("<b>The set</b>" + shown, 0, bold, **above, x=frame.tiling.lead),
        frame.text(words.bars(alpha), 0, {"size": SIZE, "color": colours.muted}, **under),
        frame.text(
            "<b>Against the null</b>",
            frame.panel_top - 8,
            bold,
            x=frame.heading_x,
            yanchor="bottom",
        ),
    ]
