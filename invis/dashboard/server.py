"""How the dashboard is run: it listens at once, and draws its pages while the first is served."""

from __future__ import annotations

import asyncio

# Python loads it for the first name of a host beyond ASCII: here before any visitor comes.
import encodings.punycode  # noqa: F401
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
import panel.reactive
from bokeh.document import Document
from panel.io.resources import LOCAL_DIST

from invis.dashboard import journal
from invis.dashboard.app import Options, application, pages, path_of
from invis.dashboard.doors import Doors
from invis.dashboard.journal import broken, event
from invis.dashboard.login import Login
from invis.dashboard.routes import shut
from invis.dashboard.visits import Visits
from invis.jobs import worker
from invis.shipped import __version__

# A tab that closes is noticed within so many milliseconds, and its session freed.
UNUSED, CHECK = 4_000, 2_000
# A connection that dies in silence is noticed when it answers no ping for so many seconds.
PING, PING_TIMEOUT = 15, 15
# Bytes of a message of a page, and of the body of a request: the login's form.
MESSAGE, BODY = 4 << 20, 16 << 10
# An idle connection, and one that sends its body drop by drop, end after so many seconds.
IDLE, SLOW = 75, 10


class Drawing:
    """Draws each page once, for nobody, on a thread: visitors then wait for no import or table.

    The start comes first. Await it with the path of a page: it returns once that page is drawn.
    """

    def __init__(self, options: Options) -> None:
        self._pages = pages(options)
        self._drawn = {path_of(slug): asyncio.Event() for slug in self._pages}
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="invis-pages", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; `loop` is the visitors'."""
        self._loop = loop
        self._thread.start()

    async def __call__(self, path: str) -> None:
        await self._drawn[path].wait()

    def leave(self, seconds: float) -> bool:
        """Draw no more pages; False where one is still being drawn."""
        self._left.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _draw(self) -> None:
        for slug, make in self._pages.items():
            if self._left.is_set():
                return
            try:
                page = make(False)
                page.view().get_root(Document())
                page.close()
            except Exception as error:
                broken(error)
            if not self._left.is_set():
                self._loop.call_soon_threadsafe(self._drawn[path_of(slug)].set)


def serve(
    options: Options,
    port: int,
    address: str,
    ready: Callable[[], None],
    doors: Doors,
    login: Login | None = None,
    cookie_secret: str | None = None,
) -> None:
    """Run until SIGTERM or Ctrl-C; both cancel jobs first.

    Args:
        options: what is served.
        port, address: where it listens.
        ready: called once it listens.
        doors: who may come in.
        login: asks for users and passwords; None for nobody.
        cookie_secret: signs the login's cookie.

    Raises:
        OSError: where the port is taken.
    """
    journal.begin()
    fields = Path(__file__).with_name("fields.css").read_text(encoding="utf-8")
    pn.extension("plotly", inline=True, exception_handler=broken, raw_css=[fields])
    # Where Panel changes what is not yet on a page, it asks a server elsewhere for its styles.
    panel.reactive.CDN_DIST = LOCAL_DIST
    asked: dict[str, Any] = {"auth_provider": login} if login else {}
    server = pn.serve(
        application(options),
        port=port,
        address=address,
        show=False,
        start=False,
        admin=False,
        location=False,
        threaded=False,
        verbose=False,
        title="Invis",
        prefix=options.prefix,
        unused_session_lifetime_milliseconds=UNUSED,
        check_unused_sessions_milliseconds=CHECK,
        websocket_ping_interval=PING,
        websocket_ping_timeout=PING_TIMEOUT,
        websocket_max_message_size=MESSAGE,
        # A page's token is signed with a secret that nobody else has, and holds nothing of the
        # visitor's: it is part of the page, which scripts can read.
        sign_sessions=True,
        secret_key=secrets.token_bytes(32),
        include_headers=[],
        include_cookies=[],
        cookie_secret=cookie_secret,
        # Behind a proxy that ends TLS the login's cookie is for TLS alone.
        use_xheaders=True,
        http_server_kwargs={
            "max_body_size": BODY, "idle_connection_timeout": IDLE, "body_timeout": SLOW
        },
        **asked,
    )  # fmt: skip
    drawing = Drawing(options)

    def health() -> dict[str, Any]:
        return {
            "status": "ok",
            "version": __version__,
            "models": len(options.store.models),
            "waiting": worker("cpu").waiting,
        }

    server._tornado.settings.update(doors=doors, visits=Visits(), drawn=drawing, health=health)
    shut(server._tornado, login is not None)

    def end(*_: Any) -> None:
        event("stop")
        worker("cpu").close()
        server.io_loop.add_callback_from_signal(server.io_loop.stop)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    loop = server.io_loop.asyncio_loop
    loop.set_exception_handler(journal.lost)
    event("start", address=address, port=port, store=options.store.url, live=options.live)
    server.start()
    drawing.start(loop)
    ready()
    server.io_loop.start()
    server.stop()
    worker("cpu").leave(5.0)
    if not drawing.leave(2.0):
        # An import on another thread cannot be ended, and Python's own end would trip over it.
        sys.stdout.flush()
        os._exit(0)
