"""The dashboard in headless Chromium, as visitors have it: every page, links, a search, themes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import quote

import pytest

from tests.dashboard.conftest import ODD

pytestmark = pytest.mark.browser

PATHS = ["/", "/atlas", "/live", "/trajectories", "/stitching"]
# What plotly's 3-D figures tell of a machine without a graphics card.
HARMLESS = ("GL Driver Message", "willReadFrequently", "WebGL")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(*more):
    """A server of its own: its address, its process."""
    port = free_port()
    command = [sys.executable, "-m", "invis", "serve", "--port", str(port), *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    address = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 180
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2)
            return address, process
        except OSError:
            time.sleep(0.2)
    process.kill()
    pytest.fail(process.communicate()[0])


@pytest.fixture(scope="module")
def server():
    """One server for all visitors; its log, which must hold no traceback, is read at the end."""
    address, process = start()
    yield address
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "Traceback" not in said, said
    events = [json.loads(line)["event"] for line in said.splitlines() if line.startswith("{")]
    assert events[0] == "start" and events[-1] == "stop"
    assert {"visit", "leave"} <= set(events)


class Visitor:
    """A tab that notes errors of the console and requests to other hosts."""

    def __init__(self, browser, server, width=1440, scheme="light", seconds=20, **more):
        self.server, self.noise, self.abroad = server, [], []
        self.seconds = seconds
        self.page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **more
        )
        self.page.set_default_timeout(1000 * max(30, seconds))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.noise.append(str(error)))
        self.page.route("**/*", self._travel)
        # No route sees websockets.
        self.page.on("websocket", lambda socket: self._leave(socket.url))

    def _hear(self, message):
        if message.type == "error" and not any(word in message.text for word in HARMLESS):
            self.noise.append(message.text)

    def _travel(self, route):
        if self._leave(route.request.url):
            route.abort()
        else:
            route.continue_()

    def _leave(self, url):
        """Note an address of another host; whether it is one."""
        here = (f"{self.server}/", f"{self.server.replace('http', 'ws')}/", "data:", "blob:")
        if url.startswith(here):
            return False
        self.abroad.append(url)
        return True

    def go(self, path):
        self.page.goto(f"{self.server}{path}")
        self.page.wait_for_selector(".invis-main", timeout=1000 * self.seconds)
        return self.page

    def see(self, text, seconds=30):
        self.page.get_by_text(text).first.wait_for(timeout=1000 * seconds)


@pytest.fixture
def visitor(browser, server):
    made = []

    def visit(**how):
        made.append(Visitor(browser, server, **how))
        return made[-1]

    yield visit
    for one in made:
        one.page.close()
        assert (one.noise, one.abroad) == ([], [])


@pytest.mark.parametrize("width", [1440, 900])
@pytest.mark.parametrize("theme", ["", "?theme=dark"])
def test_every_page(visitor, screenshots, width, theme):
    one = visitor(width=width)
    for path in PATHS:
        page = one.go(path + theme)
        page.wait_for_selector(".invis-main h1, .invis-main .js-plotly-plot", timeout=20_000)
        page.wait_for_timeout(2500)
        name = path.strip("/") or "start"
        page.screenshot(
            path=screenshots / f"dashboard-{name}-{width}{'-dark' if theme else ''}.png"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (dark == "rgb(18, 20, 23)") is bool(theme)


def test_a_deep_link_reopens_a_unit_and_the_url_follows(visitor, screenshots):
    one = visitor()
    page = one.go("/atlas?model=minivgg&layer=conv2_2&unit=31")
    one.see("ignores bend by")
    page.get_by_role("button", name="All units of conv2_2").click()
    page.locator("[data-channel='14']").click()
    one.see("Channel 14 of conv2_2")
    page.wait_for_function("window.location.search.includes('unit=14')")
    url = page.url
    again = visitor()
    again.page.goto(url)
    again.see("Channel 14 of conv2_2")
    again.page.get_by_role("button", name="Probe").click()
    again.see("What explains the set")
    again.page.wait_for_timeout(1000)
    again.page.screenshot(path=screenshots / "dashboard-unit.png", full_page=True)


def test_the_theme_is_switched_and_kept(visitor):
    one = visitor()
    page = one.go("/atlas?model=minivgg&layer=conv2_2")
    one.see("conv2_2 of minivgg")
    page.click(".theme")
    page.wait_for_selector("html[data-theme='dark']")
    one.see("conv2_2 of minivgg")
    page.click("nav a:has-text('Trajectories')")
    page.wait_for_url("**/trajectories*")
    page.wait_for_selector("html[data-theme='dark']")
    page.wait_for_timeout(2500)
    page.click(".theme")
    page.wait_for_selector("html[data-theme='light']")
    page.wait_for_timeout(2500)


def test_a_search_runs_and_another_is_cancelled(visitor, screenshots):
    one = visitor()
    page = one.go("/live?model=truth&layer=complex_cell&images=4")
    page.get_by_role("button", name="Search").click()
    one.see("times as far apart as a linear")
    page.wait_for_timeout(800)
    page.screenshot(path=screenshots / "dashboard-live.png")
    page = one.go("/live?model=miniresnet&layer=layer3.0&images=12")
    page.get_by_role("button", name="Search").click()
    page.wait_for_timeout(700)
    page.get_by_role("button", name="Stop").click()
    # A stop keeps the set as it stands, and says what it is.
    one.see(re.compile("Stopped|as far apart as a linear"), seconds=20)


def test_a_closed_tab_frees_its_job_within_ten_seconds(browser, server):
    one = Visitor(browser, server)
    page = one.go("/live?model=miniresnet&layer=layer3.0&images=12&alpha=0.95")
    other = Visitor(browser, server)
    waiting = other.go("/live?model=truth&layer=simple_cell&images=2")
    page.get_by_role("button", name="Search").click()
    page.wait_for_timeout(500)
    waiting.get_by_role("button", name="Search").click()
    page.close()
    closed = time.monotonic()
    other.see("linear unit would allow", seconds=15)
    assert time.monotonic() - closed < 12
    other.page.close()


SILENT = """
import asyncio, sys, time
from tests.dashboard.visitor import hear, socket, token_of

