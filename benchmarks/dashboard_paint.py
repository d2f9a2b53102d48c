"""How soon a visitor can read something: a dashboard of many units in headless Chromium.

    python benchmarks/dashboard_paint.py [--units 5000] [--visits 5]

Needs playwright and Debian's chromium. Each visit has an empty cache. Prints JSON, in seconds from
the request: the median index of every layer on the screen, and all units as dots.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from statistics import median
from typing import Any

from atlas_store import fill
from playwright.sync_api import sync_playwright

PORT = 5093
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]


def visit(browser: Any, address: str) -> tuple[float, float]:
    """Seconds until the first content is painted, and until the figure has its dots."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    began = time.perf_counter()
    page.goto(f"{address}/atlas", wait_until="commit")
    page.wait_for_selector(".medians dd, .js-plotly-plot", timeout=60_000)
    page.wait_for_selector(".js-plotly-plot .scatterlayer .point", timeout=60_000)
    dots = time.perf_counter() - began
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    page.close()
    return paint / 1000, dots


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--units", type=int, default=5000)
    parser.add_argument("--visits", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fill(f"{folder}/atlas", asked.units)
        command = [sys.executable, "-m", "invis", "serve", "--store", f"{folder}/atlas"]
        began = time.perf_counter()
        server = subprocess.Popen(
            [*command, "--port", str(PORT)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        address = f"http://127.0.0.1:{PORT}"
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=2)
                break
            except OSError:
                time.sleep(0.1)
        ready = time.perf_counter() - began
        with sync_playwright() as driver:
            browser = driver.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )  # fmt: skip
            found = [visit(browser, address) for _ in range(asked.visits)]
            browser.close()
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    paints, dots = zip(*found, strict=True)
    told = {
        "units": asked.units,
        "visits": asked.visits,
        "server_ready_seconds": round(ready, 2),
        "first_paint_of_medians_median": round(median(paints), 2),
        "first_paint_of_medians_worst": round(max(paints), 2),
        "all_dots_median": round(median(dots), 2),
        "all_dots_worst": round(max(dots), 2),
    }
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
