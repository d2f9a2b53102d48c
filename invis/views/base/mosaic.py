"""Many small images as one picture, so that a live figure sends one PNG instead of many.

A picture enlarges every image by a whole factor and leaves room beneath each for a bar and a
caption. A `Tiling` says where everything lies, in pixels of the picture.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from invis.errors import InvisError
from invis.views.base.images import Pixels, enlarged

REFERENCE = -1


@dataclass(frozen=True)
class Tiling:
    """Where the images of a mosaic lie, in pixels of the mosaic.

    Attributes:
        count: N images, besides the reference.
        columns: images to a row.
        width, height: of one image, enlarged.
        zoom: mosaic pixels per image pixel.
        gap: between images.
        caption: room beneath each image.
        lead: where the first column of the set begins; above 0 where there is a reference.
        unit: mosaic pixels per screen pixel at the intended size; above 1 for large images only.
    """

    count: int
    columns: int
    width: int
    height: int
    zoom: int
    gap: int
    caption: int
    lead: int
    unit: float

    @property
    def rows(self) -> int:
        return -(-self.count // self.columns)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the whole mosaic."""
        return (
            self.rows * (self.height + self.caption) + (self.rows - 1) * self.gap,
            self.lead + self.columns * self.width + (self.columns - 1) * self.gap,
        )

    @property
    def tiles(self) -> list[int]:
        """All tiles in drawing order: the reference (-1) if there is one, then 0 to N - 1."""
        return [REFERENCE] * (self.lead > 0) + list(range(self.count))

    def corner(self, tile: int) -> tuple[int, int]:
        """(x, y) of the upper left pixel of a tile; -1 is the reference."""
        if tile == REFERENCE:
            return 0, 0
        row, column = divmod(tile, self.columns)
        return (
            self.lead + column * (self.width + self.gap),
            row * (self.height + self.caption + self.gap),
        )


def plan(
    count: int,
    size: tuple[int, int],
    columns: int,
    *,
    reference: bool = True,
    room: float = 940,
    tile: float = 172,
    caption: float = 44,
    gap: float = 18,
) -> Tiling:
    """Lay out N images of `size` (h, w) and a reference in `room` screen pixels of width.

    Images are at most `tile` wide on the screen; caption and gap are in screen pixels too.
    """
    height, width = size
    if count < 1 or columns < 1 or height < 1 or width < 1:
        raise InvisError(
            f"count {count}, columns {columns} and size {size} lay out nothing: each must be 1 "
            "or more."
        )
    lead = 2.2 * gap if reference else 0.0
    across = columns + reference
    screen = max(16.0, min(tile, (room - lead - (across - 1 - reference) * gap) / across))
    zoom = max(1, math.floor(screen / width))
    unit = max(1.0, zoom * width / screen)
    return Tiling(
        count=count,
        columns=columns,
        width=width * zoom,
        height=height * zoom,
        zoom=zoom,
        gap=round(gap * unit),
        caption=round(caption * unit),
        lead=(width * zoom + round(lead * unit)) if reference else 0,
        unit=unit,
    )


def mosaic(
    images: Pixels,
    reference: Pixels | None,
    columns: int = 1,
    *,
    background: tuple[int, int, int] = (255, 255, 255),
    tiling: Tiling | None = None,
    smooth: bool | None = None,
    **room: Any,
) -> tuple[Pixels, Tiling]:
    """One picture of a set.

    Args:
        images: (N, h, w, C) with C 1 or 3.
        reference: (h, w, C), drawn apart at the left, or None.
        columns: images to a row, where no tiling is given.
        background: of what lies between.
        tiling: where to put them; planned from the rest if left out.
        smooth: as for `enlarged`.
        room: `room`, `tile`, `caption`, `gap` of `plan`.

    Returns:
        The picture (H, W, 3), and its tiling.

    Raises:
        InvisError: if the arrays are no such images.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[-1] not in (1, 3):
        raise InvisError(
            f"images has shape {images.shape} and type {images.dtype}: give (N, h, w, 1 or 3) of "
            "uint8."
        )
    if reference is not None and np.shape(reference) != images.shape[1:]:
        raise InvisError(
            f"reference has shape {np.shape(reference)}: it must be one image of shape "
            f"{images.shape[1:]}."
        )
    if tiling is None:
        tiling = plan(
            len(images), images.shape[1:3], columns, reference=reference is not None, **room
        )
    picture = np.empty((*tiling.size, 3), dtype=np.uint8)
    picture[:] = background
    for tile in tiling.tiles:
        image = reference if tile == REFERENCE else images[tile]
        x, y = tiling.corner(tile)
        picture[y : y + tiling.height, x : x + tiling.width] = enlarged(
            np.asarray(image), tiling.zoom, smooth
        )
    return picture, tiling


def tile_at(tiling: Tiling, x: float, y: float) -> int | None:
    """The tile at a point of the mosaic: -1 the reference, 0 to N - 1, or None between them.

    Pixel centres have whole coordinates, as in plotly: the first pixel reaches from -0.5 to 0.5.
    """
    for tile in tiling.tiles:
        left, top = tiling.corner(tile)
        if 0 <= x + 0.5 - left < tiling.width and 0 <= y + 0.5 - top < tiling.height:
            return tile
    return None


def tiling_of(figure: Any) -> Tiling:
    """The tiling of the mosaic that a figure of a set, or of thumbnails, shows.

    Raises:
        InvisError: if the figure shows none.
    """
    kept = figure.layout.meta
    if not isinstance(kept, dict) or "mosaic" not in kept:
        raise InvisError("figure shows no mosaic: give one made by set_figure or thumbnails_figure")
    return Tiling(**kept["mosaic"])


def as_meta(tiling: Tiling) -> dict[str, float]:
    """The tiling as plain numbers, for `tiling_of`."""
    return asdict(tiling)


def columns_for(count: int) -> int:
    """Images to a row: as full rows as can be; four where that is a tie, eight for many."""
    if count <= 4:
        return max(1, count)
    wide = (4, 5, 3, 6) if count <= 12 else (8, 7, 6)
    return min(wide, key=lambda n: -count % n)
