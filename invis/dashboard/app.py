"""The application: its pages on one server, what its header looks like, and how it is run."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import panel as pn
from bokeh.document import Document
from tornado.iostream import StreamClosedError
from tornado.web import ErrorHandler, RequestHandler
from tornado.websocket import WebSocketClosedError

from invis.dashboard.atlas import AtlasPage
from invis.dashboard.page import Page, menu
from invis.dashboard.search import SearchPage
from invis.dashboard.start import StartPage
from invis.dashboard.stitching import StitchingPage
from invis.dashboard.store import Store
from invis.dashboard.trajectories import TrajectoriesPage
from invis.jobs import worker
from invis.shipped import __version__

log = logging.getLogger("invis.dashboard")

# A tab that closes is noticed within so many milliseconds, and its session freed.
UNUSED, CHECK = 4_000, 2_000
# A connection that dies in silence is noticed when it answers no ping for so many seconds.
PING, PING_TIMEOUT = 15, 15

TEMPLATE = """
{% extends base %}
{# Eight megabytes of scripts come after what can be read without them. #}
{% block js_resources %}{% endblock %}
{% block title %}{{ title }}{% endblock %}
{% block postamble %}<style>{{ css }}</style>
<script>document.documentElement.dataset.theme = '{{ scheme }}';</script>{% endblock %}
{% block contents %}
<header class="invis-top"><a class="brand" href="{{ prefix }}/{{ theme }}">Invis</a>
<nav>{{ menu }}</nav><a class="theme" href="#" onclick="
  const to = new window.URL(window.location);
  to.searchParams.set('theme', '{{ scheme }}' === 'dark' ? 'default' : 'dark');
  window.location = to; return false;">{{ 'Light' if scheme == 'dark' else 'Dark' }}</a></header>
<main class="invis-main">{{ embed(roots.main) }}<div class="first">{{ first }}</div></main>
{{ embed(roots.location) }}{{ bokeh_js }}
{# Panel resizes figures that are hidden before they were drawn, on which Plotly throws. #}
<script>if (window.Plotly) {
  const relayout = window.Plotly.relayout;
  window.Plotly.relayout = (plot, ...more) =>
    plot._fullLayout ? relayout(plot, ...more) : Promise.resolve(plot);
}</script>
{% endblock %}
"""


@dataclass(frozen=True)
class Options:
    """What the owner of a server decides.

    Attributes:
        store: the atlas.
        live: whether visitors may compute.
        runs: folder of recordings for the page of trajectories.
        prefix: of all URLs, where a proxy adds one.
        images: folder of pictures whose crops visitors may see as exemplars.
    """

    store: Store
    live: bool = True
    runs: Path | None = None
    prefix: str = ""
    images: Path | None = None


def pages(options: Options) -> dict[str, tuple[str, Callable[[bool], Page]]]:
    """Slug -> title, and how a page is made for a visitor, who may want it dark."""
    store, live = options.store, options.live
    found: dict[str, tuple[str, Callable[[bool], Page]]] = {
        "": (StartPage.title, lambda dark: StartPage(store, options.prefix, dark)),
        AtlasPage.slug: (
            AtlasPage.title,
            lambda dark: AtlasPage(store, live, dark, options.images),
        ),
    }
    if live:
        found[SearchPage.slug] = (SearchPage.title, lambda dark: SearchPage(dark))
    return found | {
        TrajectoriesPage.slug: (
            TrajectoriesPage.title, lambda dark: TrajectoriesPage(options.runs, live, dark),
        ),
        StitchingPage.slug: (StitchingPage.title, lambda dark: StitchingPage(live, dark)),
    }  # fmt: skip


def application(options: Options) -> dict[str, Callable[[], Any]]:
    """URL path -> what Panel calls for each visitor."""
    known = pages(options)
    titles = {slug: title for slug, (title, _) in known.items()}
    return {slug or "/": _visit(slug, make, titles, options) for slug, (_, make) in known.items()}


def _visit(
    slug: str, make: Callable[[bool], Page], titles: dict[str, str], options: Options
) -> Callable[[], Any]:
    css = (Path(__file__).parent / "dashboard.css").read_text(encoding="utf-8")

    def visit() -> Any:
        began = time.perf_counter()
        dark = pn.config.theme == "dark"
        page = make(dark)
        page.follow_url()
        template = pn.Template(TEMPLATE, location=True)
        template.add_panel("main", page.view())
        template.add_variable("title", f"{titles[slug]} · Invis")
        template.add_variable("css", css)
        template.add_variable("scheme", "dark" if dark else "light")
        template.add_variable("theme", "?theme=dark" if dark else "")
        template.add_variable("prefix", options.prefix)
        template.add_variable("first", page.first())
        template.add_variable("menu", menu(titles, slug, dark, options.prefix))

        def leave(_: Any) -> None:
            page.close()
            event("leave", page=slug or "start")

        pn.state.on_session_destroyed(leave)
        event("visit", page=slug or "start", seconds=round(time.perf_counter() - began, 3))
        return template

    return visit


class Health(RequestHandler):
    """`/health`: whether the server answers and its store can be read."""

    def initialize(self, options: Options) -> None:
        self._options = options

    def get(self) -> None:
        store = self._options.store
        told = {
            "status": "ok",
            "version": __version__,
            "models": len(store.models),
            "waiting": worker("cpu").waiting,
        }
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps(told))


def event(what: str, **more: Any) -> None:
    """One line of the log: words for a person at a terminal, JSON for machines."""
    if sys.stderr.isatty():
        details = ", ".join(f"{key} {value}" for key, value in more.items())
        log.info(f"{time.strftime('%H:%M:%S')}  {what}  {details}".rstrip())
    else:
        log.info(json.dumps({"time": round(time.time(), 3), "event": what, **more}))


def _broken(error: Exception) -> None:
    """What a visitor's message broke costs that message alone; the log keeps one line of it."""
    event("error", kind=type(error).__name__, message=str(error).partition("\n")[0][:200])


def _lost(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A visitor who left while a message was on its way is no error."""
    error = context.get("exception")
    if isinstance(error, Exception):
        if not isinstance(error, (WebSocketClosedError, StreamClosedError)):
            _broken(error)
    else:
        loop.default_exception_handler(context)


def warm(options: Options) -> None:
    """Make every page once, for nobody: the first visitor waits for no import and no table."""
    for _, make in pages(options).values():
        page = make(False)
        page.view().get_root(Document())
        page.close()


def serve(
    options: Options, port: int, address: str, ready: Callable[[], None], **asked: Any
) -> None:
    """Run until SIGTERM or Ctrl-C; both cancel jobs first.

    Args:
        options: what is served.
        port, address: where it listens.
        ready: called once it listens.
        asked: further options of `panel.serve`, such as `basic_auth`.

    Raises:
        OSError: where the port is taken.
    """
    logging.basicConfig(format="%(message)s")
    log.setLevel(logging.INFO)
    # A visitor's odd request is no news, and its traceback none of theirs.
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    pn.extension("plotly", inline=True, exception_handler=_broken)
    warm(options)
    server = pn.serve(
        application(options),
        port=port,
        address=address,
        show=False,
        start=False,
        admin=False,
        threaded=False,
        verbose=False,
        title="Invis",
        prefix=options.prefix,
        extra_patterns=[
            ("/health", Health, {"options": options}),
        ],
        unused_session_lifetime_milliseconds=UNUSED,
        check_unused_sessions_milliseconds=CHECK,
        websocket_ping_interval=PING,
        websocket_ping_timeout=PING_TIMEOUT,
        **asked,
    )

    # Tornado's files raise on such a path instead of not finding it.
    no_path = (r".*%00.*", ErrorHandler, {"status_code": 404})
    server._tornado.add_handlers(r".*", [no_path])

    def end(*_: Any) -> None:
        event("stop")
        worker("cpu").close()
        server.io_loop.add_callback_from_signal(server.io_loop.stop)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    server.io_loop.asyncio_loop.set_exception_handler(_lost)
    event("start", address=address, port=port, store=options.store.url, live=options.live)
    server.start()
    ready()
    server.io_loop.start()
    server.stop()
    worker("cpu").leave(5.0)
