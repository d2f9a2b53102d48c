"""All pictures of one trajectory on one page that needs no network, light or dark by the reader."""

from __future__ import annotations

import plotly.graph_objects as go

from invis.trajectory.fit import Comparison
from invis.trajectory.pca import PCA
from invis.views.base.page import figures_html
from invis.views.trajectory.animation import animation_figure
from invis.views.trajectory.distance import distance_figure
from invis.views.trajectory.projections import projections_figure, space_figure
from invis.views.trajectory.spectrum import Bounds, spectrum_figure, walk_band


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
    """The page."""
    bounds = walk_band(found, comparison)
    light, dark = (
        trajectory_figures(found, comparison, scheme, bounds) for scheme in (False, True)
    )
    return figures_html(light, dark, title)
