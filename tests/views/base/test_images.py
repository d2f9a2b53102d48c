"""Pictures are exactly the pixels given; the stretch is about the mean grey and told."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from invis.views.base.images import (
    SEEN,
    contrasts_of,
    data_uri,
    enlarged,
    grey_of,
    is_smooth,
    rendering,
    stretch_factor,
    stretch_of,
    stretched,
    widest_stretch,
    zoom,
)
from tests.synthetic import complex_cell_result


def decode(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


@pytest.mark.parametrize("channels", [1, 3])
def test_data_uri_is_lossless(channels):
    image = np.random.default_rng(0).integers(0, 256, (7, 5, channels), dtype=np.uint8)
    decoded = decode(data_uri(image))
    np.testing.assert_array_equal(decoded.reshape(image.shape), image)


def test_stretch_keeps_grey_and_multiplies_deviations():
    grey = np.array([124.0, 116.0, 104.0])
    image = np.array([[[124, 116, 104], [134, 106, 104], [255, 0, 104]]], dtype=np.uint8)
    expected = [[[124, 116, 104], [164, 76, 104], [255, 0, 104]]]
    np.testing.assert_array_equal(stretched(image, grey, 4), expected)
    np.testing.assert_array_equal(stretched(image, grey, 1), image)


def test_stretch_factor_clips_little_and_shrinks_with_contrast():
    ds = complex_cell_result()
    factor = widest_stretch([ds])
    assert factor > 1
    wide = grey_of(ds) + factor * (ds["images"].values.astype(float) - grey_of(ds))
    assert np.mean((wide < 0) | (wide > 255)) < 0.02
    full = ds.copy(deep=True)
    full["images"].values[::2] = 0
    full["images"].values[1::2] = 255
    assert widest_stretch([full]) == stretch_factor([full]) == 1
    assert widest_stretch([ds, full]) == stretch_factor([ds, full]) == 1


@pytest.mark.parametrize("levels", [3, 7, 8, 20])
def test_true_contrast_where_it_can_be_seen(levels):
    ds = complex_cell_result(images=4)
    signs = np.where(np.indices(ds["images"].shape).sum(0) % 2, 1, -1)
    grey = np.array([128.0] * 3)
    ds["images"].values[:] = 128 + levels * signs
    ds = ds.assign_attrs(grey=grey.tolist())
    np.testing.assert_allclose(contrasts_of(ds["images"].values, grey), levels)
    assert (stretch_factor([ds]) == 1) == (levels >= SEEN)
    assert widest_stretch([ds]) > 1
    assert stretch_of(ds["images"].values, grey) == stretch_factor([ds])


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_that_would_be_seen_as_squares_are_smoothed(channels):
    image = np.random.default_rng(0).integers(0, 256, (6, 5, channels), dtype=np.uint8)
    hard = image.repeat(4, 0).repeat(4, 1)
    np.testing.assert_array_equal(enlarged(image, 4), hard)
    assert not is_smooth(5, 20) and is_smooth(5, 21)
    assert rendering(5, 20) == "pixelated" and rendering(5, 21) == "auto"
    np.testing.assert_array_equal(enlarged(image, 7, smooth=False), image.repeat(7, 0).repeat(7, 1))
    smooth = enlarged(image, 7)
    assert smooth.shape == (42, 35, channels)
    # The middles of the pixels stay near what they were, and no step is as high as before.
    rough, soft = (np.abs(np.diff(one.astype(int), axis=1)).max() for one in (hard, smooth))
    assert soft < rough
    flat = np.full((3, 3, channels), 77, dtype=np.uint8)
    assert (enlarged(flat, 9) == 77).all()


def test_grey_of_a_one_colour_network():
    ds = complex_cell_result().isel(colour=[0]).assign_attrs(grey=128)
    np.testing.assert_array_equal(grey_of(ds), [128.0])


@pytest.mark.parametrize(("width", "factor"), [(5, 32), (24, 7), (100, 2), (224, 1), (500, 1)])
def test_zoom_is_whole(width, factor):
    assert zoom(width) == factor
