"""How long `invis serve` takes from its start to the first page, of several trees side by side.

    git worktree add ../before COMMIT
    python benchmarks/serve_start.py ../before . [--runs 5] [--path /] [--out FILE]

Starts a server of each tree in turn, after a run of each that is not counted and fills the caches
of bytecode. Asks for the page from the start on, ten times a second. Prints JSON: seconds on the
clock until the server listens and until the page is there, and the processor's seconds until then,
which tell less of what else the machine does; medians and all runs.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

TICK = 0.1


def start(tree: Path, path: str, caches: str) -> dict[str, float]:
    """One server of a tree, until its page is there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "PYTHONPATH": str(tree.resolve()),
        "PYTHONPYCACHEPREFIX": caches,
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.monotonic()
    server = subprocess.Popen(
        [sys.executable, "-m", "invis", "serve", "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd=tree,
    )  # fmt: skip
    try:
        while not _listens(port):
            _still(server)
        listens = time.monotonic() - began
        while not _page(port, path):
            _still(server)
        return {
            "listens": listens,
            "first_page": time.monotonic() - began,
            "processor": _processor(server.pid),
        }
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(120)


def _still(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        raise SystemExit(f"the server ended with {server.returncode}")
    time.sleep(TICK)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _page(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=300) as answer:
            return answer.status == 200 and b"docs_json" in answer.read()
    except (OSError, urllib.error.HTTPError):
        return False


def _processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--path", default="/")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    runs: dict[str, list[dict[str, float]]] = {_name(tree): [] for tree in asked.trees}
    with tempfile.TemporaryDirectory() as caches:
        for turn in range(asked.runs + 1):
            for tree in asked.trees:
                took = start(tree, asked.path, f"{caches}/{_name(tree)}")
                print(turn, _name(tree), took, file=sys.stderr, flush=True)
                if turn:
                    runs[_name(tree)].append({key: round(one, 1) for key, one in took.items()})
    found: dict[str, Any] = {
        name: {key: statistics.median(one[key] for one in told) for key in told[0]} | {"runs": told}
        for name, told in runs.items()
    }
    text = json.dumps({"path": asked.path, "trees": found}, indent=2)
    print(text)
    if asked.out is not None:
        asked.out.write_text(text + "\n", encoding="utf-8")


def _name(tree: Path) -> str:
    """The commit of a tree."""
    command = ["git", "-C", str(tree), "rev-parse", "--short=7", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
