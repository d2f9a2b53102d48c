"""The set of one unit as a plotly figure: pictures, activations, and the measures on their null.

Every figure, live or final, is made by one pure function from arrays to traces and layout; an
update sends what changed of it. So a preview and a result can only look alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from xarray import Dataset

from invis.errors import InvisError
from invis.views.base import words
from invis.views.base.changes import apply
from invis.views.base.images import grey_of, stretch_of, stretched, visible
from invis.views.base.measures import measure_axes, measure_traces, null_area
from invis.views.base.mosaic import REFERENCE, as_meta, mosaic, tiling_of
from invis.views.base.theme import axis_end, palette, rgb, template
from invis.views.base.tiles import Caption, mosaic_axes, tile_traces
from invis.views.search.set_frame import SetFrame, frame_texts

# The places of the measures in the figure's data, after those of the tiles.
NULL, INDEX, SPREAD, NUMBERS = range(7, 11)


def set_figure(
    ds: Dataset, dark: bool = False, width: int | None = None, *, smooth: bool | None = None
) -> go.Figure:
    """The set of one result: reference, images, activations, index and spread against the null.

    `width` is in pixels; without one the figure fills what it is put into. From 1200 px on the
    measures stand beside the pictures, otherwise beneath. `smooth` is whether pixels are enlarged
    smoothly; where they would be seen as squares, if left out.
    """
    figure = blank_set_figure(dark, width, smooth=smooth)
    show_set(figure, ds)
    return figure


def blank_set_figure(
    dark: bool = False, width: int | None = None, title: str = "", *, smooth: bool | None = None
) -> go.Figure:
    """A figure to update: one grey image and no measures yet."""
    grey = np.full((1, 16, 16, 3), 128, dtype=np.uint8)
    kept: dict[str, Any] = {"dark": bool(dark), "width": width, "title": title}
    kept |= {"verdict": "", "warnings": [], "smooth": smooth}
    spec = _spec(grey, grey[0], [math.nan], None, None, None, np.full(3, 128.0), 1, kept)
    figure = go.Figure(spec)
    figure.update_layout(template=template(dark), width=width)
    return figure


def show_set(figure: go.Figure, ds: Dataset) -> None:
    """Put a result into an existing figure, whatever it showed before."""
    ds = visible(ds)
    update_set(
        figure,
        ds["images"].values,
        ds["reference_image"].values,
        ds["fraction"].values,
        words.number(ds.attrs, "alpha"),
        words.number(ds.attrs, "index"),
        words.number(ds.attrs, "spread"),
        grey=grey_of(ds),
        title=words.title(ds),
        verdict=words.verdict(ds),
        warnings=words.warnings(ds),
    )


def update_set(
    figure: go.Figure,
    images: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    fractions: ArrayLike,
    alpha: float | None,
    index: float | None = None,
    spread: float | None = None,
    *,
    grey: ArrayLike = 128.0,
    factor: int | None = None,
    title: str | None = None,
    verdict: str | None = None,
    warnings: Sequence[str] = (),
) -> None:
    """Change a figure made here (a Figure or a FigureWidget of one) in one batch.

    Args:
        images: (N, h, w, C) uint8, C 1 or 3; N and the size may differ from before.
        reference: (h, w, C) uint8.
        fractions: (N,) activations as shares of the reference's; NaN where unknown.
        alpha: the floor, or None.
        index, spread: the measures; None or NaN where there is none (yet).
        grey: (C,) or one number, the mean grey that the display stretch starts from.
        factor: of the display stretch; chosen from the images if left out.
        title, verdict: plain text; None keeps what stands there.
        warnings: sentences shown beneath the verdict.

    Raises:
        InvisError: if the figure was not made here, or the arrays are no images.
    """
    tiling_of(figure)
    kept = dict(figure.layout.meta)
    if title is not None:
        kept["title"] = title
    if verdict is not None:
        kept["verdict"] = verdict
    kept["warnings"] = list(warnings)
    images = np.asarray(images)
    levels = np.broadcast_to(np.asarray(grey, dtype=float), (images.shape[-1],))
    if factor is None:
        factor = stretch_of(images, levels)
    spec = _spec(images, reference, fractions, alpha, index, spread, levels, factor, kept)
    apply(figure, spec["data"], spec["layout"])


def _spec(
    images: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    fractions: ArrayLike,
    alpha: float | None,
    index: float | None,
    spread: float | None,
    grey: NDArray[np.float64],
    factor: int,
    kept: dict[str, Any],
) -> dict[str, Any]:
    """The figure's traces and layout, always with the same traces, annotations and shapes."""
    colours = palette(kept["dark"])
    shares = np.asarray(fractions, dtype=float).ravel().tolist()
    if images.ndim == 4 and len(shares) != len(images):
        raise InvisError(
            f"fractions has {len(shares)} numbers for {len(images)} images: give one for each."
        )
    index, spread = _finite(index), _finite(spread)
    frame = SetFrame(images, kept)
    tiling = frame.tiling
    picture, _ = mosaic(
        stretched(images, grey, factor),
        stretched(np.asarray(reference), grey, factor),
        background=rgb(colours.paper),
        tiling=tiling,
        smooth=kept["smooth"],
    )
    end = max(1.0, *(share for share in shares if math.isfinite(share)), 0.0)
    captions = [_caption(tile, shares, alpha) for tile in tiling.tiles]
    top = axis_end([index or 0.0, spread or 0.0])
    return {
        "data": tile_traces(picture, tiling, captions, end, colours)
        + measure_traces(index, spread, top, colours),
        "layout": {
            "meta": kept | {"mosaic": as_meta(tiling)},
            **frame.layout(kept["title"]),
            "showlegend": False,
            **mosaic_axes(tiling, frame.mosaic_x, frame.mosaic_y),
            **measure_axes(frame.panel_x, frame.panel_y, top, colours),
            "annotations": frame_texts(frame, factor, alpha, colours),
            "shapes": [null_area(colours, xref="x2", yref="y2 domain")],
        },
    }


def _caption(tile: int, shares: Sequence[float], alpha: float | None) -> Caption:
    if tile == REFERENCE:
        return Caption("<b>a*</b>", "100 %", 1.0, hover="the reference: best image found")
    share = shares[tile]
    known = math.isfinite(share)
    text = words.percent(share if known else None)
    short = known and alpha is not None and share < alpha - words.FRACTION_TOLERANCE
    hover = f"image {tile + 1}: {text} of the reference’s activation"
    if short:
        hover += f"<br>below the floor, {words.percent(alpha)}"
    return Caption(str(tile + 1), f"<b>{text}</b>", share, alpha, short, hover)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
