"""The login: a form of our own, which keeps the address that was asked for, and one cookie."""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bokeh.server.auth_provider import AuthProvider
from jinja2 import Environment

from invis.dashboard.doors import FORM_POLICY, Guarded
from invis.errors import InvisError

COOKIE, DAYS = "invis_user", 1
# A wrong password costs whoever tries many of them so many seconds each.
PAUSE = 1.0
FORM = Environment(autoescape=True).from_string(
    Path(__file__).with_name("login.html").read_text(encoding="utf-8")
)


class Login(AuthProvider):
    """Asks Bokeh's handlers for the cookie.

    Args:
        asked: a password, or the path of a JSON file of users and passwords.

    Raises:
        InvisError: where the file holds anything else.
    """

    def __init__(self, asked: str) -> None:
        self._asked = asked
        self._known()
        super().__init__()

    def fits(self, user: str, password: str) -> bool:
        """Whether this user has this password; in the same time whatever is wrong."""
        known = self._known()
        right = known.get(user, secrets.token_hex()) if isinstance(known, dict) else known
        return hmac.compare_digest(password.encode(), right.encode())

    def _known(self) -> dict[str, str] | str:
        path = Path(self._asked)
        try:
            if not path.is_file():
                return self._asked
            known = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvisError(
                f"--basic-auth {self._asked!r} cannot be read: give a password, or a JSON file of "
                "users and passwords"
            ) from error
        if not isinstance(known, dict) or not all(isinstance(p, str) for p in known.values()):
            raise InvisError(
                f"--basic-auth {self._asked!r} holds no users: let it be a JSON object such as "
                '{"ada": "her password"}'
            )
        return known

    @property
    def get_user(self) -> Callable[[Any], Any]:
        """The name in the signed cookie; None where there is none."""

        def user(handler: Any) -> str | None:
            told = handler.get_signed_cookie(COOKIE, max_age_days=DAYS)
            return told.decode("utf-8", "replace") if told else None

        return user

    @property
    def login_url(self) -> str:
        """Where the form is."""
        return "/login"


def to_login(prefix: str, address: str) -> str:
    """The form's address; it leads back to another address of ours."""
    return f"{prefix}/login?{urlencode({'next': address})}"


class SignIn(Guarded):
    """`/login`: the form, and what it sends."""

    def get(self) -> None:
        self._form("")

    head = get

    async def post(self) -> None:
        origin = self.request.headers.get("Origin")
        if origin is not None and not self.doors.same(origin):
            self.refuse(403, "origin")
        user, password = (self.get_body_argument(name, "") for name in ("user", "password"))
        provider: Login = self.application.auth_provider  # type: ignore[attr-defined]
        if not provider.fits(user, password):
            await asyncio.sleep(PAUSE)
            self.set_status(403)
            self._form("This user and password do not fit.")
            return
        self.set_signed_cookie(
            COOKIE, user or "visitor", expires_days=DAYS, path=f"{self._prefix}/", httponly=True,
            samesite="Lax", secure=self.request.protocol == "https",
        )  # fmt: skip
        self.redirect(self._next())

    @property
    def _prefix(self) -> str:
        return self.application.prefix  # type: ignore[attr-defined]

    def _next(self) -> str:
        """The address that was asked for, where it is one of ours; else the start."""
        start = f"{self._prefix}/"
        asked = self.get_argument("next", start)
        ours = asked.startswith(start) and not asked.startswith("//") and asked.isprintable()
        return asked if ours and "\\" not in asked else start

    def _form(self, wrong: str) -> None:
        nonce = secrets.token_urlsafe(16)
        self.protect(FORM_POLICY, nonce)
        self.set_header("Cache-Control", "no-store")
        self.write(
            FORM.render(
                action=f"{self._prefix}/login", icon=f"{self._prefix}/favicon.ico", nonce=nonce,
                next=self._next(), wrong=wrong,
            )
        )  # fmt: skip


class SignOut(Guarded):
    """`/logout`: away with the cookie, and back to the form."""

    def get(self) -> None:
        prefix = self.application.prefix  # type: ignore[attr-defined]
        self.clear_cookie(COOKIE, path=f"{prefix}/")
        self.redirect(f"{prefix}/login")
