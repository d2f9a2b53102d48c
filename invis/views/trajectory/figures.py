"""All figures of one trajectory: in order, on one page, with marks that show one step in all."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from invis.trajectory.fit import Comparison
from invis.trajectory.landscape import Landscape
from invis.trajectory.pca import PCA
from invis.views.base.page import figures_html
from invis.views.base.theme import palette
from invis.views.trajectory.animation import animation_figure
from invis.views.trajectory.distance import distance_figure
from invis.views.trajectory.projections import projections_figure, space_figure
from invis.views.trajectory.spectrum import Bounds, spectrum_figure, walk_band
from invis.views.trajectory.style import uneven

NOW = "this step"


def trajectory_figures(
    found: PCA, comparison: Comparison, dark: bool = False, bounds: Bounds | None = None
) -> list[go.Figure]:
    """Spectrum, projections, motion, space and distance, as far as there are components."""
    walk = comparison.fits["walk"].null
    figures = [spectrum_figure(found, comparison, dark, bounds)]
    if len(found.eigenvalues) >= 2:
        figures.append(projections_figure(found, walk, dark=dark))
        figures.append(animation_figure(found, walk, dark=dark))
    if len(found.eigenvalues) >= 3:
        figures += [space_figure(found, walk, dark), distance_figure(found, walk, dark)]
    return figures


def trajectory_html(found: PCA, comparison: Comparison, title: str) -> str:
    """The figures on one page that needs no network, light or dark by the reader."""
    bounds = walk_band(found, comparison)
    light, dark = (
        trajectory_figures(found, comparison, scheme, bounds) for scheme in (False, True)
    )
    return figures_html(light, dark, title)


def mark_projections(figure: go.Figure, dark: bool = False) -> go.Figure:
    """Add a mark to each panel of a `projections_figure`, or to a map, at no place yet."""
    for x, y in dict.fromkeys((trace.xaxis or "x", trace.yaxis or "y") for trace in figure.data):
        figure.add_trace(go.Scatter(xaxis=x, yaxis=y, **_mark(14, dark)))
    return figure


def mark_space(figure: go.Figure, dark: bool = False) -> go.Figure:
    """Add a mark to a `space_figure`, at no place yet."""
    figure.add_trace(go.Scatter3d(z=[], **_mark(9, dark)))
    return figure


def mark_distance(figure: go.Figure, dark: bool = False) -> go.Figure:
    """Add a line to a `distance_figure`, at no place yet."""
    line = {"color": palette(dark).spread, "width": 3}
    figure.add_trace(
        go.Scatter(
            x=[], y=[], mode="lines", line=line, name=NOW, hoverinfo="skip", showlegend=False
        )
    )
    return figure


def move_marks(figure: go.Figure, found: PCA, row: int) -> None:
    """Put the marks of a figure to the checkpoint in a row."""
    marks = [trace for trace in figure.data if trace.name == NOW]
    score = found.scores[row]
    with figure.batch_update():
        if marks and marks[0].type == "scatter3d":
            marks[0].update(x=[score[0]], y=[score[1]], z=[score[2]])
        elif marks and marks[0].mode == "lines":
            step = int(found.steps[row] - found.steps[0]) + (1 if uneven(found.steps) else 0)
            marks[0].update(x=[step, step], y=[0, 1.05])
        else:
            for mark, (column, below) in zip(marks, _pairs(len(marks)), strict=True):
                mark.update(x=[score[column]], y=[score[below]])


def move_mark_on_map(figure: go.Figure, known: Landscape, row: int) -> None:
    """Put the mark of a map to the checkpoint in a row; to none where the map does not know it."""
    there = known.path[row : row + 1]
    for mark in [trace for trace in figure.data if trace.name == NOW]:
        mark.update(x=there[:, 0], y=there[:, 1])


def _pairs(count: int) -> list[tuple[int, int]]:
    """The components of the panels of a triangle, row by row."""
    pairs = [(column, row + 1) for row in range(count) for column in range(row + 1)]
    return pairs[:count]


def _mark(size: int, dark: bool) -> dict[str, Any]:
    colours = palette(dark)
    marker = {
        "size": size,
        "color": colours.spread,
        "symbol": "circle",
        "line": {"color": colours.paper, "width": 2},
    }
    silent = {"hoverinfo": "skip", "showlegend": False}
    return {"x": [], "y": [], "mode": "markers", "marker": marker, "name": NOW} | silent
