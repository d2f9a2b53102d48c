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
BESIDE = 1150
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
        row = ipw.Layout(flex_flow="row wrap", width="100%", align_items="flex-start")
        places = ipw.HBox(list(self._boxes.values()), layout=row)
        super().__init__([self._width, places], layout=ipw.Layout(width="100%"))
        self._width.observe(lambda _: self._redraw(), "pixels")

    def show(self, shown: Shown) -> None:
        """Draw another trajectory, or one that has grown."""
        self._shown = shown
        self._redraw()

    def show_landscape(self, landscape: Landscape) -> None:
        """Draw a map as far as it is known."""
        self._landscape = landscape
        self._redraw_landscape()
        self._arrange()

    def choose(self, view: str) -> None:
        """Show one of VIEWS."""
        self._view = view
        self._arrange()

    def mark(self, row: int) -> None:
        """Mark a checkpoint in all figures."""
        self._row = row
        if self._shown is None or not 0 <= row < len(self._shown.found.steps):
            return
        many = len(self._shown.found.eigenvalues)
        for name, least in (("pairs", 2), ("space", 3), ("distance", 3)):
            if many >= least:
                move_marks(self.figures[name], self._shown.found, row)

    def _redraw(self) -> None:
        if self._shown is None:
            return
        found, comparison, dark = self._shown.found, self._shown.comparison, self._dark
        null, many = comparison.fits["walk"].null, len(found.eigenvalues)
        self._put("spectrum", spectrum_figure(found, comparison, dark, self._shown.bounds))
        if many >= 2:
            pairs = projections_figure(found, null, min(COMPONENTS, many), dark)
            self._put("pairs", mark_projections(pairs, dark))
        if many >= 3:
            self._put("space", mark_space(space_figure(found, null, dark), dark))
            self._put("distance", mark_distance(distance_figure(found, null, dark), dark))
        self._redraw_landscape()
        self._arrange()
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
            beside = pixels >= BESIDE and name in ("spectrum", "pairs", "space")
            figure.update_layout(width=(pixels // 2 if beside else pixels) - 8)
        redraw(self.figures[name], figure)

    def _arrange(self) -> None:
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
