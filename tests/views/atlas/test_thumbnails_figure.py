"""The units of a layer as thumbnails."""

import base64
import io
import math

import numpy as np
import pytest
from PIL import Image

from invis.errors import InvisError
from invis.views.atlas.thumbnails_figure import thumbnails_figure, unit_at
from invis.views.base.images import enlarged, grey_of, stretch_factor, stretched
from invis.views.base.mosaic import tiling_of
from invis.views.base.tiles import BARS, CAPTIONS, MARKS, PICTURE, TARGETS
from tests.synthetic import complex_cell_result


@pytest.fixture(scope="module")
def results():
    found = [complex_cell_result(size=14, images=4, seed=i, channel=str(i)) for i in range(11)]
    found[4].attrs.update(dead=True, index=math.nan, spread=math.nan)
    return found


def picture(figure):
    body = figure.data[PICTURE].source.partition(",")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGB"))


@pytest.mark.parametrize("columns", [None, 1, 4, 11])
def test_thumbnails_are_the_references(results, columns):
    figure = thumbnails_figure(results, columns)
    layout, shown = tiling_of(figure), picture(figure)
    assert layout.count == 11 and layout.columns == (columns or layout.columns)
    for tile, ds in enumerate(results):
        x, y = layout.corner(tile)
        block = shown[y : y + layout.height, x : x + layout.width]
        expected = stretched(ds["reference_image"].values, grey_of(ds), stretch_factor(results))
        expected = enlarged(expected, layout.zoom)
        np.testing.assert_array_equal(block, expected)


@pytest.mark.parametrize("strip", [False, True])
def test_every_unit_has_its_channel_index_and_null(results, strip):
    figure = thumbnails_figure(results, strip=strip)
    texts = figure.data[CAPTIONS].text
    assert list(texts[0::2]) == [str(i) for i in range(11)]
    assert texts[1] == f"<b>{results[0].attrs['index']:.2f}</b>" and texts[9] == "dead"
    layout = tiling_of(figure)
    marks = np.array(figure.data[MARKS].x) - [layout.corner(i)[0] - 0.5 for i in range(11)]
    bars = figure.data[BARS].x
    assert len(bars) == 3 * 10
    # The bar is as much longer than the mark as the index is above 1.
    assert (bars[1] - bars[0]) / marks[0] == pytest.approx(results[0].attrs["index"])


@pytest.mark.parametrize("strip", [False, True])
def test_a_click_anywhere_on_a_thumbnail_finds_its_unit(results, strip):
    figure = thumbnails_figure(results, strip=strip)
    layout, targets = tiling_of(figure), figure.data[TARGETS]
    found = [unit_at(layout, x, y) for x, y in zip(targets.x, targets.y, strict=True)]
    assert found == list(targets.customdata) and sorted(set(found)) == list(range(11))
    side = targets.marker.size * layout.unit
    left = layout.corner(0)[0] - 0.5
    ours = [x for x, tile in zip(targets.x, found, strict=True) if tile == 0]
    edges = [left, *ours, left + layout.width]
    assert max(np.diff(edges)) <= 1.3 * side


def test_a_strip_shows_the_whole_set(results):
    figure = thumbnails_figure(results, strip=True)
    layout = tiling_of(figure)
    assert layout.width / layout.zoom > 5 * 14 >= 5 * layout.height / layout.zoom


@pytest.mark.parametrize("strip", [False, True])
def test_grey_images(results, strip):
    grey = [ds.isel(colour=[0]).assign_attrs(grey=ds.attrs["grey"][:1]) for ds in results]
    assert picture(thumbnails_figure(grey, strip=strip)).shape[-1] == 3


def test_titles(results):
    assert thumbnails_figure(results).layout.title.text == "11 units of complex_cell in truth"
    assert thumbnails_figure(results, title="a < b").layout.title.text == "a &lt; b"
    mixed = [*results, complex_cell_result(size=14, images=4, linear=True)]
    assert thumbnails_figure(mixed).layout.title.text == "12 units"


def test_bad_input_is_refused(results):
    with pytest.raises(InvisError, match="empty"):
        thumbnails_figure([])
    with pytest.raises(InvisError, match="results have images"):
        thumbnails_figure([*results, complex_cell_result(size=20)])
    with pytest.raises(InvisError, match="columns"):
        thumbnails_figure(results, columns=0)
