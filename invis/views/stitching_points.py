"""The same images in two spaces, before and after a common language was found."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from invis.stitching.checks import Matrix, pair
from invis.views.theme import palette, template

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
HEIGHT = 760


def _plane(points: Matrix) -> tuple[Matrix, Matrix]:
    """Mean (d,) and two principal directions (2, d)."""
    mean = points.mean(axis=0)
    return mean, np.linalg.svd(points - mean, full_matrices=False)[2][:2]


def points_figure(
    before: tuple[ArrayLike, ArrayLike],
    after: tuple[ArrayLike, ArrayLike],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    names: tuple[str, str],
    dark: bool = False,
) -> go.Figure:
    """Four panels: encoders A and B across, absolute and common space down, coloured by class.

    Each row is drawn in one plane, that of B's first two principal components: where A's points lie
    on B's, B's decoder can read them. Customdata is the position of the input.

    Args:
        before: A's and B's latent vectors (N, d) of the same inputs, of one width.
        after: A's and B's in the common space (N, k): relative, or A's translated.
        labels: (N,) classes of the inputs.
        classes: their names.
        names: of A and B.
        dark: the scheme.

    Raises:
        InvisError: arrays that do not belong to the same inputs.
    """
    colours = palette(dark)
    rows = [pair("A", a, "B", b) for a, b in (before, after)]
    titles = [f"{name}, {when}" for when in ("before", "after") for name in names]
    figure = make_subplots(
        2, 2, subplot_titles=titles, shared_xaxes="rows", shared_yaxes="rows",
        horizontal_spacing=0.03, vertical_spacing=0.1,
    )  # fmt: skip
    for i, both in enumerate(rows):
        mean, directions = _plane(both[1])
        for j, points in enumerate(both):
            x, y = ((points - mean) @ directions.T).T
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
        title={"text": "The same inputs, before and after", "y": 1 - 14 / HEIGHT},
        height=HEIGHT,
        margin={"l": 30, "r": 20, "t": 100, "b": 30},
        legend={"title": {"text": "class"}},
    )
    figure.update_xaxes(showticklabels=False)
    figure.update_yaxes(showticklabels=False)
    return figure
