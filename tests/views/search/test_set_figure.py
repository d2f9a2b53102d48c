"""The figure of a set: what it draws is the result, and an update is a new figure."""

import base64
import io
import json
import math
import re
import time

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from invis.errors import InvisError
from invis.views.base import words
from invis.views.base.images import grey_of, stretch_factor, stretched
from invis.views.base.mosaic import tile_at, tiling_of
from invis.views.base.tiles import BARS, CAPTIONS, MARKS, PICTURE, SHORT, TARGETS, TRACKS
from invis.views.search.set_figure import (
    INDEX,
    NULL,
    NUMBERS,
    SPREAD,
    blank_set_figure,
    set_figure,
    show_set,
    update_set,
)
from tests.synthetic import ALPHA, complex_cell_result


def picture(figure):
    body = figure.data[PICTURE].source.partition(",")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGB"))


def lengths(figure, trace, end=1.0):
    """The bars of a trace, as shares of an image's width."""
    x = figure.data[trace].x
    width = tiling_of(figure).width
    return [end * (b - a) / width for a, b in zip(x[0::3], x[1::3], strict=True)]


def as_plain(figure):
    plain = json.loads(figure.to_json())
    for trace in plain["data"]:
        trace.pop("uid", None)
    return plain


@pytest.fixture(scope="module")
def result():
    return complex_cell_result()


@pytest.mark.parametrize("width", [None, 900, 1440])
def test_the_pictures_are_the_images_stretched_as_the_label_says(result, width):
    figure = set_figure(result, width=width, smooth=False)
    layout, shown = tiling_of(figure), picture(figure)
    factor = stretch_factor([result])
    for tile in layout.tiles:
        image = result["reference_image"] if tile == -1 else result["images"][tile]
        x, y = layout.corner(tile)
        block = shown[y : y + layout.height : layout.zoom, x : x + layout.width : layout.zoom]
        np.testing.assert_array_equal(block, stretched(image.values, grey_of(result), factor))
    texts = " ".join(note.text for note in figure.layout.annotations)
    assert words.stretch_label(factor) in texts and words.verdict(result)[:20] in texts
    assert "a*" in figure.data[CAPTIONS].text[0] and "Reference" in texts


def test_large_pixels_are_smooth_unless_asked_otherwise(result):
    hard, usual = (picture(set_figure(result, smooth=smooth)) for smooth in (False, None))
    layout = tiling_of(set_figure(result))
    assert layout.zoom > 4 and hard.shape == usual.shape
    x, y = layout.corner(0)
    first = hard[y : y + layout.height, x : x + layout.width].astype(int)
    soft = usual[y : y + layout.height, x : x + layout.width].astype(int)
    assert np.abs(np.diff(soft, axis=0)).max() < np.abs(np.diff(first, axis=0)).max()
    np.testing.assert_array_equal(
        picture(set_figure(complex_cell_result(size=60))),
        picture(set_figure(complex_cell_result(size=60), smooth=False)),
    )


@pytest.mark.parametrize("count", [2, 3, 7, 8, 16, 32])
def test_always_the_same_traces_and_a_bar_for_each_image(count):
    figure = set_figure(complex_cell_result(size=12, images=count))
    assert [trace.type for trace in figure.data] == ["image"] + ["scatter"] * 10
    assert len(lengths(figure, TRACKS)) == count + 1
    assert len(lengths(figure, BARS)) + len(lengths(figure, SHORT)) == count + 1
    assert len(figure.data[CAPTIONS].text) == 2 * (count + 1)
    assert len(figure.layout.annotations) == 6 and len(figure.layout.shapes) == 1


def test_bars_are_fractions_and_the_mark_is_the_floor(result):
    figure = set_figure(result)
    fractions = result["fraction"].values
    end = max(1.0, float(fractions.max()))
    np.testing.assert_allclose(lengths(figure, BARS, end), [1.0, *fractions], atol=1e-6)
    layout = tiling_of(figure)
    lefts = [layout.corner(tile)[0] - 0.5 for tile in range(layout.count)]
    at = (np.array(figure.data[MARKS].x) - lefts) / layout.width * end
    np.testing.assert_allclose(at, ALPHA, atol=1e-9)


@pytest.mark.parametrize("width", [None, 700, 1300])
def test_a_verdict_is_broken_for_the_narrowest_screen(result, width):
    long = "these images are far apart and still excite the unit as they should " * 3
    figure = blank_set_figure(width=width)
    ones = np.ones(8)
    images, reference = result["images"].values, result["reference_image"].values
    update_set(figure, images, reference, ones, 0.9, verdict=long, warnings=[long])
    verdict, warning = (note.text for note in figure.layout.annotations[:2])
    for text, letter in ((verdict, 9.7), (warning, 7.6)):
        assert text.replace("<br>", " ") == long.strip()
        assert max(map(len, text.split("<br>"))) * letter <= (width or 700) - 56


def test_an_image_below_the_floor_is_drawn_as_one(result):
    fractions = result["fraction"].values.copy()
    fractions[2] = 0.4
    figure = set_figure(result.assign(fraction=("image", fractions)))
    assert len(lengths(figure, SHORT)) == 1
    assert lengths(figure, SHORT)[0] == pytest.approx(0.4 / max(1, fractions.max()), abs=1e-6)
    assert "below the floor" in figure.data[TARGETS].hovertext[3]


