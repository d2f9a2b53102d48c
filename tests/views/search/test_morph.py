"""The figure, the page and the GIF of a morph say what the morph is."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

import invis
from invis.search.morph import morph
from invis.views.search import morph_words
from invis.views.search.morph_figure import MOVING, PATHS, morph_figure, morph_html
from invis.views.search.morph_gif import morph_gif

FRAMES = 9


@pytest.fixture(scope="module")
def found():
    """Around the circle of phases of a complex cell."""
    return morph(invis.search("truth/complex_cell/0", images=4)[0], 0, 2, frames=FRAMES)


def test_curves_carry_the_measured_fractions_of_path_and_null(found):
    figure = morph_figure(found)
    curves = {trace.name: trace for trace in figure.data if trace.name}
    assert set(curves) == {name for name, *_ in PATHS}
    for name, fraction, *_ in PATHS:
        np.testing.assert_allclose(curves[name].y, found[fraction].values, rtol=1e-6)
    assert min(curves["morph"].y) > 0.89 > 0.05 > min(curves["straight line"].y)
    # The line and the edge of the ground lie at alpha.
    assert {shape.y1 for shape in figure.layout.shapes} == {0.9}


def test_slider_reaches_every_frame_and_each_shows_its_own_pictures(found):
    figure = morph_figure(found, dark=True, width=1200)
    steps = figure.layout.sliders[0].steps
    assert [step.args[0][0] for step in steps] == [frame.name for frame in figure.frames]
    assert len(steps) == FRAMES
    assert all(tuple(frame.traces) == MOVING for frame in figure.frames)
    assert len({frame.data[0].source for frame in figure.frames}) == FRAMES
    for frame, share in zip(figure.frames, found["straight_fraction"].values, strict=True):
        assert frame.data[3].text[0] == f"{100 * share:.0f} %"
    picture = figure.frames[3].data[0].source
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.split(",")[1]))))
    zoom = shown.shape[0] // found.sizes["row"]
    middles = shown[zoom // 2 :: zoom, zoom // 2 :: zoom].astype(float)
    assert np.corrcoef(middles.ravel(), found["frames"].values[3].ravel())[0, 1] > 0.95


@pytest.mark.parametrize("dark", [False, True])
def test_gif_goes_there_and_back(found, dark):
    with Image.open(io.BytesIO(morph_gif(found, dark))) as animation:
        assert animation.n_frames == 2 * FRAMES - 2
        assert animation.info["loop"] == 0
        pictures = []
        for k in range(animation.n_frames):
            animation.seek(k)
            pictures.append(np.asarray(animation.convert("RGB")).astype(int))
    assert np.abs(pictures[1] - pictures[-1]).max() == 0
    assert np.abs(pictures[0] - pictures[FRAMES - 1]).mean() > 5


def test_page_needs_no_network_and_holds_both_schemes(found):
    page = morph_html(found)
    assert "A morph of truth/complex_cell/0" in page
    assert '<script src="http' not in page
    assert page.count("The morph keeps") == 2


def test_words(found):
    assert morph_words.verdict(found).startswith("The morph keeps ")
    assert "falls to 0 %" in morph_words.verdict(found)
    assert morph_words.islands(found) == ""
    apart = found.assign_attrs(connected=0, islands=[0, 0, 2], path_fraction_min=0.31)
    assert "Not connected at 90 %" in morph_words.verdict(apart)
    assert "31 %" in morph_words.verdict(apart)
    assert "2 islands" in morph_words.islands(apart)
    straight = found.assign_attrs(straight_fraction_min=0.9)
    assert "nothing to go around" in morph_words.verdict(straight)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (900, "dark")])
def test_slider_moves_pictures_shares_and_dots(found, browser, tmp_path, width, scheme):
    (tmp_path / "morph.html").write_text(morph_html(found), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, noise = context.new_page(), []
    page.on("request", lambda r: noise.append(r.url) if r.url[:5] not in ("data:", "file:") else 0)
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.goto((tmp_path / "morph.html").as_uri())
    page.wait_for_selector(".slider-rail-touch-rect")
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    def texts():
        return page.locator(".textpoint text").all_text_contents()

    def expected(k):
        fractions = found["fraction"].values[k], found["straight_fraction"].values[k]
        return [f"{100 * share:.0f} %" for share in fractions]

    assert texts() == expected(0)
    rail = page.locator(".slider-rail-touch-rect").bounding_box()
    page.mouse.click(rail["x"] + rail["width"] / 2, rail["y"] + rail["height"] / 2)
    page.wait_for_timeout(400)
    assert texts() == expected(FRAMES // 2)
    page.get_by_text("▶").click()
    page.wait_for_timeout(FRAMES * 70 + 1500)
    assert texts() == expected(FRAMES - 1)
    assert noise == []
    context.close()
