"""A morph as an animated GIF: there and back, or around; the straight line beside it."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from xarray import Dataset

from invis.views.base import words
from invis.views.base.images import enlarged, grey_of, stretched, to_pillow, zoom
from invis.views.base.theme import DARK, LIGHT, Palette
from invis.views.search import morph_words
from invis.views.search.morph_frame import display_factor

PICTURE, GAP, BAR = 224, 20, 10
HEAD, FOOT = 44, 62
MILLISECONDS, PAUSE = 70, 600
COLOURS = 256


def morph_gif(found: Dataset, dark: bool = False) -> bytes:
    """The GIF file: every frame and its straight line, each over what the unit keeps of it.

    Pictures are enlarged by a whole factor, their contrast is stretched where it could not be seen;
    a mark on the bars is alpha.
    """
    colours = DARK if dark else LIGHT
    factor, grey = display_factor(found), grey_of(found)
    rows = [
        (name, stretched(found[frames].values, grey, factor), found[fraction].values)
        for name, frames, fraction in (
            ("Morph", "frames", "fraction"),
            ("Straight line", "straight_frames", "straight_fraction"),
        )
    ]
    pages = [_page(found, rows, k, factor, colours) for k in range(found.sizes["frame"])]
    # Each frame has colours of its own: one palette for all would make the pictures blotchy.
    flat = [page.quantize(COLOURS, kmeans=2, dither=Image.Dither.NONE) for page in pages]
    around = morph_words.is_loop(found)
    shown = flat[:-1] if around else flat + flat[-2:0:-1]
    pauses = () if around else (0, len(flat) - 1)
    times = [PAUSE if k in pauses else MILLISECONDS for k in range(len(shown))]
    buffer = io.BytesIO()
    shown[0].save(
        buffer, "GIF", save_all=True, append_images=shown[1:], duration=times, loop=0,
        optimize=False,
    )  # fmt: skip
    return buffer.getvalue()


def _page(
    found: Dataset,
    rows: list[tuple[str, NDArray[np.uint8], NDArray[np.float32]]],
    k: int,
    factor: int,
    colours: Palette,
) -> Image.Image:
    """One frame: two pictures with name, share and bar."""
    height, width = found.sizes["row"], found.sizes["column"]
    scale = zoom(width, PICTURE)
    tile = (width * scale, height * scale)
    size = (3 * GAP + 2 * tile[0], HEAD + tile[1] + FOOT)
    page = Image.new("RGB", size, colours.paper)
    draw = ImageDraw.Draw(page)
    alpha = float(found.attrs["alpha"])
    for place, (name, frames, fractions) in enumerate(rows):
        x, shade = GAP + place * (tile[0] + GAP), (colours.index, colours.spread)[place]
        picture = to_pillow(enlarged(frames[k], scale)).convert("RGB")
        page.paste(picture, (x, HEAD))
        draw.text((x, 14), name, colours.ink, _font(18))
        share = words.percent(float(fractions[k]))
        draw.text((x + tile[0], 14), share, shade, _font(18), anchor="ra")
        top = HEAD + tile[1] + 10
        draw.rectangle((x, top, x + tile[0] - 1, top + BAR), colours.line)
        length = round(min(max(float(fractions[k]), 0.0), 1.0) * (tile[0] - 1))
        draw.rectangle((x, top, x + length, top + BAR), shade)
        mark = x + round(alpha * (tile[0] - 1))
        draw.line((mark, top - 3, mark, top + BAR + 3), colours.ink, 2)
    shown = words.stretch_label(factor).replace("×", "x")
    said = f"{found.attrs['address']}   {shown}"
    font = _font(14)
    if font.getlength(said) > size[0] - 2 * GAP:
        said = str(found.attrs["address"])
    draw.text((GAP, size[1] - 28), said, colours.muted, font)
    return page


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