def test_measures_stand_against_the_null_at_one(result):
    figure = set_figure(result)
    assert figure.data[NULL].x == (1, 1)
    assert figure.data[INDEX].x == (result.attrs["index"],)
    assert figure.data[SPREAD].x == (result.attrs["spread"],)
    (shade,) = figure.layout.shapes
    assert (shade.x0, shade.x1, shade.xref) == (0, 1, "x2")
    axis = figure.layout.xaxis2
    assert axis.range[0] == 0 and axis.range[1] > max(result.attrs["spread"], 1)
    assert "a linear unit" in axis.ticktext[axis.tickvals.index(1)]
    assert f"{result.attrs['index']:.2f}" in figure.data[NUMBERS].text[0]


@pytest.mark.parametrize("attrs", [{"dead": True}, {"index_reason": "beta is 1.2"}])
def test_no_index_is_told_and_not_drawn(attrs):
    ds = complex_cell_result(index=math.nan, spread=math.nan, **attrs)
    figure = set_figure(ds)
    assert figure.data[INDEX].x == () and figure.data[SPREAD].x == ()
    assert figure.data[NULL].x == (1, 1)
    assert all("–" in text for text in figure.data[NUMBERS].text)
    texts = re.sub("<br>", " ", " ".join(note.text for note in figure.layout.annotations))
    assert ("dead" if attrs.get("dead") else "No index") in texts


def test_unknown_fractions_have_a_dash_and_no_bar(result):
    figure = set_figure(result.assign(fraction=("image", np.full(8, np.nan))))
    assert len(lengths(figure, BARS)) == 1 and figure.data[CAPTIONS].text[3] == "<b>–</b>"


def test_warnings_are_shown():
    ds = complex_cell_result(converged=False)
    assert words.warnings(ds)
    texts = " ".join(note.text for note in set_figure(ds).layout.annotations)
    assert "Not converged" in texts


@pytest.mark.parametrize("make", [go.Figure, go.FigureWidget])
@pytest.mark.parametrize("dark", [False, True])
def test_an_update_equals_a_new_figure(make, dark):
    before = complex_cell_result(images=5, size=12, converged=False)
    dead = complex_cell_result(images=3, size=16, dead=True, index=math.nan, spread=math.nan)
    after = complex_cell_result(seed=4)
    changed = make(set_figure(before, dark=dark, width=1300))
    for ds in (after, dead, after):
        show_set(changed, ds)
        assert as_plain(changed) == as_plain(set_figure(ds, dark=dark, width=1300))


def test_a_preview_then_its_result_leave_nothing_behind(result):
    figure = go.FigureWidget(blank_set_figure(title="searching"))
    update_set(
        figure,
        result["images"].values[:4],
        result["reference_image"].values,
        [0.2, 1.3, math.nan, 0.9],
        None,
        title="soon",
        verdict="step 5",
        warnings=["wait"],
    )
    assert figure.layout.title.text == "soon" and figure.data[INDEX].x == ()
    assert figure.data[MARKS].x == ()
    show_set(figure, result)
    assert as_plain(figure) == as_plain(set_figure(result))


def test_one_batch_sends_one_picture(result, monkeypatch):
    figure = go.FigureWidget(set_figure(result))
    sent = []
    monkeypatch.setattr(
        figure, "_send_update_msg", lambda *args, **kw: sent.append(args), raising=True
    )
    images = result["images"].values[::-1].copy()
    update_set(
        figure, images, result["reference_image"].values, result["fraction"].values, ALPHA,
        grey=grey_of(result),
    )  # fmt: skip
    assert len(sent) == 1


def test_grey_images_of_one_channel():
    ds = complex_cell_result()
    grey = ds.isel(colour=[0])
    grey.attrs["grey"] = ds.attrs["grey"][:1]
    shown = picture(set_figure(grey))
    layout = tiling_of(set_figure(grey))
    x, y = layout.corner(0)
    block = shown[y : y + layout.height, x : x + layout.width]
    assert (block == block[..., :1]).all() and len(np.unique(block)) > 10


def test_a_click_finds_its_image(result):
    figure = set_figure(result)
    targets, layout = figure.data[TARGETS], tiling_of(figure)
    found = [tile_at(layout, x, y) for x, y in zip(targets.x, targets.y, strict=True)]
    assert found == list(targets.customdata) == [-1, *range(8)]


def test_addresses_are_text_and_not_markup():
    ds = complex_cell_result(layer="a<b>c", model="x")
    assert "a&lt;b&gt;c" in set_figure(ds).layout.title.text


def test_nothing_is_asked_of_a_network(result):
    text = json.dumps(set_figure(result).to_plotly_json(), default=str)
    assert "://" not in text and "data:image/png" in text


@pytest.mark.parametrize("side", [14, 64])
def test_an_update_is_fast_enough_for_a_live_view(side):
    images = np.random.default_rng(0).integers(90, 160, (8, side, side, 3), dtype=np.uint8)
    figure = blank_set_figure()
    taken = []
    for shift in range(8):
        began = time.process_time()
        update_set(figure, np.roll(images, shift, 2), images[0], [0.9] * 8, 0.9, grey=125)
        taken.append(time.process_time() - began)
    assert min(taken) < 0.05  # About 0.01 s on a desktop.


def test_bad_input_is_refused(result):
    with pytest.raises(InvisError, match="figure"):
        show_set(go.Figure(), result)
    figure = blank_set_figure()
    with pytest.raises(InvisError, match="images"):
        update_set(figure, np.zeros((2, 4, 4), np.uint8), np.zeros((4, 4), np.uint8), [1, 1], 0.9)
    with pytest.raises(InvisError, match="fractions"):
        update_set(figure, result["images"].values, result["reference_image"].values, [1, 1], 0.9)
