"""The figures of a trajectory, side by side where there is room, with one step marked in all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ipywidgets as ipw
import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from invis.progress import Step, within
from invis.trajectory.fit import Comparison
from invis.trajectory.growing import LiveTrajectory
from invis.trajectory.landscape import Landscape
from invis.trajectory.pca import PCA
from invis.views.base.theme import template
from invis.views.trajectory.distance import distance_figure
from invis.views.trajectory.figures import (
    mark_distance,
    mark_projections,
    mark_space,
    move_mark_on_map,
    move_marks,
)
from invis.views.trajectory.landscape import landscape_figure
from invis.views.trajectory.projections import projections_figure, space_figure
from invis.views.trajectory.spectrum import Bounds, spectrum_figure, walk_band
from invis.widgets.figure import live_figure, redraw
from invis.widgets.screen import Screen

VIEWS = ("components in pairs", "three components in space")
# Of components in pairs.
COUNTS = range(2, 6)
# Two figures side by side need so many pixels.
BESIDE, NARROW = 1150, 760
# Both columns are as high, and little higher than a projector's page. The slider has to stay in
# sight of what it moves.
HEIGHTS = {"pairs": 660, "space": 660, "spectrum": 380, "distance": 280, "landscape": 560}
TOP, TOP_NARROW = 96, 80
PLACES = tuple(HEIGHTS)


@dataclass(frozen=True, eq=False)
class Shown:
    """A trajectory on the screen: its components, its nulls, and how the plain walk scatters."""

    found: PCA
    comparison: Comparison
    bounds: Bounds


def shown_steps(live: LiveTrajectory, layer: str | None) -> Iterator[Step[Shown]]:
    """Read what is new of a trajectory; what is finished is what to show."""
    (analysis,) = yield from within(live.steps(layer), 0.0, 0.9)
    found, comparison = analysis.found, analysis.comparison
    shown = Shown(found, comparison, walk_band(found, comparison))
    yield Step(1.0, f"{len(found.steps)} checkpoints", [shown])


class TrajectoryPanels(ipw.VBox):
    """Components in pairs or in space, spectrum, distance from their plane, and landscape.

    Attributes:
        figures: by name, one of PLACES; all are made at once, because plotly's widget answers no
            mouse where it joins the page later.
    """

    def __init__(self, dark: bool | None, components: int) -> None:
        self._shown: Shown | None = None
        self._landscape: tuple[Landscape, NDArray[np.float64]] | None = None
        self._view, self._components, self._row = VIEWS[0], components, 0
        self._screen = Screen(dark)
        blank = go.Figure(layout={"template": template(self._screen.dark)})
        self.figures = {name: live_figure(blank) for name in PLACES}
        self.figures["space"].add_scatter3d(x=[], y=[], z=[])
        self._boxes = {
            name: ipw.VBox([figure], layout=ipw.Layout(display="none", min_width="0"))
            for name, figure in self.figures.items()
        }
        thin = ipw.Layout(min_width="0")
        left = ipw.VBox([self._boxes["pairs"], self._boxes["space"]], layout=thin)
        right = ipw.VBox([self._boxes["spectrum"], self._boxes["distance"]], layout=thin)
        row = ipw.Layout(flex_flow="row wrap", width="100%", align_items="flex-start")
        places = ipw.HBox([left, right, self._boxes["landscape"]], layout=row)
        super().__init__([self._screen, places], layout=ipw.Layout(width="100%"))
        self._screen.observe(lambda _: self._redraw(), "pixels")
        self._screen.observe(self._restyle, "dark")

    def show(self, shown: Shown, row: int) -> None:
        """Draw another trajectory, or one that has grown, with the checkpoint in a row marked."""
        self._shown, self._row = shown, row
        self._redraw()

    def show_landscape(self, landscape: Landscape, behind: NDArray[np.float64]) -> None:
        """Draw a map as far as it is known, and behind its path (T, 2) that of the null."""
        self._landscape = landscape, behind
        self._arrange()
        self._redraw_landscape()

    def choose(self, view: str, components: int) -> None:
        """Show one of VIEWS, and so many components in pairs."""
        self._view, self._components = view, components
        self._redraw()

    def mark(self, row: int) -> None:
        """Mark a checkpoint in all figures."""
        self._row = row
        for name in self._arrange():
            self._mark(name, self.figures[name])

    def _mark(self, name: str, figure: go.Figure) -> None:
        if name == "landscape":
            if self._landscape is not None:
                move_mark_on_map(figure, self._landscape[0], self._row)
        elif name != "spectrum" and self._shown is not None:
            # A trajectory that has grown marks its new end before it is drawn.
            move_marks(figure, self._shown.found, min(self._row, len(self._shown.found.steps) - 1))

    def _restyle(self, _: Any) -> None:
        for figure in self.figures.values():
            figure.update_layout(template=template(self._screen.dark))
        self._redraw()

    def _redraw(self) -> None:
        """Draw what is visible: plotly misplaces the titles of what it draws out of sight."""
        if self._shown is None:
            return
        visible = self._arrange()
        found, comparison, dark = self._shown.found, self._shown.comparison, self._screen.dark
        null, many = comparison.fits["walk"].null, len(found.eigenvalues)
        if "pairs" in visible:
            count = min(self._components, many)
            pairs = projections_figure(found, null, count, dark)
            _make_room(pairs, count)
            self._put("pairs", mark_projections(pairs, dark))
        if "space" in visible:
            self._put("space", mark_space(space_figure(found, null, dark), dark))
        if "spectrum" in visible:
            spectrum = spectrum_figure(found, comparison, dark, self._shown.bounds)
            # The verdict stands above all figures, where it has room. Spectra fall: the upper right
            # is free, even in a low figure.
            spectrum.update_layout(
                title_subtitle_text="each component’s share, and chance’s",
                legend={"x": 1, "y": 1.11, "xanchor": "right", "yanchor": "top", "font_size": 14},
            )
            self._put("spectrum", spectrum)
        if "distance" in visible:
            distance = distance_figure(found, null, dark)
            distance.update_layout(yaxis_title_text="distance", legend_font_size=14)
            self._put("distance", mark_distance(distance, dark))
        self._redraw_landscape()

    def _redraw_landscape(self) -> None:
        if self._landscape is None:
            return
        figure = landscape_figure(*self._landscape, self._screen.dark)
        self._put("landscape", mark_projections(figure, self._screen.dark))

    def _put(self, name: str, figure: go.Figure) -> None:
        self._mark(name, figure)
        height, pixels = HEIGHTS[name], self._screen.pixels
        figure.update_layout(height=height, title_y=1 - 20 / height, margin_t=TOP)
        if pixels:
            beside = pixels >= BESIDE and name != "landscape"
            width = (pixels // 2 if beside else pixels) - 8
            figure.update_layout(width=width)
            if width < NARROW:
                small = {"title_font_size": 19, "title_subtitle_font_size": 13}
                figure.update_layout(margin_t=TOP_NARROW, **small)
        # The widget has it already, and to check it again takes plotly longer than all the rest.
        figure.layout.template = None
        redraw(self.figures[name], figure)

    def _arrange(self) -> set[str]:
        """Show what there is; the names of the figures that are visible."""
        many = 0 if self._shown is None else len(self._shown.found.eigenvalues)
        wanted = {
            "pairs": many >= 2 and (self._view == VIEWS[0] or many < 3),
            "space": many >= 3 and self._view == VIEWS[1],
            "spectrum": many >= 1,
            "distance": many >= 3,
            "landscape": self._landscape is not None,
        }
        for name, wish in wanted.items():
            self._boxes[name].layout.display = "" if wish else "none"
        return {name for name, wish in wanted.items() if wish}


def _make_room(pairs: go.Figure, count: int) -> None:
    """Keep legend, colour bar and labels clear of the panels of so many components."""
    # A triangle leaves its upper right free; a single panel leaves nothing.
    if count == 2:
        pairs.update_layout(
            margin={"r": 100, "b": 110},
            legend={"orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "y": 0.01,
                    "yanchor": "bottom"},
            coloraxis_colorbar={"x": 1.03, "xanchor": "left"},
        )  # fmt: skip
    else:
        # The widget keeps what a figure doesn't name.
        pairs.update_layout(legend={"orientation": "v", "yref": "paper"})
    if count == COUNTS[-1]:
        pairs.update_xaxes(title_font_size=12)
        pairs.update_yaxes(title_font_size=12)
