"""`invis serve`: what it refuses before anything is loaded, and how it ends."""

import json
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import ENVIRONMENT, command, is_one_sentence

ROOT = Path(__file__).parents[2]


@pytest.fixture
def taken():
    """A port that something listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture
def free(taken):
    """A port next to it that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_port_in_use_is_one_sentence(invis, taken):
    done = invis("serve", "--port", taken)
    assert is_one_sentence(done)
    assert str(taken) in done.stderr and f"--port {taken + 1}" in done.stderr


@pytest.mark.parametrize("port", [0, -1, 65536, 10**9])
def test_a_port_that_is_none(invis, port):
    done = invis("serve", "--port", port)
    assert is_one_sentence(done) and "1 to 65535" in done.stderr


def test_an_address_of_another_machine(invis, free):
    done = invis("serve", "--port", free, "--address", "192.0.2.1")
    assert is_one_sentence(done) and "192.0.2.1" in done.stderr


@pytest.mark.parametrize("kind", ["missing", "empty", "file", "foreign"])
def test_a_store_that_is_none_is_one_sentence(invis, free, tmp_path, kind):
    store = tmp_path / kind
    if kind == "file":
        store.write_text("no atlas")
    elif kind != "missing":
        store.mkdir()
    if kind == "foreign":
        (store / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    done = invis("serve", "--port", free, "--store", store)
    assert is_one_sentence(done) and str(store) in done.stderr


def test_a_login_needs_a_secret_and_a_prefix_a_slash(invis, free):
    done = invis("serve", "--port", free, "--basic-auth", "secret")
    assert is_one_sentence(done) and "--cookie-secret" in done.stderr
    done = invis("serve", "--port", free, "--prefix", "invis")
    assert is_one_sentence(done) and "'invis'" in done.stderr


def start(port, *more, **environment):
    """A server and the answer of its /health under a prefix."""
    running = subprocess.Popen(
        command("serve", "--port", port, *more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=ENVIRONMENT | environment,
    )  # fmt: skip
    prefix = more[more.index("--prefix") + 1] if "--prefix" in more else ""
    address = f"http://127.0.0.1:{port}{prefix}"
    end = time.monotonic() + 180
    while time.monotonic() < end and running.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:
                return running, address, json.load(answer)
        except urllib.error.HTTPError as error:
            running.kill()
            pytest.fail(f"/health answers {error.code}\n{running.communicate()[0]}")
        except OSError:
            time.sleep(0.2)
    running.kill()
    pytest.fail(running.communicate()[0])


def listeners(port):
    """Local addresses, as the kernel has them, of what listens on a port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return {
        f[1].partition(":")[0] for f in fields if f[3] == "0A" and f[1].endswith(f":{port:04X}")
    }


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_this_machine_alone_and_ends_well(free, ending):
    running, address, told = start(free, "--prefix", "/invis")
    assert told["status"] == "ok" and told["models"] == 2
    if Path("/proc/net/tcp").exists():
        assert listeners(free) == {"0100007F"}
    with urllib.request.urlopen(f"{address}/atlas?model=minivgg", timeout=30) as answer:
        page = answer.read().decode()
    # All that the page loads is ours.
    loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]*)"', page)
    assert loaded and not [url for url in loaded if url.startswith(("http", "//"))]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{free}/atlas", timeout=10)
    asked = time.monotonic()
    running.send_signal(ending)
    said, _ = running.communicate(timeout=20)
    assert running.returncode == 0 and time.monotonic() - asked < 10
    assert f"\n{address}/  (Ctrl-C ends it)\n" in said and "Traceback" not in said
    events = [json.loads(line)["event"] for line in said.splitlines() if line.startswith("{")]
    assert events[0] == "start" and events[-1] == "stop" and "visit" in events


@pytest.mark.slow
def test_a_login_that_the_command_line_does_not_show(free):
    secrets = {"INVIS_BASIC_AUTH": "a-password", "INVIS_COOKIE_SECRET": "0123456789abcdef" * 2}
    running, address, _ = start(free, "--no-live", **secrets)
    try:
        with urllib.request.urlopen(f"{address}/atlas", timeout=30) as answer:
            assert "/login" in answer.url and "minivgg" not in answer.read().decode()
    finally:
        running.terminate()
        said, _ = running.communicate(timeout=20)
    assert running.returncode == 0 and "a-password" not in said


class TestDeploy:
    """The examples name options and files that there are."""

    def test_options(self, invis):
        known = set(re.findall(r"--[a-z-]+", invis("serve", "--help").stdout))
        for file in ["invis.service", "Dockerfile", "nginx.conf", "jupyter_server_config.py"]:
            text = (ROOT / "deploy" / file).read_text(encoding="utf-8")
            calls = re.findall(r'invis[", ]+serve\b(.*?)(?:\n\n|\n\s*#\s*\n|\]\n|$)', text, re.S)
            assert calls, file
            for options in (re.findall(r"(?<![\w-])--[a-z-]+", call) for call in calls):
                assert set(options) <= known, file

    def test_what_the_container_copies_is_there(self):
        text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
        copied = [
            name for line in re.findall(r"^COPY (.*) \S+$", text, re.M) for name in line.split()
        ]
        assert "pyproject.toml" in copied and all((ROOT / name).exists() for name in copied)
