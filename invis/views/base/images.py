"""8-bit images to PNG data URIs, and how much to stretch their contrast for display."""

from __future__ import annotations

import base64
import io
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


def grey_of(ds: Dataset) -> NDArray[np.float64]:
    """The mean grey (C,) that the images deviate from, in grey levels."""
    channels = ds.sizes["colour"]
    grey = np.atleast_1d(np.asarray(ds.attrs.get("grey", 128), dtype=float))
    return np.broadcast_to(grey, (channels,)).astype(float)


def stretch_factor(results: Sequence[Dataset]) -> int:
    """The whole-number factor, 1 to 8, that makes all results legible and clips almost nothing.

    One factor for a page, so that what is shown side by side is comparable.
    """
    deviations = np.concatenate(
        [np.abs(ds["images"].values.astype(float) - grey_of(ds)).ravel() for ds in results]
    )
    reach = float(np.quantile(deviations, 1 - CLIP_SHARE))
    return next((k for k in FACTORS if reach * k <= HEADROOM), 1)


def stretched(image: Pixels, grey: NDArray[np.float64], factor: int) -> Pixels:
    """`grey + factor * (image - grey)`, clipped to 8 bits; image (..., C), grey (C,)."""
    wide = grey + factor * (image.astype(float) - grey)
    return np.clip(np.round(wide), 0, 255).astype(np.uint8)


def to_pillow(image: Pixels) -> Image.Image:
    """(h, w, 1) or (h, w, 3) uint8 to a Pillow image."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def data_uri(image: Pixels) -> str:
    """(h, w, C) uint8 as a PNG data URI, exactly the pixels given."""
    buffer = io.BytesIO()
    to_pillow(image).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def zoom(width: int, target: int = 160) -> int:
    """The whole number of screen pixels per image pixel that comes nearest to `target` wide."""
    return max(1, round(target / width))
