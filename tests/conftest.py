"""What tests of several rooms share."""

import os
import shutil
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, settings

from invis.cli import cli

# A first example may take a second on a busy machine: that says nothing about the code. The same
# examples are drawn everywhere; tests that draw anew each time say so themselves.
settings.register_profile(
    "invis", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("invis")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A websocket is told of once its host is found or not: others are known to be missing at once.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
# CI keeps what lies here.
SCREENSHOTS = Path(__file__).parents[1] / "out" / "screenshots"


@pytest.fixture
def nothing_there(monkeypatch):
    """Commands are parsed without a look at whether the files that they name exist."""
    groups = [cli]
    while groups:
        for command in groups.pop().commands.values():
            if isinstance(command, click.Group):
                groups.append(command)
            for param in command.params:
                if getattr(param.callback, "__module__", "") == "invis.cli.early":
                    monkeypatch.setattr(param, "callback", None)


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, headless."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no chromium: .ci/run installs it")
        pytest.skip("no chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def screenshots():
    """The folder for pictures of what a person would see."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS
