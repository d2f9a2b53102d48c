"""The dashboard under a fuzzer: paths, queries, headers and messages of websockets.

    python benchmarks/dashboard_fuzz.py [--seconds 600] [--requests 20000] [--longest 1200]
        [--seed 0] [--out FILE]

Starts a server of its own on this machine and asks nobody else. Ends when both bounds are reached,
or after the longest. Prints JSON: how many requests had which answer, what went wrong (an
answer of 500 or more, a traceback, a word of a file that is none of ours), which modules the server
imported and which files it opened meanwhile, and its memory. Exits with 1 where anything is wrong.
"""

# ruff: noqa: E501
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
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

PAGES = ("/", "/atlas", "/live", "/trajectories", "/stitching")
PARAMETERS = ("model", "layer", "group", "unit", "page", "sort", "named", "phrase", "beside",
              "channel", "images", "alpha", "seed", "run", "panel", "theme", "strength", "next",
              "bokeh-token", "bokeh-session-id", "bokeh-autoload-element", "x")  # fmt: skip
NASTY = (
    "..", "../../etc/passwd", "%2e%2e%2f", "..%252f", "%00", "\u00b2", "9" * 5000, "-1", "1e999", "nan",
    "'", '"><script>alert(1)</script>', "{{7*7}}", "${7}", "__class__", "unittest.__main__", "this",
    "antigravity", "os", "[1,2", "{'a':", "[" * 900, "\u202e", "\r\nSet-Cookie: a=b", "a" * 3000, "%", "%zz",
    "minivgg", "conv2_2", "31", "", " ", "true", "file:///etc/passwd", "memory://x", "\ud7ff", "0x1f",
)  # fmt: skip
PATHS = (
    "/components/{}/{}/{}/{}", "/static/{}", "/static/extensions/panel/{}", "/static/js/{}",
    "/static/extensions/{}/{}", "/atlas/{}", "/{}", "/{}/{}", "/atlas/autoload.js?x={}", "/login?next={}",
    "/atlas/ws?{}", "/ws", "/metadata", "/health?{}", "/favicon.ico{}", "//{}", "/rest/{}", "/admin",
)  # fmt: skip
HEADERS = ("Origin", "Cookie", "Referer", "Accept", "Accept-Encoding", "X-Forwarded-For",
           "X-Forwarded-Proto", "X-Forwarded-Host", "Bokeh-Session-Id", "Authorization", "Range",
           "If-None-Match", "If-Modified-Since", "Content-Length", "Transfer-Encoding", "Expect",
           "Sec-WebSocket-Protocol", "Upgrade", "Connection", "User-Agent")  # fmt: skip
METHODS = ("GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "FOO")
LEAKS = (b"Traceback", b"root:x:", b"site-packages", b'File "')
KINDS = (*["path"] * 7, *["query"] * 2, *["header"] * 5, *["raw"] * 4, "page", "socket")
AT_ONCE = 4
# Bytes of an answer that are looked at.
LONGEST = 1 << 22
# Seconds that an answer may take: some requests are unfinished, and wait for more.
PATIENCE = 15.0


def serve(port: int, told: Path) -> None:
    """The server, which on SIGUSR1 tells of its modules, its memory and the files it opened."""
    opened: set[str] = set()

    def hear(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], str) and len(opened) < 10_000:
            opened.add(args[0])

    def tell(*_: Any) -> None:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        now = {
            "modules": sorted(sys.modules),
            "megabytes": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
            "opened": sorted(opened),
        }
        part = told.with_suffix(".part")
        part.write_text(json.dumps(now), encoding="utf-8")
        part.replace(told)

    sys.addaudithook(hear)
    # What tells must be there before the first time it tells.
    tell()
    signal.signal(signal.SIGUSR1, tell)
    from invis.cli import main

    main(["serve", "--port", str(port)])


