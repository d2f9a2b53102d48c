"""Many images as one picture: every image is where the page looks for it."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from invis.errors import InvisError
from invis.views.stitching.sprite import sprite


def opened(found):
    head, _, text = found.uri.partition(",")
    return head, np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


@pytest.mark.parametrize("count", [1, 2, 5, 9, 10])
@pytest.mark.parametrize("channels", [1, 3])
def test_small_images_keep_every_pixel(count, channels):
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 6, channels), dtype=np.uint8)
    found = sprite(images)
    head, picture = opened(found)
    assert (found.width, found.height) == (6, 8) and "png" in head
    picture = picture.reshape(*picture.shape[:2], -1)[..., :channels]
    for k, image in enumerate(images):
        row, column = divmod(k, found.columns)
        there = picture[8 * row : 8 * row + 8, 6 * column : 6 * column + 6]
        assert np.array_equal(there, image)


def test_large_images_are_shrunk_and_keep_their_colour_and_shape():
    images = np.stack([np.full((40, 80, 3), c, dtype=np.uint8) for c in (0, 128, 255)])
    found = sprite(images)
    head, picture = opened(found)
    assert (found.width, found.height) == (32, 16) and "jpeg" in head
    for k, value in enumerate((0, 128, 255)):
        row, column = divmod(k, found.columns)
        middle = picture[16 * row + 8, 32 * column + 16]
        assert np.abs(middle.astype(int) - value).max() <= 3


def test_no_image_is_told():
    with pytest.raises(InvisError, match=r"shape \(0, 8, 8, 1\); it must be \(N, H, W, C\)"):
        sprite(np.zeros((0, 8, 8, 1), dtype=np.uint8))
