"""Many small images as one picture, for pages that show one of them at a time."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from invis.errors import InvisError
from invis.views.base.images import Pixels, data_uri, to_pillow

# Pixels of an image's longer side; larger ones are shrunk.
LARGEST = 32
# Up to this size every pixel counts; beyond it JPEG saves megabytes.
EXACT = 16
QUALITY = 88


@dataclass(frozen=True)
class Sprite:
    """Attributes:
    uri: the picture, as a data URI: images row by row.
    columns: images in a row.
    width, height: pixels of one image.
    """

    uri: str
    columns: int
    width: int
    height: int


def sprite(images: Pixels) -> Sprite:
    """(N, H, W, C) uint8 as one picture; small images keep every pixel.

    Raises:
        InvisError: there is no image.
    """
    if images.ndim != 4 or not len(images):
        raise InvisError(f"images has shape {images.shape}; it must be (N, H, W, C), N at least 1.")
    height, width = images.shape[1:3]
    if max(height, width) > LARGEST:
        share = LARGEST / max(height, width)
        size = (max(1, round(width * share)), max(1, round(height * share)))
        shrunk = [to_pillow(image).resize(size, Image.Resampling.BOX) for image in images]
        images = np.stack([np.asarray(one).reshape(size[1], size[0], -1) for one in shrunk])
        height, width = images.shape[1:3]
    columns = math.isqrt(len(images) - 1) + 1
    rows = -(-len(images) // columns)
    whole = np.zeros((rows * columns, *images.shape[1:]), dtype=np.uint8)
    whole[: len(images)] = images
    grid = whole.reshape(rows, columns, height, width, -1).swapaxes(1, 2)
    picture = np.ascontiguousarray(grid.reshape(rows * height, columns * width, -1))
    if max(height, width) <= EXACT:
        return Sprite(data_uri(picture), columns, width, height)
    buffer = io.BytesIO()
    to_pillow(picture).save(buffer, "JPEG", quality=QUALITY)
    return Sprite(data_uri(buffer.getvalue(), "jpeg"), columns, width, height)
