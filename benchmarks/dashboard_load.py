"""Thirty visitors of the dashboard, ten of them searching: how long an interaction takes.

    python benchmarks/dashboard_load.py [--seconds 180] [--browsing 30] [--searching 10]

Each visitor holds a websocket as a browser does, changes the layer, sorts and opens units; an
interaction lasts until the server has handled it and answered the next message. Prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from typing import Any

import numpy as np
import panel as pn
import panel.models
import psutil
from bokeh.client import ClientSession
from bokeh.client.util import websocket_url_for_server_url
from bokeh.document.events import MessageSentEvent
from bokeh.events import ButtonClick, DocumentReady, Event
from bokeh.models import Select
from bokeh.util.token import get_session_id

import invis.dashboard.grid  # noqa: F401 (its model is part of the page)

PAUSE = (1.0, 3.0)


class Session(ClientSession):
    """A session with the token of a page that was fetched: the server takes no other."""

    token = ""


def pulled(url: str) -> Session:
    """Fetch a page and open its websocket, as browsers do."""
    with urllib.request.urlopen(url, timeout=120) as answer:
        token = re.search(r'"token":"([\w.-]+)"', answer.read().decode())[1]  # type: ignore[index]
    session = Session(
        session_id=get_session_id(token), websocket_url=websocket_url_for_server_url(url)
    )
    session.token = token
    session.pull()
    return session


class Visitors:
    """What all visitors measured."""

    def __init__(self, address: str, end: float) -> None:
        self.address, self.end = address, end
        self.seconds: list[float] = []
        self.searches = 0
        self.errors: list[str] = []

    def browse(self, seed: int) -> None:
        """Change the layer, its weights, the order, the filter; again and again."""
        chance = random.Random(seed)
        self._visit("/atlas", lambda session: self._wander(session, chance), chance)

    def search(self, seed: int) -> None:
        """Press Search, wait a little, and press it again."""
        chance = random.Random(seed)
        self._visit("/live", lambda session: self._press(session), chance)

    def _visit(self, path: str, act: Any, chance: random.Random) -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        time.sleep(chance.uniform(0, 5))
        try:
            session = pulled(f"{self.address}{path}")
            # Browsers tell, and Panel waits for it.
            self._send(session, DocumentReady())
            try:
                while time.monotonic() < self.end:
                    began = time.perf_counter()
                    act(session)
                    session.force_roundtrip()
                    self.seconds.append(time.perf_counter() - began)
                    time.sleep(chance.uniform(*PAUSE))
            finally:
                session.close()
        except Exception as error:
            self.errors.append(f"{path}: {type(error).__name__}: {error}")

    def _wander(self, session: Any, chance: random.Random) -> None:
        known = (one for one in session.document.models if isinstance(one, Select))
        # What a layer can be depends on the network, and this client hears of that too late.
        usable = [one for one in known if len(one.options) > 1 and one.title != "Model"]
        one = chance.choice(usable)
        options = [o if isinstance(o, str) else o[0] for o in one.options]
        one.value = chance.choice([option for option in options if option != one.value])

    def _press(self, session: Any) -> None:
        found = (one for one in session.document.models if hasattr(one, "button_type"))
        button = next(one for one in found if one.label == "Search")
        self._send(session, ButtonClick(button))
        self.searches += 1

    def _send(self, session: Any, what: Event) -> None:
        event = MessageSentEvent(session.document, "bokeh_event", what)
        session._connection._send_patch_document(session.id, event)


def measure(browsing: int, searching: int, seconds: float) -> dict[str, Any]:
    """What visitors of a server of its own met with, for so many seconds."""
    pn.extension("plotly")
    assert panel.models
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "invis", "serve", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    log: list[str] = []
    threading.Thread(target=lambda: log.extend(server.stdout or []), daemon=True).start()
    address, process = f"http://127.0.0.1:{port}", psutil.Process(server.pid)
    _wait(f"{address}/health")
    for path in ("/atlas", "/live"):
        urllib.request.urlopen(f"{address}{path}", timeout=30).read()
    visitors = Visitors(address, time.monotonic() + seconds)
    threads = [threading.Thread(target=visitors.browse, args=(k,)) for k in range(browsing)]
    threads += [
        threading.Thread(target=visitors.search, args=(1000 + k,)) for k in range(searching)
    ]
    for thread in threads:
        thread.start()
    memory = []
    while any(thread.is_alive() for thread in threads):
        memory.append(process.memory_info().rss / 2**20)
        time.sleep(1)
    time.sleep(20)
    after = process.memory_info().rss / 2**20
    server.send_signal(signal.SIGTERM)
    server.wait(30)
    for k, line in enumerate(log):
        if "Traceback" in line:
            print("".join(log[k : k + 40]), file=sys.stderr)
            break
    waits = np.array(visitors.seconds)
    half = len(memory) // 2
    return {
        "browsing": browsing,
        "searching": searching,
        "seconds": seconds,
        "cores": os.cpu_count(),
        "interactions": len(waits),
        "searches": visitors.searches,
        "median_seconds": round(float(np.median(waits)), 3),
        "p95_seconds": round(float(np.quantile(waits, 0.95)), 3),
        "worst_seconds": round(float(waits.max()), 3),
        "memory_mb_half_way": round(memory[half]),
        "memory_mb_at_end": round(memory[-1]),
        "memory_mb_20_s_after": round(after),
        "errors": visitors.errors,
        "tracebacks": sum("Traceback" in line for line in log),
    }


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server does not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--browsing", type=int, default=30)
    parser.add_argument("--searching", type=int, default=10)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.browsing, asked.searching, asked.seconds), indent=2))


if __name__ == "__main__":
    main()
