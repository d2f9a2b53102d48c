"""A server on this machine, and visitors who mean no good."""

import asyncio
import http.client
import json
import re
import signal
from urllib.parse import urlencode, urlsplit

import pytest
from bokeh.protocol import Protocol
from tornado.httpclient import HTTPClientError

from tests.dashboard.test_browser import start
from tests.dashboard.visitor import fetch, hear, say, socket, token_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    """One server for all; each line of its log must be an event."""
    address, process = start()
    yield address
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    for line in said.splitlines():
        assert line.startswith("http://") or "event" in json.loads(line), line
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "path",
    ["/components/unittest.__main__/a/b/c", "/components/this/s/__css__/x", "/atlas/autoload.js",
     "/atlas/metadata", "/metadata", "/rest/session_info", "/admin", "/liveness", "/login",
     "/static/..%2f..%2fserver.py", "/static/extensions/panel/../../config.py",
     "/static/extensions/panel/panel.json", "/static/js/", "/static/extensions/nosuch/x.js",
     "/atlas/static/js/bokeh.min.js", "/%00", "/atlas/", "/index.html", "/static/%00.js"],
)  # fmt: skip
def test_what_is_no_page_of_ours_is_not_there(server, path):
    where = urlsplit(server)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    # As it stands: a client of higher manners would tidy the path.
    connection.request("GET", path)
    assert connection.getresponse().status == 404


def test_a_host_that_is_not_ours_sees_nothing(server):
    async def visit():
        for path in ("/", "/atlas", "/static/js/bokeh.min.js", "/nosuch", "/atlas/ws"):
            answer = await fetch(server, path, headers={"Host": "evil.example"})
            assert answer.code == 421 and b"minivgg" not in answer.body
        assert (await fetch(server, "/health", headers={"Host": "10.0.0.1"})).code == 200

    asyncio.run(visit())


@pytest.mark.parametrize("path", ["/atlas", "/", "/static/js/bokeh.min.js", "/nosuch", "/health"])
def test_headers_of_every_answer(server, path):
    async def visit():
        for method in ("GET", "HEAD"):
            answer = await fetch(server, path, method=method)
            assert answer.code == (404 if path == "/nosuch" else 200)
            assert "Server" not in answer.headers
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert bool(answer.body) is (method == "GET")

    asyncio.run(visit())


def test_scripts_of_a_page_carry_its_nonce_and_come_from_here(server):
    async def visit():
        answer = await fetch(server, "/atlas")
        page, policy = answer.body.decode(), answer.headers["Content-Security-Policy"]
        nonce = re.search(r"'nonce-([\w-]+)'", policy)[1]
        scripts = re.findall(r"<script[^>]*>", page)
        assert len(scripts) > 5 and all(f'nonce="{nonce}"' in script for script in scripts)
        assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
        for source in re.findall(r'<script[^>]*src="([^"]*)"', page):
            assert not source.startswith(("http", "/"))
            assert (await fetch(server, f"/{source}", method="HEAD")).code == 200
        again = await fetch(server, "/atlas")
        assert nonce not in again.headers["Content-Security-Policy"]

    asyncio.run(visit())


@pytest.mark.parametrize(
    "query", ["unit=%C2%B2", "unit=" + "9" * 4301, "theme=%FF", "bokeh-session-id=mine"]
)
def test_what_cannot_be_read_is_told_so(server, query):
    answer = asyncio.run(fetch(server, f"/atlas?{query}"))
    assert answer.code == 400 and b"cannot be read" in answer.body


def refused(work):
    """The code that a websocket was refused with."""
    with pytest.raises(HTTPClientError) as error:
        asyncio.run(work)
    return error.value.code


async def opened(server, token, **headers):
    async with socket(server, token, **headers) as connection:
        return (await hear(connection)).msgtype


def test_a_token_opens_one_websocket_once(server):
    async def visit():
        token = await token_of(server)
        async with socket(server, token) as connection:
            assert (await hear(connection)).msgtype == "ACK"
            with pytest.raises(HTTPClientError, match="403"):
                await opened(server, token)
        with pytest.raises(HTTPClientError, match="403"):
            await opened(server, token)

    asyncio.run(visit())


