"""The same images in two spaces, before and after a common language was found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from invis.stitching.checks import Matrix
from invis.stitching.planes import in_plane
from invis.views.base.theme import palette, template

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
HEIGHT = 760
TITLES = {
    "pca": "The same inputs before and after, in the plane of {}",
    "umap": "The same inputs before and after, in UMAP's plane of {}",
}


def points_figure(
    before: tuple[ArrayLike, ArrayLike],
    after: tuple[ArrayLike, ArrayLike],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    names: tuple[str, str],
    dark: bool = False,
    plane: str = "pca",
) -> go.Figure:
    """Four panels: encoders A and B across, absolute and common space down, coloured by class.

    Each row is drawn in one plane, that of B; see `in_plane`. Customdata is the position of the
    input, and the figure's meta says so to a page that can show it.

    Args:
        before: A's and B's latent vectors (N, d) of the same inputs, of one width.
        after: A's and B's in the common space (N, k): relative, or A's translated.
        labels: (N,) classes of the inputs.
        classes: their names.
        names: of A and B.
        dark: the scheme.
        plane: `pca` or `umap`.

    Raises:
        InvisError: arrays that do not belong to the same inputs, an unknown plane, or UMAP missing.
    """
    rows = [in_plane(a, b, plane) for a, b in (before, after)]
    return flat_figure(rows, labels, classes, names, dark, plane)


def flat_figure(
    rows: Sequence[tuple[Matrix, Matrix]],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    names: tuple[str, str],
    dark: bool = False,
    plane: str = "pca",
) -> go.Figure:
    """`points_figure` of what `in_plane` gave before and after, so that it is found once."""
    colours = palette(dark)
    titles = [f"{name}, {when}" for when in ("before", "after") for name in names]
    figure = make_subplots(
        2, 2, subplot_titles=titles, shared_xaxes="rows", shared_yaxes="rows",
        horizontal_spacing=0.03, vertical_spacing=0.1,
    )  # fmt: skip
    for i, both in enumerate(rows):
        for j, points in enumerate(both):
            x, y = points.T
            for c, name in enumerate(classes):
                member = np.flatnonzero(labels == c)
                figure.add_scatter(
                    x=x[member], y=y[member], mode="markers", name=name, legendgroup=name,
                    showlegend=i == j == 0, customdata=member,
                    marker={
                        "size": 7,
                        "symbol": SYMBOLS[c // len(colours.series[:5]) % len(SYMBOLS)],
                        "color": colours.series[c % 5],
                        "opacity": 0.75,
                    },
                    hovertemplate=f"{name}, input %{{customdata}}<extra></extra>",
                    row=i + 1, col=j + 1,
                )  # fmt: skip
    figure.update_layout(
        template=template(dark),
        title={"text": TITLES[plane].format(names[1]), "y": 1 - 14 / HEIGHT},
        meta={"inputs": True},
        height=HEIGHT,
        margin={"l": 30, "r": 20, "t": 100, "b": 30},
        legend={"title": {"text": "class"}},
    )
    figure.update_xaxes(showticklabels=False)
    figure.update_yaxes(showticklabels=False)
    return figure