async def visit(address):
    async with socket(address, await token_of(address)) as connection:
        await hear(connection)
        print("here", flush=True)
        time.sleep(600)

asyncio.run(visit(sys.argv[1]))
"""


def test_a_connection_that_dies_silently_is_dropped_within_a_minute():
    address, process = start()
    client = subprocess.Popen(
        [sys.executable, "-c", SILENT, address], stdout=subprocess.PIPE, text=True
    )
    try:
        assert client.stdout.readline() == "here\n"
        # Nothing is closed: the other side just does not answer any more.
        client.send_signal(signal.SIGSTOP)
        silent = time.monotonic()
        for line in process.stdout:
            if '"leave"' in line:
                break
            assert time.monotonic() - silent < 60
        assert time.monotonic() - silent < 60
    finally:
        client.send_signal(signal.SIGCONT)
        client.kill()
        process.terminate()
        process.wait(20)


def test_the_layers_can_be_read_before_any_script_is_there(browser, server):
    page = browser.new_page(viewport={"width": 900, "height": 900})
    page.route("**/*.js*", lambda route: route.abort())
    page.goto(f"{server}/atlas?model=minivgg", wait_until="domcontentloaded")
    assert "What each layer of minivgg ignores" in page.inner_text("h1")
    assert page.locator(".medians dd").count() > 5
    page.close()


def test_two_networks_side_by_side(visitor, screenshots):
    for width in (1440, 900):
        one = visitor(width=width)
        page = one.go("/atlas?model=minivgg&beside=miniresnet")
        page.wait_for_selector(".js-plotly-plot >> nth=1", timeout=20_000)
        page.wait_for_timeout(1500)
        boxes = [plot.bounding_box() for plot in page.locator(".js-plotly-plot").all()]
        assert (boxes[0]["y"] == boxes[1]["y"]) is (width == 1440)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=screenshots / f"dashboard-beside-{width}.png", full_page=True)


def test_odd_urls_get_a_page_or_an_error_code_and_never_a_traceback(server):
    names = ["model", "layer", "group", "sort", "named", "page", "unit", "run", "panel", "theme"]
    paths = [f"/atlas?{names[k % len(names)]}={quote(odd)}" for k, odd in enumerate(ODD)]
    paths += [f"/{quote(odd)}" for odd in ODD]
    paths += [f"/static/{quote(odd, safe='')}" for odd in ODD if odd]
    assert len(paths) >= 200
    for path in paths:
        try:
            with urllib.request.urlopen(f"{server}{path}", timeout=20) as answer:
                code, body = answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            code, body = error.code, error.read().decode("utf-8", "replace")
        except (ValueError, http_errors()):
            continue
        assert code < 500, path
        assert "Traceback" not in body and "root:x:" not in body, path
    with urllib.request.urlopen(f"{server}/health", timeout=5) as answer:
        assert json.load(answer)["status"] == "ok"


def http_errors():
    """What Python's client says of URLs that it cannot even send."""
    import http.client

    return http.client.HTTPException


def test_a_port_in_use_and_no_live(browser):
    address, process = start("--no-live")
    try:
        taken = subprocess.run(
            [sys.executable, "-m", "invis", "serve", "--port", address.rpartition(":")[2]],
            capture_output=True,
            text=True,
        )
        assert taken.returncode == 2
        assert "cannot be listened on" in taken.stderr and "Traceback" not in taken.stderr
        one = Visitor(browser, address)
        page = one.go("/atlas?model=minivgg&layer=conv2_2&unit=31")
        one.see("ignores bend by")
        assert page.get_by_role("button", name="Probe").count() == 0
        assert "Live search" not in page.inner_text("nav")
        page.close()
    finally:
        process.terminate()
        process.wait(20)