def test_tokens_that_nobody_gave(server):
    token = asyncio.run(token_of(server))
    payload, _, signature = token.partition(".")
    for forged in (payload, f"{payload}.{signature[::-1]}", f"{payload[:-4]}AAAA.{signature}",
                   "e30", "e30.e30", "x", "!", f"{payload}."):  # fmt: skip
        assert refused(opened(server, forged)) == 403
    # None of these used up the right one.
    assert asyncio.run(opened(server, token)) == "ACK"


def test_origins_and_hosts_of_websockets(server):
    token = asyncio.run(token_of(server))
    assert refused(opened(server, token, Origin="http://evil.example")) == 403
    token = asyncio.run(token_of(server))
    both = {"Origin": "http://evil.example", "Host": "evil.example"}
    assert refused(opened(server, token, **both)) == 421


def test_a_message_that_cannot_be_handled_is_told_without_a_path(server):
    async def visit():
        create = Protocol().create
        async with socket(server, await token_of(server)) as connection:
            await hear(connection)
            patch = create("PULL-DOC-REQ")
            patch.header["msgtype"] = "PATCH-DOC"
            patch.content = {"events": [
                {"kind": "ModelChanged", "model": {"id": "p0"}, "attr": "x", "new": 1}
            ]}  # fmt: skip
            await say(connection, patch)
            answer = await hear(connection)
            assert answer.msgtype == "ERROR" and answer.content["traceback"] is None
            assert "/" not in answer.content["text"]
            # The page lives on.
            await say(connection, create("PULL-DOC-REQ"))
            assert (await hear(connection)).msgtype == "PULL-DOC-REPLY"
        async with socket(server, await token_of(server)) as connection:
            await hear(connection)
            push = create("PULL-DOC-REQ")
            push.header["msgtype"] = "PUSH-DOC"
            await say(connection, push)
            assert await hear(connection) is None

    asyncio.run(visit())


def test_a_websocket_that_comes_late_gets_the_page_that_was_fetched(server):
    """Bokeh made another document then, without the page's place: its styles were the CDN's."""

    async def visit():
        token = await token_of(server, "/atlas?model=minivgg&layer=conv2_2")
        await asyncio.sleep(9)
        async with socket(server, token) as connection:
            await hear(connection)
            await say(connection, Protocol().create("PULL-DOC-REQ"))
            told = (await hear(connection)).content_json
        assert "conv2_2" in told and "static/extensions/panel/css" in told
        assert "https://" not in re.sub(r"https://www\.w3\.org", "", told)

    asyncio.run(visit())


def test_fetching_pages_starts_no_work(server):
    async def visit():
        for _ in range(20):
            for path in ("/stitching", "/trajectories"):
                assert (await fetch(server, path)).code == 200
            assert json.loads((await fetch(server, "/health")).body)["waiting"] == 0

    asyncio.run(visit())


def test_a_login_keeps_where_one_was_going(monkeypatch):
    monkeypatch.setenv("INVIS_BASIC_AUTH", "a-password")
    monkeypatch.setenv("INVIS_COOKIE_SECRET", "0123456789abcdef" * 2)
    deep = "/atlas?model=minivgg&layer=conv2_2"
    address, process = start("--no-live")

    async def visit():
        answer = await fetch(address, deep)
        assert answer.code == 302
        form = answer.headers["Location"]
        assert form == f"/login?{urlencode({'next': deep})}"
        page = await fetch(address, form)
        assert "http" not in page.body.decode() and page.headers["X-Frame-Options"] == "DENY"
        wrong = await fetch(
            address, "/login", method="POST",
            body=urlencode({"password": "guessed", "next": deep}),
        )  # fmt: skip
        assert wrong.code == 403 and "conv2_2" in wrong.body.decode()
        assert "Set-Cookie" not in wrong.headers
        right = {"password": "a-password", "next": deep}
        done = await fetch(address, "/login", method="POST", body=urlencode(right))
        assert done.code == 302 and done.headers["Location"] == deep
        cookie = done.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
        inside = {"Cookie": cookie.partition(";")[0]}
        assert (await fetch(address, deep, headers=inside)).code == 200
        for away in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"):
            sent = await fetch(
                address, "/login", method="POST", body=urlencode(right | {"next": away})
            )
            assert sent.headers["Location"] == "/"
        foreign = await fetch(
            address, "/login", method="POST", body=urlencode(right),
            headers={"Origin": "http://evil.example"},
        )  # fmt: skip
        assert foreign.code == 403

    try:
        asyncio.run(visit())
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=60)
    assert "a-password" not in said
