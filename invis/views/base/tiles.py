"""What lies over a mosaic: a bar and two captions for each image, and where to click.

Always the same seven traces in the same order, so that a live figure only changes their data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from invis.views.base.images import Pixels, data_uri, quick_png
from invis.views.base.mosaic import Tiling
from invis.views.base.theme import SIZE, Palette

# The places of the traces in a figure's data.
PICTURE, TRACKS, BARS, SHORT, MARKS, CAPTIONS, TARGETS = range(7)


@dataclass(frozen=True)
class Caption:
    """What stands beneath one image.

    Attributes:
        left, right: the two captions.
        value: the length of the bar, NaN for none.
        mark: where the bar carries a mark, or None.
        short: whether the bar falls short of what was asked.
        hover: what the pointer shows.
    """

    left: str
    right: str
    value: float = math.nan
    mark: float | None = None
    short: bool = False
    hover: str = ""


def picture_trace(picture: Pixels) -> dict[str, Any]:
    """A picture (H, W, 3) of enlarged pixels: smoothing only meets the screen's own scale."""
    source = data_uri(quick_png(picture))
    return {"type": "image", "source": source, "zsmooth": "fast", "hoverinfo": "skip"}


def tile_traces(
    picture: Pixels, tiling: Tiling, captions: Sequence[Caption], end: float, colours: Palette
) -> list[dict[str, Any]]:
    """The seven traces of a mosaic; captions are in the order of `tiling.tiles`.

    Bars run from 0 to `end` over the width of their image.
    """
    unit = tiling.unit
    bar_y, text_y = 9 * unit, 28 * unit
    corners = [tiling.corner(tile) for tile in tiling.tiles]
    placed = list(zip(corners, captions, strict=True))

    def along(x: int, value: float) -> float:
        return x - 0.5 + tiling.width * min(max(value / end, 0.0), 1.0)

    def lines(kept: list[tuple[tuple[int, int], Caption]], value: float | None) -> dict[str, Any]:
        xs: list[float | None] = []
        ys: list[float | None] = []
        for (x, y), caption in kept:
            length = caption.value if value is None else value
            xs += [x - 0.5, along(x, length), None]
            ys += [y + tiling.height + bar_y, y + tiling.height + bar_y, None]
        return {"x": xs, "y": ys}

    known = [item for item in placed if math.isfinite(item[1].value)]
    marked = [
        (along(x, c.mark), y + tiling.height + bar_y) for (x, y), c in placed if c.mark is not None
    ]
    texts = [
        (at, y + tiling.height + text_y, text, position)
        for (x, y), c in placed
        for at, text, position in (
            (x - 0.5, c.left, "middle right"),
            (x + tiling.width - 0.5, c.right, "middle left"),
        )
    ]
    squares = max(1, round(tiling.width / tiling.height))
    beside = range(squares)
    common = {"type": "scatter", "hoverinfo": "skip", "showlegend": False, "cliponaxis": False}
    line = common | {"mode": "lines"}
    return [
        picture_trace(picture),
        line | {"line": {"color": colours.line, "width": 9}} | lines(placed, end),
        line
        | {"line": {"color": colours.index, "width": 9}}
        | lines([item for item in known if not item[1].short], None),
        line
        | {"line": {"color": colours.spread, "width": 9, "dash": "4px,2px"}}
        | lines([item for item in known if item[1].short], None),
        common
        | {
            "mode": "markers",
            "x": [x for x, _ in marked],
            "y": [y for _, y in marked],
            "marker": {
                "symbol": "line-ns",
                "size": 8,
                "line": {"width": 2.5, "color": colours.ink},
            },
        },
        common
        | {
            "mode": "text",
            "x": [t[0] for t in texts],
            "y": [t[1] for t in texts],
            "text": [t[2] for t in texts],
            "textposition": [t[3] for t in texts],
            "textfont": {"size": SIZE, "color": colours.ink},
        },
        # An image trace reports no tile: transparent squares take the pointer.
        {
            "type": "scatter",
            "mode": "markers",
            "showlegend": False,
            "x": [
                x - 0.5 + tiling.width * (k + 0.5) / squares for (x, _), _ in placed for k in beside
            ],
            "y": [y + (tiling.height - 1) / 2 for (_, y), _ in placed for _ in beside],
            "customdata": [tile for tile in tiling.tiles for _ in beside],
            "hovertext": [c.hover for _, c in placed for _ in beside],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {
                "symbol": "square",
                "opacity": 0,
                "size": round(min(tiling.width, tiling.height) / unit),
                "color": colours.index,
            },
        },
    ]


def mosaic_axes(
    tiling: Tiling, x_domain: tuple[float, float], y_domain: tuple[float, float]
) -> dict[str, Any]:
    """The invisible axes x and y of a mosaic: square pixels, kept to the upper left."""
    height, width = tiling.size
    hidden = {"visible": False, "fixedrange": True, "constrain": "domain"}
    return {
        "xaxis": hidden
        | {"range": [-0.5, width - 0.5], "domain": list(x_domain), "constraintoward": "left"},
        "yaxis": hidden
        | {
            "range": [height - 0.5, -0.5],
            "domain": list(y_domain),
            "constraintoward": "top",
            "scaleanchor": "x",
        },
    }
