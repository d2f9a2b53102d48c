"""Who may come in: names of hosts, origins, frames, and the headers of every answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tornado.web import HTTPError, RequestHandler

from invis.dashboard.journal import broken, event, short
from invis.errors import InvisError

HERE = ("localhost", "127.0.0.1", "::1")
EVERYWHERE = ("", "0.0.0.0", "::")
ANY = "*"
HOST = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
# A query longer than this, of more fields, or with a number of more digits is none of ours.
LONGEST, FIELDS, DIGITS = 2000, 40, 18
SENTENCES = {
    400: "This address cannot be read.",
    403: "This is not allowed.",
    404: "There is no such page.",
    405: "This cannot be done here.",
    421: "This server goes by another name.",
}
BROKEN = "This page could not be made."
# What scripts of ours make are data: and blob: (Panel's components are modules that a shim
# fetches); Bokeh and Plotly compile.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' blob:; worker-src blob:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors {frames}"
)
POLICY = "default-src 'none'; frame-ancestors {frames}"
FORM_POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors {frames}"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Doors:
    """Attributes:
    names: hosts, in small letters, that a request may ask for; `*` among them for any.
    origins: (host, port) of pages whose websockets come in; a host of `*` for any.
    frames: origins of the pages that may show the dashboard in a frame.
    """

    names: frozenset[str]
    origins: frozenset[tuple[str, int]]
    frames: tuple[str, ...] = ()

    @classmethod
    def at(
        cls, address: str, port: int, allowed: Sequence[str] = (), frames: Sequence[str] = ()
    ) -> Doors:
        """The doors of a server that listens at an address, and is known as `allowed`, too.

        Args:
            address, port: where it listens.
            allowed: HOST[:PORT] that visitors type into their browsers; `*` for any.
            frames: origins such as https://example.org.

        Raises:
            InvisError: where one of these is no host or no origin.
        """
        own = [*HERE, *([] if address in EVERYWHERE else [address.lower()])]
        for host in allowed:
            if host != ANY and not HOST.fullmatch(host):
                raise InvisError(
                    f"--allow-websocket-origin {host!r} is no host: give HOST or HOST:PORT, such "
                    "as atlas.example.org"
                )
        for frame in frames:
            scheme, _, host = frame.partition("://")
            if scheme not in ("http", "https") or not HOST.fullmatch(host):
                raise InvisError(
                    f"--embed {frame!r} is no origin: give one such as https://example.org"
                )
        known = [(ANY, 0) if host == ANY else parted(host) for host in allowed]
        return cls(
            frozenset([*own, *(name for name, _ in known)]),
            frozenset([*((name, port) for name in own), *known]),
            tuple(frames),
        )

    def welcome(self, host: str) -> bool:
        """Whether a request's Host is one of the names: a page elsewhere cannot forge it, whatever
        its own name is made to resolve to (DNS rebinding)."""
        if not HOST.fullmatch(host):
            return False
        return ANY in self.names or parted(host)[0] in self.names

    def same(self, origin: str) -> bool:
        """Whether a websocket or form comes from a page of this server."""
        scheme, _, host = origin.partition("://")
        if scheme not in ("http", "https") or not HOST.fullmatch(host):
            return False
        return (ANY, 0) in self.origins or parted(host) in self.origins

    def headers(self, policy: str = POLICY, nonce: str = "") -> dict[str, str]:
        """What every answer says to the browser."""
        frames = " ".join(["'self'", *self.frames]) if self.frames else "'none'"
        found = HEADERS | {"Content-Security-Policy": policy.format(nonce=nonce, frames=frames)}
        return found if self.frames else found | {"X-Frame-Options": "DENY"}


def parted(host: str) -> tuple[str, int]:
    """Name and port of a host that `HOST` matches; port 80 where none is told."""
    parts = urlsplit(f"//{host}")
    try:
        return parts.hostname or "", parts.port or 80
    except ValueError:  # a port of more than 16 bits
        return "", 0


def readable(query: str) -> bool:
    """Whether a query is text in UTF-8 of a sane size, with numbers that a computer has."""
    if len(query) > LONGEST:
        return False
    try:
        fields = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=FIELDS)
    except ValueError:
        return False
    return all(
        key.isprintable() and not key.startswith("bokeh-") and _tame(value) for key, value in fields
    )


def _tame(value: str) -> bool:
    return not value.isdigit() or (value.isascii() and len(value) <= DIGITS)


class Guarded(RequestHandler):
    """A handler that asks for the Host first, tells nothing of itself, and fails in a sentence."""

    @property
    def doors(self) -> Doors:
        return self.settings["doors"]

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.protect(POLICY)

    def protect(self, policy: str, nonce: str = "") -> None:
        """Set the headers that every answer has, with the policy of this one."""
        for name, value in self.doors.headers(policy, nonce).items():
            self.set_header(name, value)

    async def prepare(self) -> None:
        if not self.doors.welcome(self.request.host):
            self.refuse(421, "host")
        found = super().prepare()
        if found is not None:
            await found

    def refuse(self, status: int, why: str) -> None:
        """End this request, with a line in the log.

        Raises:
            HTTPError: always.
        """
        event("refused", status=status, why=why, path=short(self.request.path))
        raise HTTPError(status)

    def write_error(self, status_code: int, **_: Any) -> None:
        said = SENTENCES.get(status_code, self._reason if status_code < 500 else BROKEN)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(
            f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{status_code}</title>'
            f"<p>{said}</p></html>"
        )

    def log_exception(self, kind: Any, error: BaseException | None, _: Any) -> None:
        if error is not None and not isinstance(error, HTTPError):
            broken(error)


class Nothing(Guarded):
    """Whatever is no page of ours."""

    async def prepare(self) -> None:
        await super().prepare()
        raise HTTPError(404)
