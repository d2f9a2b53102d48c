"""Which transformation each similarity forgives, on a latent space that a slider transforms."""

from __future__ import annotations

import ipywidgets as ipw
import plotly.graph_objects as go

from invis.stitching.checks import Matrix
from invis.stitching.forgiveness import TRANSFORMATIONS
from invis.views.stitching.forgives import forgives_figure
from invis.widgets.choose import named
from invis.widgets.figure import live_figure, redraw
from invis.widgets.screen import Screen

SHOWN = 300


class Forgives(ipw.VBox):
    """A slider that turns, stretches, shears or permutes a space, and each similarity's score.

    Attributes:
        transformation: the choice of one of TRANSFORMATIONS.
        strength: the slider, 0 to 1.
        figure: the space, and the scores.
    """

    def __init__(self, dark: bool | None) -> None:
        self._points: Matrix | None = None
        self._anchors: Matrix | None = None
        thin = {"min_width": "0"}
        self.transformation = ipw.Dropdown(
            options=TRANSFORMATIONS, layout=ipw.Layout(flex="1 1 180px", **thin)
        )
        self.strength = ipw.FloatSlider(
            value=0.5, min=0, max=1, step=0.02, layout=ipw.Layout(flex="3 1 300px", **thin)
        )
        self.bare = ipw.Checkbox(
            description="without centring and scale", indent=False,
            layout=ipw.Layout(flex="1 1 200px"),
        )  # fmt: skip
        self.figure = live_figure(go.Figure())
        self._screen = Screen(dark)
        row = ipw.Layout(flex_flow="row wrap", grid_gap="4px 10px", width="100%")
        asked = [
            named("transformation", self.transformation), named("strength", self.strength),
            self.bare,
        ]  # fmt: skip
        super().__init__(
            [self._screen, ipw.HBox(asked, layout=row), ipw.VBox([self.figure])],
            layout=ipw.Layout(display="none", width="100%"),
        )
        for control in (self.transformation, self.strength, self.bare):
            control.observe(lambda _: self.draw(), "value")
        self._screen.observe(lambda _: self.draw(), ["pixels", "dark"])

    def show(self, points: Matrix, anchors: Matrix) -> None:
        """Take a space (N, d) with its anchors (K, d)."""
        self._points, self._anchors = points[:SHOWN], anchors
        self.draw()

    def draw(self) -> None:
        """Draw the moment of the slider."""
        if self._points is None or self._anchors is None or self.layout.display == "none":
            return
        figure = forgives_figure(
            self._points,
            self._anchors,
            self.transformation.value,
            centre=not self.bare.value,
            scale=not self.bare.value,
            strength=self.strength.value,
            dark=self._screen.dark,
        )
        if self._screen.pixels:
            figure.update_layout(width=self._screen.pixels - 8)
        redraw(self.figure, figure)
