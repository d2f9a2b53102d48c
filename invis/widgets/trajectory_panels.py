"""The figures of a trajectory, side by side where there is room, with one step marked in all."""

from __future__ import annotations

from dataclasses import dataclass

import ipywidgets as ipw
import plotly.graph_objects as go

from invis.trajectory.fit import Comparison
from invis.trajectory.landscape import Landscape
from invis.trajectory.matching import matched
from invis.trajectory.pca import PCA
from invis.views.trajectory_distance import distance_figure
from invis.views.trajectory_landscape import landscape_figure
from invis.views.trajectory_marks import mark_distance, mark_projections, mark_space, move_marks
from invis.views.trajectory_projections import projections_figure, space_figure
from invis.views.trajectory_spectrum import Bounds, spectrum_figure
from invis.widgets.figure import live_figure, redraw
from invis.widgets.width import Width

VIEWS = ("components in pairs", "three components in space")
COMPONENTS = 4
# Two figures side by side need so many pixels.
BESIDE, NARROW = 1150, 760
PLACES = ("spectrum", "pairs", "space", "distance", "landscape")


@dataclass(frozen=True, eq=False)
class Shown:
    """A trajectory on the screen: its components, its nulls, and how the plain walk scatters."""

    found: PCA
    comparison: Comparison
    bounds: Bounds
    fraction_done: float = 1.0


class TrajectoryPanels(ipw.VBox):
    """Spectrum, components in pairs or in space, distance from their plane, and landscape.

    Attributes:
        figures: by name, one of PLACES; all are made at once, because plotly's widget answers no
            mouse where it joins the page later.
    """

    def __init__(self, dark: bool) -> None:
        self._dark = dark
        self._shown: Shown | None = None
        self._landscape: Landscape | None = None
        self._view, self._row = VIEWS[0], 0
        self._width = Width()
        self.figures = {name: live_figure(go.Figure()) for name in PLACES}
        self.figures["space"].add_scatter3d(x=[], y=[], z=[])
        self._boxes = {
            name: ipw.VBox([figure], layout=ipw.Layout(display="none", min_width="0"))
            for name, figure in self.figures.items()
        }
        thin = ipw.Layout(min_width="0")
        left = ipw.VBox([self._boxes["spectrum"], self._boxes["distance"]], layout=thin)
        right = ipw.VBox([self._boxes["pairs"], self._boxes["space"]], layout=thin)
        row = ipw.Layout(flex_flow="row wrap", width="100%", align_items="flex-start")
        places = ipw.HBox([left, right, self._boxes["landscape"]], layout=row)
        super().__init__([self._width, places], layout=ipw.Layout(width="100%"))
        self._width.observe(lambda _: self._redraw(), "pixels")

    def show(self, shown: Shown) -> None:
        """Draw another trajectory, or one that has grown."""
        self._shown = shown
        self._redraw()

    def show_landscape(self, landscape: Landscape) -> None:
        """Draw a map as far as it is known."""
        self._landscape = landscape
        self._arrange()
        self._redraw_landscape()

    def choose(self, view: str) -> None:
        """Show one of VIEWS."""
        self._view = view
        self._redraw()

    def mark(self, row: int) -> None:
        """Mark a checkpoint in all figures."""
        self._row = row
        if self._shown is not None and 0 <= row < len(self._shown.found.steps):
            for name in self._arrange() & {"pairs", "space", "distance"}:
                move_marks(self.figures[name], self._shown.found, row)

    def _redraw(self) -> None:
        """Draw what is visible: plotly misplaces the titles of what it draws out of sight."""
        if self._shown is None:
            return
        visible = self._arrange()
        found, comparison, dark = self._shown.found, self._shown.comparison, self._dark
        null, many = comparison.fits["walk"].null, len(found.eigenvalues)
        if "spectrum" in visible:
            self._put("spectrum", spectrum_figure(found, comparison, dark, self._shown.bounds))
        if "pairs" in visible:
            pairs = projections_figure(found, null, min(COMPONENTS, many), dark)
            self._put("pairs", mark_projections(pairs, dark))
        if "space" in visible:
            self._put("space", mark_space(space_figure(found, null, dark), dark))
        if "distance" in visible:
            self._put("distance", mark_distance(distance_figure(found, null, dark), dark))
        self._redraw_landscape()
        self.mark(self._row)

    def _redraw_landscape(self) -> None:
        if self._landscape is None or self._shown is None:
            return
        walk = self._shown.comparison.fits["walk"].null
        curves = matched(self._shown.found, walk).curves
        behind = curves[:, :2] if len(curves) == len(self._landscape.path) else None
        self._put("landscape", landscape_figure(self._landscape, "loss", behind, self._dark))

    def _put(self, name: str, figure: go.Figure) -> None:
        pixels = self._width.pixels
        if pixels:
            beside = pixels >= BESIDE and name != "landscape"
            width = (pixels // 2 if beside else pixels) - 8
            figure.update_layout(width=width)
            if width < NARROW:
                figure.update_layout(title_font_size=19, title_subtitle_font_size=13)
        redraw(self.figures[name], figure)

    def _arrange(self) -> set[str]:
        """Show what there is; the names of the figures that are visible."""
        many = 0 if self._shown is None else len(self._shown.found.eigenvalues)
        wanted = {
            "spectrum": many >= 1,
            "pairs": many >= 2 and (self._view == VIEWS[0] or many < 3),
            "space": many >= 3 and self._view == VIEWS[1],
            "distance": many >= 3,
            "landscape": self._landscape is not None,
        }
        for name, wish in wanted.items():
            self._boxes[name].layout.display = "" if wish else "none"
        return {name for name, wish in wanted.items() if wish}
