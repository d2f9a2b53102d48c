"""The units of a layer as thumbnails: each unit's reference, or its set, with its index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np
import plotly.graph_objects as go
from xarray import Dataset

from invis.errors import InvisError
from invis.views.base import words
from invis.views.base.frame import BELOW_TITLE, LETTER, LINE, Frame, joined
from invis.views.base.images import Pixels, enlarged, grey_of, is_smooth, stretch_factor, stretched
from invis.views.base.mosaic import Tiling, as_meta, mosaic, plan, tile_at
from invis.views.base.theme import SIZE, axis_end, palette, rgb, template
from invis.views.base.tiles import Caption, mosaic_axes, tile_traces

TILE, MOST = 92, 150


def thumbnails_figure(
    results: Sequence[Dataset],
    columns: int | None = None,
    dark: bool = False,
    *,
    strip: bool = False,
    width: int | None = None,
    title: str | None = None,
) -> go.Figure:
    """Results as a grid in the order given, each with its channel, its index and the null.

    The bar beneath a thumbnail is the index, the mark on it what a linear unit would allow.

    Args:
        columns: thumbnails to a row; as many as fit if left out.
        strip: show the reference and the whole set in a row instead of the reference alone.
        width: in pixels; without one the figure fills what it is put into.

    Raises:
        InvisError: for an empty list, or results whose images differ in number or size.
    """
    if not results:
        raise InvisError("results is empty: thumbnails need at least one result.")
    shapes = sorted({ds["images"].shape[0 if strip else 1 :] for ds in results})
    if len(shapes) > 1:
        raise InvisError(
            f"results have images of shapes {shapes[0]} and {shapes[1]}: give the units of one "
            "layer, searched alike."
        )
    colours = palette(dark)
    factor = stretch_factor(results)
    inner = Frame(width).inner
    pictures = np.stack(
        [
            _strip(ds, factor, rgb(colours.paper)) if strip else _reference(ds, factor)
            for ds in results
        ]
    )
    across = pictures.shape[2] / pictures.shape[1]
    if columns is None:
        wide = TILE * max(1.0, 0.55 * across)
        fit = max(1, int((inner + 18) // (wide + 18)))
        columns = math.ceil(len(results) / math.ceil(len(results) / fit))
    tiling = plan(
        len(results),
        pictures.shape[1:3],
        columns,
        reference=False,
        room=inner,
        tile=MOST * max(1.0, 0.55 * across),
    )
    if strip:
        # Images of a row must not run into each other when enlarged.
        smooth = is_smooth(1, tiling.zoom)
        drawn = [_strip(ds, factor, rgb(colours.paper), tiling.zoom, smooth) for ds in results]
        pictures = np.stack(drawn)
    placed = replace(tiling, zoom=1) if strip else tiling
    picture, _ = mosaic(pictures, None, background=rgb(colours.paper), tiling=placed)
    values = [words.number(ds.attrs, "index") for ds in results]
    end = axis_end([value or 0.0 for value in values])
    captions = [
        Caption(
            left=escape(str(ds.attrs.get("channel", "")), quote=False),
            right="dead" if ds.attrs.get("dead") else f"<b>{words.figure(value)}</b>",
            value=math.nan if value is None or ds.attrs.get("dead") else value,
            mark=1.0,
            hover=_hover(ds, value),
        )
        for ds, value in zip(results, values, strict=True)
    ]
    note = wrap(
        "Channel and index; the mark on the bar is a linear unit (1). "
        f"{words.stretch_label(factor).capitalize()}.",
        max(20, int(inner / LETTER)),
    )
    head = BELOW_TITLE + LINE * len(note) + 16
    tall = tiling.size[0] / tiling.unit
    frame = Frame(width, round(head + tall + 20))
    figure = go.Figure(tile_traces(picture, tiling, captions, end, colours))
    figure.update_layout(
        template=template(dark),
        width=width,
        meta={"mosaic": as_meta(tiling), "dark": bool(dark)},
        annotations=[
            frame.text(joined(note), BELOW_TITLE, {"size": SIZE, "color": colours.muted}, xshift=-2)
        ],
        **frame.layout(_title(results) if title is None else title),
        **mosaic_axes(tiling, (0.0, 1.0), (20 / frame.height, frame.at(head))),
    )
    return figure


def blank_thumbnails_figure(dark: bool = False) -> go.Figure:
    """A figure of one grey image, to be changed into another with `changes.apply`."""
    colours = palette(dark)
    grey = np.full((1, 8, 8, 3), 128, dtype=np.uint8)
    picture, tiling = mosaic(grey, None, 1, background=rgb(colours.paper))
    figure = go.Figure(tile_traces(picture, tiling, [Caption("", "")], 1.0, colours))
    figure.update_layout(template=template(dark), annotations=[{"text": ""}], height=200)
    return figure.update_layout(**mosaic_axes(tiling, (0.0, 1.0), (0.0, 1.0)))


def unit_at(tiling: Tiling, x: float, y: float) -> int | None:
    """Which result lies at a point of the figure: its place in the list, or None between them.

    The tiling is `tiling_of(figure)`.
    """
    return tile_at(tiling, x, y)


def _reference(ds: Dataset, factor: int) -> Pixels:
    """(h, w, C) as it is displayed."""
    return stretched(ds["reference_image"].values, grey_of(ds), factor)


def _strip(
    ds: Dataset, factor: int, paper: tuple[int, int, int], zoom: int = 1, smooth: bool = False
) -> Pixels:
    """(zoom h, W, 3) the reference and the set in a row."""
    pixels = np.concatenate([ds["reference_image"].values[None], ds["images"].values])
    shown = np.broadcast_to(stretched(pixels, grey_of(ds), factor), (*pixels.shape[:3], 3))
    reference, *images = [enlarged(one, zoom, smooth) for one in shown]
    height, width = pixels.shape[1:3]
    thin, thick = (
        np.full((height * zoom, n * zoom, 3), paper, dtype=np.uint8)
        for n in (1, max(2, width // 6))
    )
    row: list[Any] = [reference, thick]
    for image in images:
        row += [image, thin]
    return np.concatenate(row[:-1], axis=1)


def _title(results: Sequence[Dataset]) -> str:
    places = {(str(d.attrs.get("model")), str(d.attrs.get("layer"))) for d in results}
    units = f"{len(results)} unit{'s' if len(results) > 1 else ''}"
    if len(places) > 1:
        return units
    model, layer = next(iter(places))
    return f"{units} of {layer} in {model}"


def _hover(ds: Dataset, value: float | None) -> str:
    address = escape(str(ds.attrs.get("address", "")), quote=False)
    if ds.attrs.get("dead"):
        return f"<b>{address}</b><br>dead"
    spread = words.figure(words.number(ds.attrs, "spread"))
    return f"<b>{address}</b><br>index {words.figure(value)}, spread {spread}"
