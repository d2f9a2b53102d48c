"""The gallery in a real browser: nothing is requested, nothing overflows, the switches switch."""

import pytest

from invis.views.search.gallery import gallery_html
from tests.synthetic import complex_cell_result

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(browser, tmp_path):
    """A function that opens results at a width and returns the page and what it asked for."""
    contexts = []

    def open_page(results, width=1440, scheme="light"):
        file = tmp_path / "gallery.html"
        file.write_text(gallery_html(results), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page, noise = context.new_page(), []
        page.on(
            "request", lambda r: noise.append(r.url) if r.url[:5] not in ("data:", "file:") else 0
        )
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.goto(file.as_uri())
        return page, noise

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [1440, 900, 400])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_fits_the_window_and_asks_for_nothing(opened, width, count):
    results = [complex_cell_result(seed=i, address=f"vgg19/conv3_1/{i}") for i in range(count)]
    page, noise = opened(results, width)
    assert noise == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    loaded = page.evaluate("[...document.images].map(i => i.complete && i.naturalWidth)")
    assert loaded == [24] * (9 * count)


def test_true_contrast_switches_the_filter_and_its_label(opened):
    page, _ = opened([complex_cell_result()])
    image = "getComputedStyle(document.querySelector('.set img')).filter"
    assert page.evaluate(image) == "none"
    assert not page.locator(".stretch-on").first.is_visible()
    assert page.locator(".stretch-off").first.is_visible()
    page.get_by_text("True contrast", exact=True).click()
    assert "url" in page.evaluate(image)
    assert page.locator(".stretch-on").first.is_visible()


def test_pixels_are_smooth_until_switched(opened):
    page, _ = opened([complex_cell_result()])
    how = "getComputedStyle(document.querySelector('.set img')).imageRendering"
    assert page.evaluate(how) == "auto"
    page.get_by_text("Smooth pixels", exact=True).click()
    assert page.evaluate(how) == "pixelated"


def test_shown_pixels_are_the_stretched_pixels(opened):
    ds = complex_cell_result()
    page, _ = opened([ds])
    for label in ("True contrast", "Smooth pixels"):
        page.get_by_text(label, exact=True).click()
    shot = page.locator(".set img").first.screenshot()
    import io

    import numpy as np
    from PIL import Image

    from invis.views.base.images import grey_of, stretched, widest_stretch

    seen = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)
    step = seen.shape[0] // 24
    middles = seen[step // 2 :: step, step // 2 :: step][2:22, 2:22]
    expected = stretched(ds["images"].values[0], grey_of(ds), widest_stretch([ds]))[2:22, 2:22]
    assert np.abs(middles - expected.astype(int)).max() <= 2


def test_dark_is_dark(opened):
    def ground(scheme):
        page, _ = opened([complex_cell_result()], scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour[4:-1].split(",")))

    assert ground("dark") < 100 < 600 < ground("light")


def test_edges_are_hard_only_where_pixels_are_not_seen_as_squares(opened):
    rendering = "getComputedStyle(document.querySelector('.set img')).imageRendering"
    # 24 px are shown seven times as wide, 48 px thrice; 80 px by no whole factor.
    small, _ = opened([complex_cell_result(size=24)])
    assert small.evaluate(rendering) == "auto"
    middle, _ = opened([complex_cell_result(size=48)])
    assert middle.evaluate(rendering) == "pixelated"
    middle.get_by_text("Smooth pixels", exact=True).click()
    assert middle.evaluate(rendering) == "auto"
    large, _ = opened([complex_cell_result(size=80)])
    assert large.evaluate(rendering) == "auto"
