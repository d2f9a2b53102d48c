"""A user's folder of pictures: which files, and each decoded with care.

Files come from anywhere, so that nothing about them is trusted: only Pillow's decoders of plain
pictures are let near them (none that calls another program), the size is looked at before a pixel
is decoded, and whatever a decoder raises means no more than one unreadable file.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, JpegImagePlugin

from invis.errors import InvisError

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".tif", ".tiff", ".webp"})
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
# 8,000 by 8,000 px: 200 MB once decoded.
MOST_PIXELS = 64_000_000


@dataclass(frozen=True)
class Picture:
    """Attributes:
    pixels: (H, W, C) uint8.
    scale: pixels here per pixel of the file; below 1 where it was shrunk.
    """

    pixels: NDArray[np.uint8]
    scale: float


class UnreadableError(Exception):
    """Why a picture was left out, in words."""


def list_pictures(folder: str | Path) -> list[str]:
    """The picture files in a folder and all folders below it: paths relative to it, sorted.

    Folders behind links are not followed.

    Raises:
        InvisError: if there is no such folder, or it holds no pictures.
    """
    root = Path(folder)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise InvisError(f"folder {str(folder)!r} {what}: give a folder of pictures")
    found = [
        (Path(where) / name).relative_to(root).as_posix()
        for where, _, names in os.walk(root)
        for name in names
        if Path(name).suffix.lower() in EXTENSIONS
        and not name.startswith(".")
        # Whoever opens a pipe waits for its other end.
        and Path(where, name).is_file()
    ]
    if not found:
        kinds = ", ".join(sorted(EXTENSIONS))
        raise InvisError(f"folder {str(folder)!r} holds no pictures ({kinds})")
    return sorted(found)


def read_picture(path: str | Path, channels: int = 3, side: int | None = None) -> Picture:
    """Decode one picture, turned upright; transparent parts lie on white.

    Args:
        channels: 3 for colour, 1 for grey.
        side: a picture whose shorter side is longer is shrunk to it.

    Raises:
        UnreadableError: if it is no picture, damaged, or larger than MOST_PIXELS.
    """
    try:
        with _opened(path) as opened:
            width, height = opened.size
            if width * height > MOST_PIXELS:
                raise UnreadableError(f"{width} x {height} px is too large")
            if min(width, height) < 1:
                raise UnreadableError("it is empty")
            factor = 1.0 if side is None else min(1.0, side / min(width, height))
            if factor < 1:
                # Lets JPEG decode at a half, a quarter or an eighth of its size, never below ours.
                opened.draft("RGB", (round(width * factor), round(height * factor)))
            image = ImageOps.exif_transpose(opened)
            if "A" in image.getbands() or "transparency" in image.info:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            image = image.convert("RGB" if channels == 3 else "L")
            if factor < 1:
                shrink = side / min(image.size) if side is not None else 1.0
                size = tuple(max(1, round(length * shrink)) for length in image.size)
                image = image.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    except UnreadableError:
        raise
    # Decoders raise anything at all on damaged files.
    except Exception as error:
        raise UnreadableError(_reason(error, path)) from error
    pixels = np.asarray(image)
    return Picture(pixels if pixels.ndim == 3 else pixels[..., None], factor)


def halves_chroma(path: str | Path) -> bool:
    """Whether it is a JPEG that keeps its colours at a lower resolution than its light.

    Only the header is read; False where that cannot be.
    """
    try:
        with _opened(path) as opened:
            return JpegImagePlugin.get_sampling(opened) in (1, 2)
    except Exception:
        return False


def _opened(path: str | Path) -> Image.Image:
    """The picture with its size known, no pixel decoded yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path, formats=FORMATS)


def _reason(error: Exception, path: str | Path) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, Image.DecompressionBombError):
        return "it is too large"
    if isinstance(error, Image.UnidentifiedImageError):
        return "it is no picture"
    lines = str(error).replace(str(path), "it").splitlines()
    return lines[0] if lines else type(error).__name__
