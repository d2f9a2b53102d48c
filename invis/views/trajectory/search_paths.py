"""The paths of a search's images on two components, with the images themselves along the way."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.trajectory.searches import SearchPaths
from invis.views.base.frame import TOP, heading
from invis.views.base.images import data_uri, enlarged, is_smooth, stretch_of, stretched
from invis.views.base.theme import palette, template

HEIGHT = 680
# Screen pixels of a thumbnail, about.
SHOWN = 70
# A thumbnail's side, and its distance from the path, as shares of the paths' extent.
THUMBNAIL, OFFSET = 0.11, 0.1
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "diamond", "square", "triangle-up")


def search_paths_figure(
    paths: SearchPaths, space: str = "pixels", thumbnails: int = 2, dark: bool = False
) -> go.Figure:
    """Each image's path through pixel space, or through the unit's layer.

    Args:
        paths: of one unit.
        space: `pixels` or `layer`.
        thumbnails: images shown along each path, from its start to its end; 0 for none.

    Raises:
        InvisError: if there are fewer than 2 moments, or images that have nothing to differ in.
    """
    if len(paths.steps) < 2:
        raise InvisError(f"paths have {len(paths.steps)} moments: a path has at least 2.")
    scores, ratios = paths.plane(space)
    if scores.shape[2] < 2 or not np.isfinite(ratios).all():
        raise InvisError(f"space {space!r} has a single dimension here: there is no plane to draw.")
    colours = palette(dark)
    low, high = np.quantile(100 * paths.null_ratios(space).sum(1), [0.025, 0.975])
    span = np.ptp(scores.reshape(-1, 2), axis=0)
    middle = (scores.reshape(-1, 2).max(0) + scores.reshape(-1, 2).min(0)) / 2
    figure = go.Figure()
    for k in range(scores.shape[1]):
        colour = colours.series[k % len(colours.series)]
        figure.add_scatter(
            x=scores[:, k, 0],
            y=scores[:, k, 1],
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": DASHES[k // len(colours.series) % 4]},
            marker={"size": 5, "symbol": SYMBOLS[k % 4]},
            name=f"image {k + 1}",
            customdata=np.stack([paths.steps, paths.fractions[:, k]], 1),
            hovertemplate="step %{customdata[0]}, activation %{customdata[1]:.2f}",
        )
        places = _places(len(paths.steps), thumbnails)
        outward = (scores[:, k].mean(0) - middle) / span
        outward *= span * OFFSET / (np.linalg.norm(outward) or 1.0)
        for place in places:
            # The first inside its path, the others outside, so that they leave the path visible.
            beside = -outward if len(places) > 1 and place == 0 else outward
            figure.add_layout_image(
                source=data_uri(_legible(paths, place, k)),
                xref="x",
                yref="y",
                x=scores[place, k, 0] + beside[0],
                y=scores[place, k, 1] + beside[1],
                sizex=THUMBNAIL * span[0],
                sizey=THUMBNAIL * span[1],
                xanchor="center",
                yanchor="middle",
                sizing="contain",
            )
    where = "pixel space" if space == "pixels" else "the unit’s layer"
    walks = "random walks of equal contrast" if space == "pixels" else "random walks"
    null = f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"
    share = f"{100 * ratios.sum():.0f}"
    below = f"the plane holds {share} % of the variance; of {walks}, {null} %"
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        margin={"l": 60, "r": 24, "t": TOP, "b": 96},
        title=heading(f"The images’ paths through {where}", below, HEIGHT, colours),
        legend={"orientation": "h", "x": 0, "y": -0.08, "yanchor": "top"},
        xaxis=_axis(0, ratios, middle, span),
        yaxis=_axis(1, ratios, middle, span),
    )
    return figure


def _axis(
    k: int, ratios: NDArray[np.float64], middle: NDArray[np.float64], span: NDArray[np.float64]
) -> dict[str, object]:
    return {
        "title": {"text": f"component {k + 1}, {100 * ratios[k]:.3g} %"},
        "range": [middle[k] - 0.68 * span[k], middle[k] + 0.68 * span[k]],
        "showticklabels": False,
        "showgrid": False,
    }


def _places(moments: int, thumbnails: int) -> list[int]:
    if thumbnails < 1:
        return []
    if thumbnails == 1:
        return [moments - 1]
    return sorted(set(np.linspace(0, moments - 1, thumbnails).round().astype(int).tolist()))


def _legible(paths: SearchPaths, place: int, image: int) -> NDArray[np.uint8]:
    """One image, its contrast stretched alike for all."""
    every = paths.images.reshape(-1, *paths.images.shape[-3:])
    pixels = stretched(paths.images[place, image], paths.grey, stretch_of(every, paths.grey))
    return enlarged(pixels, 4, is_smooth(pixels.shape[1], SHOWN))
