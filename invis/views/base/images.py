"""8-bit images to PNG files and data URIs, and how much to stretch their contrast for display."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from xarray import Dataset

Pixels = NDArray[np.uint8]

FACTORS = (8, 6, 5, 4, 3, 2)
# The share of pixel values that may clip when stretched, and the largest deviation that fits.
CLIP_SHARE = 0.02
HEADROOM = 125.0
# RMS contrast in grey levels from which on images are shown as they are.
SEEN = 8.0
# Screen pixels per image pixel above which squares would be seen instead of the image.
SQUARES = 4


def grey_of(ds: Dataset) -> NDArray[np.float64]:
    """The mean grey (C,) that the images deviate from, in grey levels."""
    channels = ds.sizes["colour"]
    grey = np.atleast_1d(np.asarray(ds.attrs.get("grey", 128), dtype=float))
    return np.broadcast_to(grey, (channels,)).astype(float)


def visible(ds: Dataset) -> Dataset:
    """A result with one or three colours: of 2, 4 or more channels the first are shown.

    Two channels stand for red and for cyan, the first three of more for red, green and blue; its
    attribute `shown_channels` says so.
    """
    channels = ds.sizes["colour"]
    if channels in (1, 3):
        return ds
    chosen = [0, 1, 1] if channels == 2 else [0, 1, 2]
    grey = grey_of(ds)
    found = ds.isel(colour=chosen)
    found.attrs = {
        **ds.attrs,
        "grey": [float(grey[k]) for k in chosen],
        "shown_channels": "both channels are shown, as red and cyan"
        if channels == 2
        else f"channels 0, 1 and 2 of {channels} are shown, as red, green and blue",
    }
    return found


def stretch_factor(results: Sequence[Dataset]) -> int:
    """How much results are stretched for display: 1, true contrast, where that can be seen.

    One factor for a page, so that what is shown side by side is comparable.
    """
    contrasts = np.concatenate([contrasts_of(ds["images"].values, grey_of(ds)) for ds in results])
    return 1 if contrasts.mean() >= SEEN else widest_stretch(results)


def widest_stretch(results: Sequence[Dataset]) -> int:
    """The largest whole-number factor, 1 to 8, at which almost nothing clips in all results."""
    deviations = [deviations_of(ds["images"].values, grey_of(ds)).ravel() for ds in results]
    return _widest(np.concatenate(deviations))


def stretch_of(images: Pixels, grey: NDArray[np.float64]) -> int:
    """The display stretch of images (N, h, w, C): as `stretch_factor`, from pixels alone."""
    if contrasts_of(images, grey).mean() >= SEEN:
        return 1
    return _widest(deviations_of(images, grey).ravel())


def contrasts_of(images: Pixels, grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) RMS deviation of each image (N, h, w, C) from grey, in grey levels."""
    squares = deviations_of(images, grey) ** 2
    return np.sqrt(squares.reshape(len(squares), -1).mean(1, dtype=np.float64))


def deviations_of(images: Pixels, grey: NDArray[np.float64]) -> NDArray[np.float32]:
    """|image - grey|, as `images`."""
    return np.abs(images.astype(np.float32) - grey.astype(np.float32))


def _widest(deviations: NDArray[np.float32]) -> int:
    place = int((1 - CLIP_SHARE) * (deviations.size - 1))
    reach = float(np.partition(deviations, place)[place])
    return next((k for k in FACTORS if reach * k <= HEADROOM), 1)


def stretched(image: Pixels, grey: NDArray[np.float64], factor: int) -> Pixels:
    """`grey + factor * (image - grey)`, clipped to 8 bits; image (..., C), grey (C,)."""
    wide = grey + factor * (image.astype(float) - grey)
    return np.clip(np.round(wide), 0, 255).astype(np.uint8)


def is_smooth(width: float, shown: float) -> bool:
    """Whether a picture `width` pixels wide is smoothed when shown `shown` screen pixels wide."""
    return shown > SQUARES * width


def rendering(width: float, shown: float) -> str:
    """How a browser enlarges a picture: the CSS of its `image-rendering`."""
    return "auto" if is_smooth(width, shown) else "pixelated"


def enlarged(image: Pixels, factor: int, smooth: bool | None = None) -> Pixels:
    """(h, w, C) -> (factor h, factor w, C), smoothly where the pixels would be seen as squares.

    Args:
        factor: whole number.
        smooth: cubic interpolation, or hard pixels; by `is_smooth` if left out.
    """
    height, width, channels = image.shape
    if not (is_smooth(1, factor) if smooth is None else smooth):
        return image.repeat(factor, 0).repeat(factor, 1)
    size = (width * factor, height * factor)
    large = np.asarray(to_pillow(image).resize(size, Image.Resampling.BICUBIC))
    return large.reshape(*large.shape[:2], channels)


def to_pillow(image: Pixels) -> Image.Image:
    """(h, w, 1) or (h, w, 3) uint8 to a Pillow image."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def to_png(image: Pixels | Image.Image) -> bytes:
    """A picture, or (h, w, C) uint8, as a PNG file, exactly the pixels given."""
    buffer = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else to_pillow(image)
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def quick_png(picture: Pixels) -> bytes:
    """(H, W, 3) uint8 as a PNG file, quickly rather than small.

    Every row is stored as its difference from the one above (PNG's filter 2): enlarged rows are
    then nothing but zeros. Twice as fast as letting Pillow choose filters, and smaller.
    """
    height, width, _ = picture.shape
    rows = np.full((height, 1 + 3 * width), 2, dtype=np.uint8)
    flat = picture.reshape(height, -1)
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    file = b"\x89PNG\r\n\x1a\n"
    for kind, content in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes(), 1)),
        (b"IEND", b""),
    ):
        check = zlib.crc32(kind + content)
        file += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
    return file


def data_uri(image: Pixels | Image.Image | bytes, kind: str = "png") -> str:
    """A picture, or the bytes of a file of this kind, as a data URI."""
    file = image if isinstance(image, bytes) else to_png(image)
    return f"data:image/{kind};base64,{base64.b64encode(file).decode('ascii')}"


def zoom(width: int, target: int = 160) -> int:
    """The whole number of screen pixels per image pixel that comes nearest to `target` wide."""
    return max(1, round(target / width))
