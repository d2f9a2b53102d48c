"""What the figures of sets, morphs, exemplars and units share: where parts lie, and their words."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Any

from invis.views.base.theme import LABEL_SIZE, SANS, SERIF, SIZE, TITLE_SIZE, Palette

MARGIN = 28
# The width that a figure without one is drawn for.
USUAL_WIDTH = 900
# A figure without a width may be shown as narrow as this: its lines are broken for it.
LEAST_WIDTH = 700
# The mean width of a letter in the widest fonts of SERIF, for verdicts, and SANS, for notes.
WIDE_LETTER, LETTER = 9.9, 7.8
# The height of a line of a verdict, and of a note.
WIDE_LINE, LINE = 25, 22
BELOW_TITLE = 22 + TITLE_SIZE + 16
# The margin above the panels of a figure with a `heading`.
TOP = 108


class Frame:
    """Where the parts of a figure lie: pixels from the top, and paper coordinates.

    Attributes:
        width: in pixels, or None where the figure fills what it is put into.
        inner: pixels between the margins.
        height: in pixels; a frame of many parts adds them up itself.
    """

    left, right = MARGIN, MARGIN

    def __init__(self, width: int | None, height: int = 0) -> None:
        self.width, self.height = width, height
        self.inner = (width or USUAL_WIDTH) - self.left - self.right

    def at(self, pixels: float) -> float:
        """Pixels from the top as a paper coordinate."""
        return 1 - pixels / self.height

    def span(self, top: float, size: float) -> tuple[float, float]:
        """What lies `size` pixels deep from `top` on, as a domain."""
        return self.at(top + size), self.at(top)

    def wrapped(self, text: str, letter: float = WIDE_LETTER) -> list[str]:
        """Text as lines that fit, also where the figure is shown as narrow as may be."""
        return wrap(text, int(((self.width or LEAST_WIDTH) - 2 * MARGIN) / letter))

    def layout(self, title: str) -> dict[str, Any]:
        """Height, margins and title of a figure."""
        return {
            "height": self.height,
            "margin": {"l": self.left, "r": self.right, "t": 0, "b": 0},
            "title": title_at(title, self.height),
        }

    def text(self, said: str, pixels: float, font: dict[str, Any], **more: Any) -> dict[str, Any]:
        """An annotation from the left edge on, by default beneath a height."""
        return {
            "text": said, "xref": "paper", "yref": "paper", "x": 0, "y": self.at(pixels),
            "xanchor": "left", "yanchor": "top", "xshift": -3, "align": "left",
            "showarrow": False, "font": font,
        } | more  # fmt: skip

    def verdict(
        self, lines: Sequence[str], pixels: float, colours: Palette, **more: Any
    ) -> dict[str, Any]:
        """The annotation of what a figure says first."""
        font = {"size": LABEL_SIZE + 2, "color": colours.ink, "family": SERIF}
        return self.text(joined(lines), pixels, font, **more)


def title_at(text: str, height: int) -> dict[str, Any]:
    """The title of a figure, from its left margin on."""
    return {"text": escape(text, quote=False), "y": 1 - 20 / height, "pad": {"l": MARGIN}}


def joined(lines: Sequence[str]) -> str:
    """Lines as markup."""
    return "<br>".join(escape(line, quote=False) for line in lines)


def hint(text: str, colours: Palette) -> str:
    """Markup of a line in second rank, under another one."""
    return f"<br><span style='color:{colours.muted};font-size:{SIZE}px'>{text}</span>"


def heading(text: str, below: str, height: int, colours: Palette) -> dict[str, Any]:
    """A title with a line of explanation under it, for a figure with a top margin of TOP."""
    return {
        "text": escape(text, quote=False),
        "subtitle": {
            "text": escape(below, quote=False),
            "font": {"family": SANS, "size": LABEL_SIZE, "color": colours.muted},
        },
        "y": 1 - 22 / height,
        "pad": {"l": 24},
    }
