"""Take the pictures of README.md and of the documentation anew, from what Invis shows today.

    python docs/screenshots.py               # all, in about three minutes
    python docs/screenshots.py atlas         # some

Needs the packages of `pip install -e '.[all,dev]'` and a Chromium (`apt install chromium`).
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parent
LARGEST = 120_000
SETTLE = 1500  # milliseconds that plotly takes to draw and to lay out
EXPLORER = 'import invis\n\nexplorer = invis.SearchExplorer("minivgg/conv2_2/3")\nexplorer'
# JupyterLab asks nothing, and keeps what is out of sight in the page.
LAB_SETTINGS = {
    "apputils-extension/notification": '{"fetchNews": "false"}',
    "notebook-extension/tracker": '{"windowingMode": "none"}',
}


def complex_cell(browser: Browser, folder: Path) -> bytes:
    """The set of a unit whose invariance is known."""
    invis("search", "truth/complex_cell/0", "--out", folder)
    return (folder / "set.png").read_bytes()


def atlas(browser: Browser, folder: Path) -> bytes:
    """Layers of minivgg, on the first page of an exported atlas."""
    invis("atlas", "export", "--out", folder / "site")
    page = opened(browser, (folder / "site" / "index.html").as_uri(), 1200, 900)
    return page.locator(".js-plotly-plot", has_text="minivgg").screenshot()


def dashboard(browser: Browser, folder: Path) -> bytes:
    """A unit of the atlas that ships."""
    with server("serve", path="/health") as address:
        query = "model=minivgg&layer=conv2_2&unit=14"
        page = opened(browser, f"{address}/atlas?{query}", 1440, 1210)
        page.get_by_text("Against the null").first.wait_for()
        page.wait_for_timeout(SETTLE)
        return page.screenshot()


def explorer(browser: Browser, folder: Path) -> bytes:
    """A search in JupyterLab."""
    cell = nbformat.v4.new_code_cell(EXPLORER)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": spec})
    nbformat.write(notebook, folder / "search.ipynb")
    with jupyterlab(folder) as address:
        page = opened(browser, f"{address}/lab/tree/search.ipynb?reset", 1280, 1080)
        page.wait_for_selector("text=/\\| Idle/", timeout=60_000)
        page.keyboard.press("Control+B")
        page.click(".lm-MenuBar-itemLabel:text-is('Run')")
        page.click(".lm-Menu-itemLabel:text-is('Run All Cells')")
        page.locator(".invis-explorer button:has-text('Search')").first.click(timeout=60_000)
        page.get_by_text("Done in").first.wait_for(timeout=60_000)
        page.wait_for_timeout(SETTLE)
        return page.screenshot()


def probes(browser: Browser, folder: Path) -> bytes:
    """What a unit ignores that is known to ignore phase."""
    invis("probe", "truth/complex_cell/0", "--out", folder)
    return two_figures(browser, folder / "probes.html")


def morph(browser: Browser, folder: Path) -> bytes:
    """A path through its set, and the straight line."""
    invis("morph", "truth/complex_cell/0", "--out", folder)
    page = opened(browser, (folder / "morph.html").as_uri(), 1200, 920)
    page.evaluate(
        "Plotly.animate(document.querySelector('.js-plotly-plot'), ['12'], {mode: 'immediate'})"
    )
    page.wait_for_timeout(SETTLE)
    return page.screenshot()


def trajectory(browser: Browser, folder: Path) -> bytes:
    """The training of minivgg beside its nulls."""
    invis("trajectory", "minivgg", "--out", folder)
    return two_figures(browser, folder / "trajectory.html")


def stitching(browser: Browser, folder: Path) -> bytes:
    """Encoders of digits, stitched by every method."""
    invis("stitch", "--data", "digits", "--out", folder)
    return two_figures(browser, folder / "stitching.html")


PICTURES: tuple[Callable[[Browser, Path], bytes], ...] = (
    complex_cell,
    atlas,
    dashboard,
    explorer,
    probes,
    morph,
    trajectory,
    stitching,
)


def invis(*args: object) -> None:
    """Run a command."""
    command = [sys.executable, "-m", "invis", *map(str, args)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def opened(browser: Browser, address: str, width: int, height: int) -> Page:
    """A page of this size, light, once it is drawn."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
    page.goto(address)
    page.wait_for_timeout(SETTLE)
    return page


def two_figures(browser: Browser, path: Path) -> bytes:
    """A page down to the end of its second figure."""
    page = opened(browser, path.as_uri(), 1280, 1000)
    end = page.evaluate(
        "document.querySelectorAll('.js-plotly-plot')[1].getBoundingClientRect().bottom"
    )
    page.set_viewport_size({"width": 1280, "height": int(end)})
    page.wait_for_timeout(SETTLE)
    return page.screenshot()


@contextmanager
def server(*args: str, path: str, module: str = "invis", **environment: str) -> Iterator[str]:
    """A server on a free port while its address is in use.

    Args:
        args: of the command, to which --port is added.
        path: answers once the server is there.
        module: that `python -m` starts.
        environment: beside that of this process.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", module, *args, "--port", str(port)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=os.environ | environment, **quiet)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{address}{path}", process)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait(address: str, process: subprocess.Popen) -> None:
    while process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"{' '.join(map(str, process.args))} has ended with code {process.returncode}")


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """JupyterLab on a folder, without the settings of whoever runs this."""
    home = Path(tempfile.mkdtemp())
    for plugin, setting in LAB_SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(setting)
    own = {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    options = ("--no-browser", "--allow-root", "--IdentityProvider.token=")
    try:
        with server(
            *options, f"--ServerApp.root_dir={folder}", path="/api", module="jupyterlab", **own
        ) as address:
            yield address
    finally:
        shutil.rmtree(home, ignore_errors=True)


def small(png: bytes) -> bytes:
    """The picture in 256 colours, which screens of text and flat areas don't miss."""
    out = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(out, "png", optimize=True)
    return min(png, out.getvalue(), key=len)


def main(names: list[str]) -> None:
    """Take the pictures of these names; all where none is given."""
    known = [take.__name__ for take in PICTURES]
    if strange := set(names) - set(known):
        sys.exit(f"there is no picture {', '.join(strange)}: there are {', '.join(known)}")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for take in PICTURES:
            if names and take.__name__ not in names:
                continue
            with tempfile.TemporaryDirectory() as folder:
                png = small(take(browser, Path(folder)))
            if len(png) > LARGEST:
                sys.exit(f"{take.__name__}.png takes {len(png):,} bytes, more than {LARGEST:,}")
            (HERE / f"{take.__name__}.png").write_bytes(png)
            print(f"{take.__name__}.png: {len(png):,} bytes")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
