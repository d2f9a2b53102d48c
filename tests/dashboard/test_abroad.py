"""No page asks another host for anything: in a lecture hall there is none."""

import pytest

from tests.dashboard.test_browser import PATHS, Visitor, start

pytestmark = pytest.mark.browser
# A fresh server answers once it has drawn the page.
SECONDS = 300


@pytest.fixture
def fresh():
    """A server that has shown nothing yet."""
    address, process = start()
    yield address
    process.terminate()
    process.communicate(timeout=60)


@pytest.mark.parametrize("turn", range(10))
def test_a_fresh_server_sends_visitors_nowhere_else(browser, fresh, turn):
    """What the policy of the pages forbids is no request either: every other turn goes without."""
    one = Visitor(browser, fresh, seconds=SECONDS, bypass_csp=bool(turn % 2))
    page = one.page
    # Whoever comes first finds pages that are being drawn; each turn begins with another one.
    for path in (*PATHS[turn % 5 :], *PATHS[: turn % 5]):
        one.go(f"{path}?theme=dark" if turn % 3 == 0 else path)
        page.click(".theme")
    one.go("/atlas?model=minivgg&layer=conv2_2")
    page.locator("[data-channel='14']").click()
    one.see("Channel 14 of conv2_2", SECONDS)
    page.click(".theme")
    page.click("nav a:has-text('Trajectories')")
    page.wait_for_selector(".invis-main .js-plotly-plot")
    page.go_back()
    one.see("Channel 14 of conv2_2", SECONDS)
    page.wait_for_timeout(500)
    page.close()
    assert (one.abroad, one.noise) == ([], [])


def test_what_is_asked_of_another_host_is_seen(browser, fresh):
    """So that the silence above means something."""
    one = Visitor(browser, fresh, seconds=SECONDS, bypass_csp=True)
    one.go("/")
    one.page.evaluate("new Image().src = 'https://cdn.invalid/logo.png'")
    one.page.evaluate("new WebSocket('wss://cdn.invalid/ws')")
    one.page.wait_for_timeout(500)
    one.page.close()
    assert one.abroad == ["https://cdn.invalid/logo.png", "wss://cdn.invalid/ws"]
