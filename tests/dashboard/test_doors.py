"""Who may come in, by name and by origin; what can be read; what waits for its websocket."""

import asyncio
import json
import logging

import pytest
from bokeh.document import Document
from bokeh.server.session import ServerSession

from invis.dashboard import journal
from invis.dashboard.doors import Doors, readable
from invis.dashboard.login import Login
from invis.dashboard.visits import Visits
from invis.errors import InvisError


class TestHosts:
    doors = Doors.at("0.0.0.0", 5006, ["Atlas.example.org"])

    @pytest.mark.parametrize(
        "host",
        ["localhost", "LOCALHOST:5006", "127.0.0.1:5006", "127.0.0.1:80", "[::1]:5006",
         "atlas.example.org", "atlas.example.org:443"],
    )  # fmt: skip
    def test_names_of_the_server(self, host):
        assert self.doors.welcome(host)

    @pytest.mark.parametrize(
        "host",
        ["", "evil.example", "localhost.evil.example", "evil.example:5006",
         "localhost@evil.example", "evil.example#localhost", "127.0.0.1:99999999", "localhost:",
         "0.0.0.0:5006", "[::2]",
         "localhost/..", "localhost evil.example", "192.168.1.7:5006", "*", "\u212aelvin"],
    )  # fmt: skip
    def test_other_names_are_a_rebound_dns(self, host):
        assert not self.doors.welcome(host)

    def test_an_address_of_its_own_is_a_name_and_a_star_is_any(self):
        assert Doors.at("192.168.1.7", 5006).welcome("192.168.1.7:5006")
        assert Doors.at("127.0.0.1", 5006, ["*"]).welcome("hub.example.org")

    def test_a_websocket_comes_from_a_page_of_this_server(self):
        assert self.doors.same("http://localhost:5006")
        # A browser leaves the port out where it is the scheme's own.
        assert self.doors.same("http://atlas.example.org")
        assert self.doors.same("https://atlas.example.org")
        for origin in (
            "http://localhost:8000",
            "http://evil.example",
            "null",
            "",
            "localhost:5006",
        ):
            assert not self.doors.same(origin)

    def test_frames_are_for_those_who_were_named(self):
        shut = self.doors.headers()
        assert shut["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in shut["Content-Security-Policy"]
        framed = Doors.at("127.0.0.1", 5006, frames=["https://example.org"]).headers()
        assert "X-Frame-Options" not in framed
        policy = framed["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors 'self' https://example.org")

    @pytest.mark.parametrize("frame", ["example.org", "https://", "javascript:x", "https://a b"])
    def test_a_frame_that_is_no_origin(self, frame):
        with pytest.raises(InvisError, match="--embed"):
            Doors.at("127.0.0.1", 5006, frames=[frame])

    @pytest.mark.parametrize("host", ["", "http://example.org", "a b", "example.org:x"])
    def test_a_name_that_is_no_host(self, host):
        with pytest.raises(InvisError, match="--allow-websocket-origin"):
            Doors.at("127.0.0.1", 5006, [host])


@pytest.mark.parametrize(
    ("query", "can"),
    [
        ("", True),
        ("model=minivgg&layer=conv2_2&unit=31", True),
        ("phrase=half+%26+half%C3%A9", True),
        ("unit=999999999999999999", True),
        ("unit=%C2%B2", False),
        ("unit=" + "9" * 4301, False),
        ("unit=" + "9" * 19, False),
        ("phrase=" + "a" * 3000, False),
        ("phrase=%FF%FE", False),
        ("&".join(f"a{k}=1" for k in range(100)), False),
        ("bokeh-session-id=mine", False),
        ("bokeh-token=mine", False),
    ],
)
def test_what_of_a_url_can_be_read(query, can):
    assert readable(query) is can


def test_a_page_opens_one_websocket_once():
    async def visit():
        visits = Visits(seconds=60, most=2)
        sessions = [ServerSession(str(k), Document()) for k in range(3)]
        for session in sessions:
            visits.expect(session)
        # The one that waited longest has gone, and is free to expire.
        assert [s.expiration_blocked for s in sessions] == [False, True, True]
        assert not visits.admit("0")
        assert visits.admit("1") and not visits.admit("1")
        assert not visits.admit("never there")
        assert len(visits) == 1

    asyncio.run(visit())


def test_a_page_that_nobody_opens_is_given_up():
    async def visit():
        visits, session = Visits(seconds=0.01), ServerSession("a", Document())
        visits.expect(session)
        await asyncio.sleep(0.1)
        assert not session.expiration_blocked and not visits.admit("a")

    asyncio.run(visit())


class TestLogin:
    def test_a_password_for_everyone(self):
        login = Login("secret")
        assert login.fits("", "secret") and login.fits("ada", "secret")
        assert not login.fits("", "Secret") and not login.fits("", "")

    def test_users_of_a_file(self, tmp_path):
        file = tmp_path / "users.json"
        file.write_text('{"ada": "secret"}')
        login = Login(str(file))
        assert login.fits("ada", "secret")
        assert not login.fits("bob", "secret") and not login.fits("ada", "")

    @pytest.mark.parametrize("text", ["[]", "{", '{"ada": 1}', '"ada"'])
    def test_a_file_of_anything_else(self, tmp_path, text):
        file = tmp_path / "users.json"
        file.write_text(text)
        with pytest.raises(InvisError, match="users"):
            Login(str(file))


def test_whatever_is_logged_is_one_line(capsys, monkeypatch):
    root, library = logging.getLogger(), logging.getLogger("bokeh")
    # As Bokeh is imported where nobody has set up logging.
    monkeypatch.setattr(library, "handlers", [logging.StreamHandler()])
    monkeypatch.setattr(library, "propagate", False)
    before = root.handlers[:], root.level
    try:
        journal.begin()
        try:
            raise ValueError("first\nsecond")
        except ValueError:
            logging.getLogger("bokeh.server").error("message:\n %r", {"a": 1}, exc_info=True)
        logging.getLogger("param").warning("odd\nthing")
        journal.event("visit", page="start")
    finally:
        root.handlers[:], root.level = before
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["error", "warning", "visit"]
    assert lines[0]["message"] == "message:" and lines[0]["reason"] == "first"
