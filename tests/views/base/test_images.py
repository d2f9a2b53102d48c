"""Pictures are exactly the pixels given; the stretch is about the mean grey and told."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from invis.views.base.images import data_uri, grey_of, stretch_factor, stretched, zoom
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
    factor = stretch_factor([ds])
    assert factor > 1
    wide = grey_of(ds) + factor * (ds["images"].values.astype(float) - grey_of(ds))
    assert np.mean((wide < 0) | (wide > 255)) < 0.02
    full = ds.copy(deep=True)
    full["images"].values[::2] = 0
    full["images"].values[1::2] = 255
    assert stretch_factor([full]) == 1
    assert stretch_factor([ds, full]) == 1


def test_grey_of_a_one_colour_network():
    ds = complex_cell_result().isel(colour=[0]).assign_attrs(grey=128)
    np.testing.assert_array_equal(grey_of(ds), [128.0])


@pytest.mark.parametrize(("width", "factor"), [(5, 32), (24, 7), (100, 2), (224, 1), (500, 1)])
def test_zoom_is_whole(width, factor):
    assert zoom(width) == factor
