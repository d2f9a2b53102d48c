"""The routes of the server: an allow-list, in place of what Panel and Bokeh install."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from bokeh.protocol.message import Message
from bokeh.server.session import ServerSession
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.ws import WSHandler
from bokeh.settings import settings as bokeh_settings
from bokeh.util.token import check_token_signature, get_session_id
from panel.io.resources import DIST_DIR
from panel.io.server import DocHandler
from tornado.web import HTTPError, StaticFileHandler

from invis.dashboard.doors import PAGE_POLICY, Guarded, Nothing, readable
from invis.dashboard.journal import event
from invis.dashboard.login import SignIn, SignOut, to_login
from invis.dashboard.visits import Visits

# What a browser may say over its websocket; PUSH-DOC would replace the whole page by another.
MESSAGES = {"PATCH-DOC", "PULL-DOC-REQ", "SERVER-INFO-REQ"}
# No name begins with a dot; browsers may or may not escape the ^ of es-module-shims@^1.10.0.
NAME = r"(?:[\w@-](?:[\w@.^-]|%5E)*)"
FILES = rf"((?:{NAME}/)*{NAME}\.(?:js|css|woff2?|ttf|svg|png|gif|ico))"


class PageHandler(Guarded, DocHandler):
    """A page: GET makes a session for it, which waits for its websocket."""

    async def get(self, *args: Any, **kwargs: Any) -> None:
        self._ask()
        if not self.current_user:
            self.redirect(to_login(self.application.prefix, self.request.uri or "/"))
            return
        await self.settings["drawn"](self.application_context.url)
        self.nonce = secrets.token_urlsafe(16)
        self.protect(PAGE_POLICY, self.nonce)
        try:
            await super().get(*args, **kwargs)  # type: ignore[misc]
        except Exception:
            # Bokeh would wait for ever for the session that could not be made.
            self.application_context._pending_sessions.clear()
            raise

    async def head(self, *args: Any, **kwargs: Any) -> None:
        """What GET says of itself, without a session."""
        self._ask()
        if not self.current_user:
            self.redirect(to_login(self.application.prefix, self.request.uri or "/"))
            return
        self.protect(PAGE_POLICY, secrets.token_urlsafe(16))
        self.set_header("Cache-Control", "no-store")
        # Sent at once: Tornado would say that a page has no bytes.
        await self.flush()

    async def get_session(self) -> ServerSession:  # type: ignore[override]
        session: ServerSession = await super().get_session()  # type: ignore[misc]
        if session.document.template_variables.get("failed"):
            raise HTTPError(500)
        session.document.template_variables["nonce"] = self.nonce
        visits: Visits = self.settings["visits"]
        visits.expect(session)
        return session

    def _ask(self) -> None:
        if "Bokeh-Session-Id" in self.request.headers or not readable(self.request.query):
            raise HTTPError(400)


class SocketHandler(Guarded, WSHandler):
    """A page's websocket: for the token of a page that was fetched here and is not open yet."""

    async def prepare(self) -> None:
        await super().prepare()
        if self.current_user is None:
            self.refuse(403, "login")
        if not self._admitted():
            self.refuse(403, "token")

    def check_origin(self, origin: str) -> bool:
        found = self.doors.same(origin)
        if not found:
            event("refused", status=403, why="origin", path=self.request.path)
        return found

    def _admitted(self) -> bool:
        told = self.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        if len(told) != 2 or told[0].strip() != "bokeh":
            return False
        token = told[1].strip()
        key = self.application.secret_key  # type: ignore[attr-defined]
        try:
            if not check_token_signature(token, secret_key=key, signed=True):
                return False
            session = self.application_context.get_session(get_session_id(token))
        # A forged token fails in any way it likes.
        except Exception:
            return False
        visits: Visits = self.settings["visits"]
        return visits.admit(session.id)

    async def _handle(self, message: Message[Any]) -> Any:
        if message.msgtype not in MESSAGES:
            self._protocol_error("")
            return None
        if self.connection is None or self.connection._session is None:
            # The visitor has left, and what was said before that is still being read.
            return None
        work = await super()._handle(message)
        if isinstance(work, Message) and work.msgtype == "ERROR":
            # Bokeh's own has a traceback.
            assert self.connection is not None
            return self.connection.error(message, "this message could not be handled")
        return work

    def _internal_error(self, message: str) -> None:
        self.close(1011, "this message could not be handled")

    def _protocol_error(self, message: str) -> None:
        self.close(1002, "this message cannot be read")


class Files(Guarded, StaticFileHandler):
    """Scripts, styles and pictures of the packages Bokeh and Panel."""


class Icon(Guarded):
    """`/favicon.ico`."""

    def get(self) -> None:
        self.set_header("Content-Type", "image/x-icon")
        self.write(self.application.icon)  # type: ignore[attr-defined]

    head = get


class Health(Guarded):
    """`/health`: whether the server answers and its store can be read."""

    async def prepare(self) -> None:
        """Whoever asks, by whatever name: balancers ask by address."""

    def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.write(json.dumps(self.settings["health"]()))

    head = get


def shut(application: BokehTornado, login: bool) -> None:
    """Replace all routes of a server by those of the dashboard; everything else is 404."""
    prefix = application.prefix
    rules: list[Any] = []
    for path, context in application.applications.items():
        here = prefix + path.rstrip("/")
        told = {"application_context": context, "bokeh_websocket_path": f"{here}/ws"}
        pattern = f"{re.escape(prefix)}/?" if path == "/" and prefix else re.escape(prefix + path)
        rules += [(pattern, PageHandler, told), (re.escape(f"{here}/ws"), SocketHandler, told)]
    start = re.escape(prefix)
    if login:
        rules += [(f"{start}/login", SignIn), (f"{start}/logout", SignOut)]
    rules += [
        (f"{start}/health", Health),
        (f"{start}/favicon.ico", Icon),
        (f"{start}/static/extensions/panel/{FILES}", Files, {"path": str(DIST_DIR)}),
        (f"{start}/static/{FILES}", Files, {"path": str(bokeh_settings.bokehjs_path())}),
        (r".*", Nothing),
    ]
    application.wildcard_router.rules.clear()
    application.default_router.rules.clear()
    application.add_handlers(r".*", rules)
