"""The mosaic: its pixels are the images', and a point of it says which."""

import base64
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from invis.errors import InvisError
from invis.views.base.images import CLIP_SHARE, data_uri, quick_png, stretch_factor, stretch_of
from invis.views.base.mosaic import (
    columns_for,
    mosaic,
    plan,
    tile_at,
    tiling_of,
)
from tests.synthetic import GREY, complex_cell_result

PAPER = (251, 250, 249)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 240, size=shape, dtype=np.uint8)


layouts = st.builds(
    plan,
    count=st.integers(2, 32),
    size=st.tuples(st.integers(3, 300), st.integers(3, 300)),
    columns=st.integers(1, 9),
    reference=st.booleans(),
    room=st.integers(200, 1400),
)


@settings(max_examples=60, deadline=None)
@given(layouts, st.floats(0, 0.999), st.floats(0, 0.999))
def test_a_point_inside_a_tile_finds_it(layout, across, down):
    height, width = layout.size
    for tile in layout.tiles:
        x, y = layout.corner(tile)
        assert 0 <= x <= width - layout.width and 0 <= y <= height - layout.height
        point = x - 0.5 + across * layout.width, y - 0.5 + down * layout.height
        assert tile_at(layout, *point) == tile
        # The far edges belong to what lies beyond.
        assert tile_at(layout, x - 0.5 + layout.width, y) != tile
        assert tile_at(layout, x, y - 0.5 + layout.height) != tile


@settings(max_examples=60, deadline=None)
@given(layouts)
def test_a_point_between_tiles_finds_none(layout):
    height, width = layout.size
    for tile in layout.tiles:
        x, y = layout.corner(tile)
        assert tile_at(layout, x + layout.width + layout.gap / 2, y) is None
        assert tile_at(layout, x, y + layout.height + layout.caption / 2) is None
    assert tile_at(layout, -1, 0) is None
    assert tile_at(layout, width + 1, height + 1) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(3, 20), st.integers(3, 20), st.sampled_from([1, 3]))
def test_every_pixel_is_an_images_or_paper(count, height, width, channels):
    images = noise(count, height, width, channels)
    reference = noise(height, width, channels, seed=1)
    picture, layout = mosaic(images, reference, 4, background=PAPER, smooth=False, room=400)
    smooth, _ = mosaic(images, reference, 4, background=PAPER, smooth=True, room=400)
    assert picture.shape == (*layout.size, 3) and layout.zoom > 1
    free = np.ones(layout.size, dtype=bool)
    for tile in layout.tiles:
        x, y = layout.corner(tile)
        inside = np.s_[y : y + layout.height, x : x + layout.width]
        assert free[inside].all()
        free[inside] = False
        image = reference if tile == -1 else images[tile]
        blocks = picture[inside].reshape(height, layout.zoom, width, layout.zoom, 3)
        expected = np.broadcast_to(image[:, None, :, None], blocks.shape)
        np.testing.assert_array_equal(blocks, expected)
    assert (picture[free] == PAPER).all() and free.any()
    # Smoothing leaves each image within its place.
    assert (smooth[free] == PAPER).all() and (smooth != picture).any()


@pytest.mark.parametrize("shape", [(37, 53, 3), (1, 1, 3), (1, 9, 3), (64, 2, 3)])
def test_the_png_holds_the_picture(shape):
    picture = noise(*shape)
    head, _, body = data_uri(quick_png(picture)).partition(",")
    assert head == "data:image/png;base64"
    np.testing.assert_array_equal(
        np.asarray(Image.open(io.BytesIO(base64.b64decode(body)))), picture
    )


def test_without_a_reference_the_set_begins_at_the_left():
    _, layout = mosaic(noise(5, 8, 8, 3), None, 3)
    assert layout.tiles == [0, 1, 2, 3, 4] and layout.corner(0) == (0, 0)
    assert layout.corner(3)[0] == 0 and layout.corner(3)[1] > layout.height


def test_small_fields_fit_the_room_and_large_ones_keep_their_pixels():
    for count in range(2, 33):
        layout = plan(count, (24, 24), columns_for(count), room=844)
        assert layout.unit == 1 and layout.size[1] <= 844
    large = plan(8, (224, 224), 4, room=844)
    assert large.zoom == 1 and large.unit > 1
    assert large.size[1] / large.unit == pytest.approx(844, rel=0.01)


@pytest.mark.parametrize("spread", [2, 14, 60])
def test_the_stretch_is_that_of_the_gallery(spread):
    images = np.clip(
        np.random.default_rng(3).normal(GREY, spread, size=(8, 20, 20, 3)), 0, 255
    ).astype(np.uint8)
    ds = complex_cell_result(size=20).assign(images=(("image", "row", "column", "colour"), images))
    assert stretch_of(images, GREY) == stretch_factor([ds])
    assert 0 < CLIP_SHARE < 1


def test_rows_are_as_full_as_can_be():
    for count in range(1, 33):
        columns = columns_for(count)
        assert 1 <= columns <= 8
        assert -(-count // columns) <= 5
    assert [columns_for(n) for n in (2, 4, 8, 9, 10, 16, 32)] == [2, 4, 4, 3, 5, 8, 8]


@pytest.mark.parametrize(
    ("images", "reference", "word"),
    [
        (np.zeros((2, 4, 4), np.uint8), None, "images"),
        (np.zeros((2, 4, 4, 2), np.uint8), None, "images"),
        (np.zeros((2, 4, 4, 3)), None, "float64"),
        (np.zeros((0, 4, 4, 3), np.uint8), None, "count 0"),
        (np.zeros((2, 4, 4, 3), np.uint8), np.zeros((5, 4, 3), np.uint8), "reference"),
    ],
)
def test_what_is_no_image_is_refused(images, reference, word):
    with pytest.raises(InvisError, match=word):
        mosaic(images, reference, 4)


def test_a_figure_without_a_mosaic_is_refused():
    import plotly.graph_objects as go

    with pytest.raises(InvisError, match="mosaic"):
        tiling_of(go.Figure())
