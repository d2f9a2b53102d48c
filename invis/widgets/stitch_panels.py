"""The figures of a stitching study, one at a time: matrix, methods, pictures, points and more."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as ipw
import plotly.graph_objects as go
from PIL import Image
from xarray import Dataset

from invis.errors import InvisError
from invis.stitching.study import Study
from invis.views.base.images import to_pillow, to_png
from invis.views.stitching.points import points_figure
from invis.views.stitching.reconstructions import reconstructions_figure
from invis.views.stitching.scores import anchors_figure, matrix_figure, methods_figure
from invis.widgets.figure import live_figure, redraw
from invis.widgets.screen import Screen

MATRIX, METHODS, PICTURES, ANCHORS, POINTS = "Matrix", "Methods", "Pictures", "Anchors", "Points"
PANELS = (MATRIX, METHODS, PICTURES, ANCHORS, POINTS)
SHOWN = 500
# Below so many pixels titles are set smaller.
NARROW = 900
# Pixels of the image under the mouse.
LARGE = 160


class StitchPanels(ipw.VBox):
    """One figure at a time; a click on a cell of the matrix chooses a pair for the others.

    Attributes:
        encoder, decoder: of the pair; "" before the first study.
        figures: by name, all made at once, because plotly's widget takes no clicks where it joins
            the page later.
    """

    def __init__(self, dark: bool | None, on_pair: Callable[[], None]) -> None:
        self._on_pair = on_pair
        self._study: Study | None = None
        self._chosen, self._method = MATRIX, ""
        self._heard: set[str] = set()
        self.encoder = self.decoder = ""
        self._screen = Screen(dark)
        self.figures = {name: live_figure(go.Figure()) for name in PANELS}
        hidden = {"display": "none", "min_width": "0"}
        self._boxes = {
            name: ipw.VBox([figure], layout=ipw.Layout(**hidden))
            for name, figure in self.figures.items()
        }
        self._input = ipw.Image(format="png", layout=ipw.Layout(width=f"{LARGE}px", **hidden))
        self._said = ipw.HTML()
        super().__init__(
            [self._screen, self._said, *self._boxes.values(), self._input],
            layout=ipw.Layout(width="100%"),
        )
        self._screen.observe(lambda _: self._draw(), ["pixels", "dark"])

    def show(self, study: Study) -> None:
        """Show a study; the pair stays where its encoders are in it."""
        self._study = study
        names = study.latents.names
        if self.encoder not in names or self.decoder not in names:
            self.encoder, self.decoder = names[0], names[1]
        self._draw()

    def choose(self, name: str, method: str) -> None:
        """Show one of PANELS; `method` is the label of the pictures' method, or ""."""
        self._chosen, self._method = name, method
        self._draw()

    def choose_pair(self, encoder: str, decoder: str) -> None:
        """Take another pair for pictures and points."""
        self.encoder, self.decoder = encoder, decoder
        if self._chosen in (PICTURES, POINTS):
            self._draw()
        self._on_pair()

    def _draw(self) -> None:
        """Draw what is visible: plotly misplaces the titles of what it draws out of sight."""
        for name, box in self._boxes.items():
            box.layout.display = "" if name == self._chosen and self._study else "none"
        self._input.layout.display = "none"
        if self._study is None:
            return
        try:
            figure = self._figure(self._study)
            self._said.value = ""
        except InvisError as error:
            self._boxes[self._chosen].layout.display = "none"
            self._said.value = f'<p role="status">{error}</p>'
            return
        if self._screen.pixels and self._chosen != PICTURES:
            figure.update_layout(width=self._screen.pixels - 8)
            if self._screen.pixels < NARROW:
                figure.update_layout(title_font_size=17)
                figure.update_annotations(font_size=12)
        redraw(self.figures[self._chosen], figure)
        self._listen()

    def _figure(self, study: Study) -> go.Figure:
        first, dark = study.results[0], self._screen.dark
        if self._chosen == MATRIX:
            known = [str(label) for label in first["technique"].values]
            return matrix_figure(first, [self._method] if self._method in known else None, dark)
        if self._chosen == METHODS:
            return methods_figure(first, dark)
        if self._chosen == ANCHORS:
            if study.sweep is None:
                raise InvisError("Tick “anchors” and stitch again to see how many it takes.")
            return anchors_figure(study.sweep, dark)
        if self._chosen == PICTURES:
            method = self._method or None
            return reconstructions_figure(
                _pictured(study), self.encoder, self.decoder, method, dark
            )
        before, after = study.pair(self.encoder, self.decoder, SHOWN)
        if before[0].shape != before[1].shape:
            raise InvisError(
                f"{self.encoder} has {before[0].shape[1]} dimensions and {self.decoder} "
                f"{before[1].shape[1]}: they cannot be drawn in one plane."
            )
        labels, classes = study.data.test_labels[:SHOWN], study.data.classes
        pair = (self.encoder, self.decoder)
        return points_figure(before, after, labels, classes, pair, dark)

    def _listen(self) -> None:
        """Hear clicks on the matrix, and the mouse over points, of traces that are new."""
        for name, act in ((MATRIX, self._clicked), (POINTS, self._hovered)):
            for trace in self.figures[name].data:
                if trace.uid not in self._heard:
                    self._heard.add(trace.uid)
                    (trace.on_click if name == MATRIX else trace.on_hover)(act)

    def _clicked(self, _trace: object, points: object, _state: object) -> None:
        xs, ys = getattr(points, "xs", []), getattr(points, "ys", [])
        if len(xs) and len(ys) and self._study is not None:
            names = self._study.latents.names
            encoder, decoder = str(ys[0]), str(xs[0])
            if encoder in names and decoder in names:
                self.choose_pair(encoder, decoder)

    def _hovered(self, trace: go.Scatter, points: object, _state: object) -> None:
        places = getattr(points, "point_inds", [])
        if len(places) and self._study is not None:
            self.show_input(int(trace.customdata[places[0]]))

    def show_input(self, number: int) -> None:
        """Show the test image behind a point."""
        assert self._study is not None
        image = to_pillow(self._study.data.test_images[number])
        self._input.value = to_png(image.resize((LARGE, LARGE), Image.Resampling.NEAREST))
        self._input.layout.display = ""


def _pictured(study: Study) -> Dataset:
    for ds in study.results:
        if "picture" in ds:
            return ds
    raise InvisError("Tick “images” and stitch again to see images through stitched decoders.")
