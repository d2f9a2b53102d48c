"""All pictures of one stitching on one page that needs no network, light or dark by the reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plotly.graph_objects as go
from xarray import Dataset

from invis.views.page import figures_html
from invis.views.stitching_anchors import anchors_figure
from invis.views.stitching_matrix import matrix_figure, methods_figure
from invis.views.stitching_reconstructions import reconstructions_figure

STYLE = "#figures > div { margin: 0 24px 2rem; overflow-x: auto; }"


def stitching_figures(
    results: Sequence[Dataset],
    sweep: Dataset | None = None,
    more: Sequence[Callable[[bool], go.Figure]] = (),
    dark: bool = False,
) -> list[go.Figure]:
    """For every task the methods, the matrix and, for images, the reconstructions; then the rest.

    Args:
        results: of `stitch`.
        sweep: of `anchor_sweep_steps`.
        more: further figures, each a function of `dark`.
        dark: the scheme.
    """
    figures = []
    for ds in results:
        figures += [methods_figure(ds, dark), matrix_figure(ds, dark=dark)]
        if "picture" in ds:
            figures.append(reconstructions_figure(ds, dark=dark))
    if sweep is not None:
        figures.append(anchors_figure(sweep, dark))
    return figures + [make(dark) for make in more]


def stitching_html(
    results: Sequence[Dataset],
    title: str,
    sweep: Dataset | None = None,
    more: Sequence[Callable[[bool], go.Figure]] = (),
) -> str:
    """The page."""
    light, dark = (stitching_figures(results, sweep, more, scheme) for scheme in (False, True))
    return figures_html(light, dark, title, STYLE)
