"""Where a search is seen: its set and its course, as two figures that change in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import ipywidgets as ipw
import numpy as np
from xarray import Dataset

from invis.search.preview import Preview
from invis.views.base.theme import template
from invis.views.search.course_figure import CourseLine, course_figure, null_at_floor, update_course
from invis.views.search.set_figure import blank_set_figure, show_set, update_set
from invis.widgets.figure import clicked_tile, live_figure
from invis.widgets.screen import Screen

# What a tab's page leaves free at its sides.
TAB_BORDERS = 34

Shown = Callable[[int], None]


class Stage(ipw.VBox):
    """The figures of one explorer.

    Attributes:
        images: the figure of the set.
        course: the figure of the course.
        screen: how much room there is, and the page's scheme.
        on_tile: called with the image that was clicked, -1 for the reference.
    """

    def __init__(self, dark: bool | None, on_tile: Shown) -> None:
        self.on_tile = on_tile
        self._drawn: Callable[[], None] = lambda: None  # Shows again what was shown last.
        self.screen = Screen(dark)
        self._dark = self.screen.dark
        self.images = live_figure(blank_set_figure(self._dark), self._clicked)
        self.course = live_figure(course_figure([CourseLine("")], self._dark))
        self.course_box = ipw.VBox([self.course])
        super().__init__([self.screen, self.images])
        self.screen.observe(lambda _: self.restyle(self._dark), "pixels")

    def restyle(self, dark: bool) -> None:
        """Draw what is shown again, light or dark, as wide as the screen has room for."""
        self._dark = dark
        room = self.screen.pixels or None
        for figure, width in ((self.images, room), (self.course, room and room - TAB_BORDERS)):
            kept = figure.layout.meta | {"dark": dark, "width": width}
            with figure.batch_update():
                figure.update_layout(meta=kept, width=width, template=template(dark))
        self._drawn()

    def show_preview(self, preview: Preview, alpha: float, title: str, verdict: str) -> None:
        """A search while it runs; its index is the distance over the null at the floor."""
        self._drawn = partial(self.show_preview, preview, alpha, title, verdict)
        line = _course_line(preview, alpha)
        index = line.distance[-1] / line.null_distance if len(line.distance) else None
        update_set(
            self.images, preview.images, preview.reference, preview.fractions, alpha, index,
            grey=preview.grey, title=title, verdict=verdict,
        )  # fmt: skip
        if len(line.steps) > 1:
            update_course(self.course, [line])

    def show_result(self, ds: Dataset) -> None:
        """What a search found."""
        self._drawn = partial(self.show_result, ds)
        show_set(self.images, ds)
        self.show_courses([ds])

    def show_courses(self, results: Sequence[Dataset]) -> None:
        """The courses of several searches over one another."""
        drawn = [ds for ds in results if ds.sizes["step"] > 1]
        update_course(self.course, drawn or [CourseLine("")])

    def close(self) -> None:
        """Close the figures too."""
        self.images.close()
        self.course.close()
        super().close()

    def _clicked(self, _trace: object, points: object, _state: object) -> None:
        tile = clicked_tile(self.images, points)
        if tile is not None:
            self.on_tile(tile)


def _course_line(preview: Preview, alpha: float) -> CourseLine:
    rows = np.asarray(preview.course, dtype=float).reshape(-1, 3)
    null = null_at_floor(len(preview.images), alpha)
    return CourseLine(preview.address, rows[:, 0], rows[:, 1], rows[:, 2], null, alpha)