class Fuzzer:
    """Requests of every kind, and what came of them."""

    def __init__(self, port: int, seed: int) -> None:
        self.port, self.chance, self.patience = port, random.Random(seed), PATIENCE
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []

    def word(self) -> str:
        """Something that nobody expects."""
        if self.chance.random() < 0.2:
            return self.chance.randbytes(self.chance.randrange(1, 40)).decode("latin-1")
        return self.chance.choice(NASTY)

    async def once(self) -> None:
        """One request of a kind that chance chooses."""
        kind = self.chance.choice(KINDS)
        try:
            status, body = await asyncio.wait_for(getattr(self, f"_{kind}")(), 120)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            status, body = type(error).__name__, b""
        except TimeoutError:
            status, body = "timeout", b""
            self.wrong.append(f"{kind}: no answer in two minutes")
        self.answers[f"{kind} {status}"] += 1
        if status.startswith("5") or any(leak in body for leak in LEAKS):
            self.wrong.append(f"{kind}: {status} {body[:200]!r}")

    async def _path(self) -> tuple[str, bytes]:
        pattern = self.chance.choice(PATHS)
        path = pattern.format(*(self.word() for _ in range(pattern.count("{}"))))
        return await self._ask("GET", path)

    async def _query(self) -> tuple[str, bytes]:
        fields = "&".join(
            f"{self.chance.choice(PARAMETERS)}={self.word()}"
            for _ in range(self.chance.randrange(1, 6))
        )
        return await self._ask("GET", f"{self.chance.choice(PAGES)}?{fields}")

    async def _header(self) -> tuple[str, bytes]:
        odd = {self.chance.choice(HEADERS): self.word() for _ in range(self.chance.randrange(1, 5))}
        if self.chance.random() < 0.7:
            odd["Host"] = self.chance.choice(["evil.example", "", "localhost:1", self.word()])
        path = self.chance.choice([*PAGES, "/health", "/static/js/bokeh.min.js", "/nosuch"])
        return await self._ask(self.chance.choice(METHODS), path, odd)

    async def _page(self) -> tuple[str, bytes]:
        return await self._ask(self.chance.choice(["GET", "HEAD"]), self.chance.choice(PAGES))

    async def _raw(self) -> tuple[str, bytes]:
        garbage = self.chance.choice([
            self.chance.randbytes(self.chance.randrange(1, 400)),
            b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n", b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 3000 + b"\r\n",
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        ])  # fmt: skip
        return await self._send(garbage + b"\r\n\r\n")

    async def _socket(self) -> tuple[str, bytes]:
        """A page and its websocket, then what no browser says."""
        from tornado.httpclient import HTTPClientError, HTTPRequest
        from tornado.websocket import websocket_connect

        path = self.chance.choice(PAGES[:2])
        status, page = await self._ask("GET", path)
        found = re.search(rb'"token":"([\w.-]+)"', page)
        if found is None:
            return status, page
        token = found[1].decode()
        if self.chance.random() < 0.3:
            token = self.chance.choice([token[:-3], token.partition(".")[0], "e30.e30", "x"])
        address = f"ws://127.0.0.1:{self.port}{path.rstrip('/')}/ws"
        ids = re.findall(rb'"(p\d+)"', page)
        try:
            connection = await websocket_connect(
                HTTPRequest(address, request_timeout=60), subprotocols=["bokeh", token]
            )
        except HTTPClientError as error:
            return str(error.code), b""
        heard = b""
        try:
            for _ in range(self.chance.randrange(1, 8)):
                for fragment in self._message(ids):
                    await connection.write_message(fragment, binary=isinstance(fragment, bytes))
            for _ in range(6):
                answer = await asyncio.wait_for(connection.read_message(), 2)
                if answer is None:
                    break
                heard += answer.encode() if isinstance(answer, str) else answer
        except Exception:
            pass
        finally:
            connection.close()
        # What a page holds may be any text; what an error says may not.
        leaks = [leak for leak in LEAKS[:2] if leak in heard]
        return "heard", b"".join(leaks)

    def _message(self, ids: list[bytes]) -> list[str | bytes]:
        chance = self.chance
        if chance.random() < 0.3:
            return [self.word() or "x", chance.randbytes(20)]
        kinds = [
            "PATCH-DOC",
            "PATCH-DOC",
            "PUSH-DOC",
            "PULL-DOC-REQ",
            "SERVER-INFO-REQ",
            "OK",
            self.word(),
        ]
        header = {"msgid": str(chance.random()), "msgtype": chance.choice(kinds)}
        model = chance.choice(ids).decode() if ids and chance.random() < 0.5 else "p0"
        event = chance.choice([
            {"kind": "ModelChanged", "model": {"id": model}, "attr": chance.choice(
                ["value", "text", "search", "data", "children", "esm", "__class__", "name"]),
             "new": chance.choice([None, -1, 1e300, self.word(), [], {}, {"id": "p1"}])},
            {"kind": "RootAdded", "model": {"type": "object", "name": self.word(), "id": "p9"}},
            {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": {
                "type": "event", "name": self.word(), "values": {"type": "map", "entries": []}}},
            {"kind": self.word()}, self.word(),
        ])  # fmt: skip
        content: Any = {"events": [event]} if chance.random() < 0.9 else self.word()
        return [json.dumps(part) for part in (header, {}, content)]

    async def _ask(
        self, method: str, path: str, headers: dict[str, str] | None = None
    ) -> tuple[str, bytes]:
        told = {"Host": f"127.0.0.1:{self.port}", "Connection": "close"} | (headers or {})
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in told.items())]
        return await self._send("\r\n".join([*lines, "", ""]).encode("utf-8", "replace"))

    async def _send(self, request: bytes) -> tuple[str, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            await writer.drain()
            bodiless = request.startswith(b"HEAD ")
            answer = await asyncio.wait_for(_answer(reader, bodiless), self.patience)
        except TimeoutError:
            return "waits", b""
        finally:
            writer.close()
        status = answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/") else "closed"
        return status, answer


async def _answer(reader: asyncio.StreamReader, bodiless: bool) -> bytes:
    """All that comes; of an answer whose length is told, no more, as its connection may stay."""
    answer = b""
    while len(answer) < LONGEST:
        head, end, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        whole = bodiless or head[9:12] == b"304" or (length and len(body) >= int(length[1]))
        more = b"" if end and whole else await reader.read(1 << 20)
        if not more:
            break
        answer += more
    return answer


async def fuzz(
    fuzzer: Fuzzer, seconds: float, requests: int, longest: float, look: Any
) -> list[float]:
    """Until both bounds are reached, or for `longest` seconds; `look` tells the server's megabytes now and then."""
    began, memory = time.monotonic(), list[float]()
    looked = began

    def going() -> bool:
        past = time.monotonic() - began
        few = fuzzer.answers.total() < requests
        return past < seconds or (few and past < longest)

    async def one() -> None:
        while going():
            await fuzzer.once()

    async def watch() -> None:
        nonlocal looked
        while going():
            await asyncio.sleep(1)
            if time.monotonic() - looked > max(1.0, seconds / 60):
                looked = time.monotonic()
                memory.append(look())

    await asyncio.gather(watch(), *(one() for _ in range(AT_ONCE)))
    return memory


async def visit(fuzzer: Fuzzer) -> None:
    """Every page once, as visitors do: afterwards all is imported that they need."""
    fuzzer.patience = 600.0
    for path in PAGES:
        status, _ = await fuzzer._ask("GET", path)
        assert status == "200", (path, status)
    fuzzer.patience = PATIENCE


def outside(opened: list[str]) -> list[str]:
    """Files that are no part of the packages, the store, the kernel or this process's own."""
    import invis

    prefixes = [sys.prefix, sys.base_prefix, os.__file__.rpartition("/")[0], "/proc/", "/dev/",
                "/sys/", "/etc/localtime", str(Path(invis.__file__).resolve().parents[1]),
                tempfile.gettempdir()]  # fmt: skip
    roots = tuple({*prefixes, *(os.path.realpath(one) for one in prefixes)})
    return [path for path in opened if os.path.isabs(path) and not path.startswith(roots)]  # noqa: PTH117


def measure(seconds: float, requests: int, seed: int, longest: float) -> dict[str, Any]:
    """A server of its own, fuzzed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        told, log = Path(folder) / "told.json", Path(folder) / "log"
        command = [sys.executable, __file__, "--serve", str(port), "--told", str(told)]
        with log.open("w", encoding="utf-8") as file:
            server = subprocess.Popen(
                command, stdout=file, stderr=subprocess.STDOUT,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )  # fmt: skip

        def state() -> dict[str, Any]:
            before = told.stat().st_mtime_ns
            server.send_signal(signal.SIGUSR1)
            end = time.monotonic() + 60
            while told.stat().st_mtime_ns == before and time.monotonic() < end:
                time.sleep(0.02)
            return json.loads(told.read_text(encoding="utf-8"))

        try:
            _wait(port, server)
            fuzzer = Fuzzer(port, seed)
            asyncio.run(visit(fuzzer))
            first = state()
            began = time.monotonic()
            memory = asyncio.run(
                fuzz(fuzzer, seconds, requests, longest, lambda: _megabytes(server.pid))
            )
            took = time.monotonic() - began
            alive = asyncio.run(fuzzer._ask("GET", "/health"))[0] == "200"
            last = state()
        finally:
            server.send_signal(signal.SIGTERM)
            code = server.wait(60)
        lines = log.read_text(encoding="utf-8").splitlines()
    odd = [line for line in lines if not line.startswith(("{", "http://"))]
    quarter = max(1, len(memory) // 4)
    return {
        "requests": fuzzer.answers.total(),
        "seconds": round(took),
        "answers": dict(sorted(fuzzer.answers.items())),
        "alive": alive,
        "exit_code": code,
        "wrong": fuzzer.wrong[:20],
        "lines_that_are_no_event": odd[:20],
        "modules_imported": sorted(set(last["modules"]) - set(first["modules"])),
        "files_outside": outside(sorted(set(last["opened"]) - set(first["opened"]))),
        "megabytes": [round(one) for one in memory],
        "growth": round(sum(memory[-quarter:]) / sum(memory[quarter : 2 * quarter]), 3)
        if len(memory) > 3
        else None,
    }  # fmt: skip


def faults(found: dict[str, Any]) -> list[str]:
    """What must not be."""
    empty = ("wrong", "lines_that_are_no_event", "modules_imported", "files_outside")
    told = [f"{name}: {found[name]}" for name in empty if found[name]]
    if not found["alive"] or found["exit_code"]:
        told.append("the server did not live on")
    if (found["growth"] or 0) > 1.1:
        told.append(f"memory grew by {found['growth']}")
    return told


def _megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 600
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not start")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--longest", type=float, default=1200.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--told", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve is not None:
        serve(asked.serve, asked.told)
        return
    found = measure(asked.seconds, asked.requests, asked.seed, asked.longest)
    text = json.dumps(found, indent=2)
    print(text)
    if asked.out is not None:
        asked.out.write_text(text + "\n", encoding="utf-8")
    sys.exit(1 if faults(found) else 0)


if __name__ == "__main__":
    main()
