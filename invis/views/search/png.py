"""A result as one strip: reference, set, each image's activation, the index and its null."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from xarray import Dataset

from invis.views.base import words
from invis.views.base.images import (
    enlarged,
    grey_of,
    stretch_factor,
    stretched,
    to_pillow,
    to_png,
    visible,
    zoom,
)

TILE = 144
GAP = 14
BAR = 8
PAPER, INK, MUTED, SHADE, FILL = "#ffffff", "#17181a", "#5b5f66", "#e4e3dd", "#0072b2"
# Tiles to a row; larger sets wrap.
ROW = 8


def set_png(ds: Dataset) -> bytes:
    """The PNG file of a result, each image enlarged by a whole factor; says how it is shown."""
    ds = visible(ds)
    images = ds["images"].values
    grey, factor = grey_of(ds), stretch_factor([ds])
    _, height, width, _ = images.shape
    scale = zoom(width, TILE)
    tile = (width * scale, height * scale)
    per_row = min(ROW, len(images))
    rows = -(-len(images) // per_row)
    pitch = tile[1] + BAR + 30 + GAP
    lines = _heading(ds, factor)
    head = 66
    text = round(max(_font(17).getlength(line) for line in lines))
    canvas = Image.new(
        "RGB",
        (
            max(3 * GAP + tile[0] + per_row * (tile[0] + GAP), text + 2 * GAP),
            head + rows * pitch + 8,
        ),
        PAPER,
    )
    draw = ImageDraw.Draw(canvas)
    for line, (text_line, colour) in enumerate(zip(lines, (MUTED, INK), strict=True)):
        draw.text((GAP, 10 + 24 * line), text_line, colour, _font(17))
    alpha = words.number(ds.attrs, "alpha")

    def place(pixels: np.ndarray, x: int, y: int, fraction: float, name: str, floor: bool) -> None:
        picture = to_pillow(enlarged(stretched(pixels, grey, factor), scale)).convert("RGB")
        canvas.paste(picture, (x, y))
        base = y + tile[1] + 6
        draw.rectangle((x, base, x + tile[0] - 1, base + BAR), SHADE)
        if np.isfinite(fraction) and fraction > 0:
            draw.rectangle((x, base, x + round(min(fraction, 1) * (tile[0] - 1)), base + BAR), FILL)
        if floor and alpha is not None:
            mark = x + round(alpha * (tile[0] - 1))
            draw.line((mark, base - 2, mark, base + BAR + 2), INK, 2)
        share = words.percent(float(fraction) if np.isfinite(fraction) else None)
        draw.text((x, base + BAR + 4), f"{name} {share}".strip(), MUTED, _font(13))

    place(ds["reference_image"].values, GAP, head, 1.0, "reference", False)
    for i, (image, fraction) in enumerate(zip(images, ds["fraction"].values, strict=True)):
        row, column = divmod(i, per_row)
        x = 3 * GAP + tile[0] + column * (tile[0] + GAP)
        place(image, x, head + row * pitch, float(fraction), "", True)
    return to_png(canvas)


def _heading(ds: Dataset, factor: int) -> list[str]:
    """Two lines: whose set and how it is shown; what was measured, beside its null."""
    index, spread = words.number(ds.attrs, "index"), words.number(ds.attrs, "spread")
    if ds.attrs.get("dead"):
        measured = "dead unit"
    elif index is None:
        measured = "no index"
    else:
        measured = f"index {index:.2f}   spread {words.figure(spread)}   (a linear unit: at most 1)"
    # The font that Pillow carries has no multiplication sign.
    shown = words.stretch_label(factor).replace("×", "x")
    return [f"{ds.attrs.get('address', '')}   {shown}", measured]


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
