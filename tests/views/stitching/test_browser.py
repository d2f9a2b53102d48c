"""The page of `invis stitch` in a real browser: the mouse shows which input a point is."""

import pytest

from invis.cli import main

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stitch")
    asked = ["stitch", "--data", "digits", "--encoders", "mlp,cnn", "--seeds", "1"]
    asked += ["--similarities", "cosine,euclidean", "--limit", "300", "--out", str(folder)]
    with pytest.raises(SystemExit) as leaving:
        main(asked)
    assert not leaving.value.code
    return folder / "stitching.html"


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (900, "dark")])
def test_the_mouse_shows_the_input_and_its_place_everywhere(
    browser, page_file, screenshots, width, scheme
):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, noise = context.new_page(), []
    page.on("request", lambda r: noise.append(r.url) if r.url[:5] not in ("data:", "file:") else 0)
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.goto(page_file.as_uri())
    image, rings = page.locator(".input-image"), page.locator(".input-rings > div")
    image.wait_for(state="attached")
    assert not image.is_visible()
    figure = page.locator("#figures > div").filter(has=page.locator(".input-rings"))
    figure.scroll_into_view_if_needed()
    box = figure.locator("path.point").nth(20).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y)
    page.mouse.move(x, y, steps=5)
    image.wait_for(state="visible")
    page.wait_for_timeout(300)
    assert rings.count() == 4
    centre = "all => all.map(e => e.getBoundingClientRect()).map(r => r.x + r.width / 2)"
    near = [abs(at - x) for at in rings.evaluate_all(centre)]
    # Crowded points: a neighbour a few pixels off may be the nearest.
    assert min(near) < 15
    page.screenshot(path=screenshots / f"stitch-page-{width}-{scheme}.png")
    page.mouse.move(5, 5)
    image.wait_for(state="hidden")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert noise == []
    context.close()
