"""The documentation as a reader opens it: from a file, without any network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
pytest.importorskip("mkdocs")

ROOT = Path(__file__).parent.parent
SHOWN = ("index", "explanation/walk_nulls", "howto/install", "reference/cli", "reference/search")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs") / "site"
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    return folder


@pytest.fixture
def opened(browser):
    """Opens pages, and sees at the end that they had no complaint and asked no other host."""
    made, noise, abroad = [], [], []

    def hear(message):
        if message.type == "error":
            noise.append(message.text)

    def travel(request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            abroad.append(request.url)

    def open_page(path, width=1440, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        made.append(page)
        page.on("console", hear)
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("request", travel)
        page.goto(path.as_uri())
        page.wait_for_timeout(300)
        return page

    yield open_page
    for page in made:
        page.close()
    assert (noise, abroad) == ([], [])


@pytest.mark.parametrize("width, scheme", [(1440, "light"), (900, "dark")])
def test_pages_fit_the_window(site, opened, screenshots, width, scheme):
    for name in SHOWN:
        page = opened(site / f"{name}.html", width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        picture = f"docs-{name.replace('/', '-')}-{width}-{scheme}.png"
        page.screenshot(path=screenshots / picture)


def test_formulas_are_drawn_by_the_browser(site, opened):
    page = opened(site / "explanation" / "walk_nulls.html")
    assert page.locator("math").count() > 30
    box = page.locator(".formula mfrac").last.bounding_box()
    assert box["height"] > 25  # one above the other
    assert "\\(" not in page.inner_text("article")


def test_the_search_finds_without_a_server(site, opened):
    page = opened(site / "howto" / "install.html")
    page.keyboard.press("f")
    page.keyboard.type("lissajous", delay=30)
    found = page.locator(".md-search-result__item", has_text="Random walks")
    found.first.wait_for(timeout=20_000)
    assert page.locator(".md-search-result__link").first.get_attribute("href")
