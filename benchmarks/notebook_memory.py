"""The memory that each notebook takes, and whether it runs to its end where there are 4 GB.

Each notebook is executed twice. In the first run, the proportional set sizes (memory that processes
share counts once) of its kernel and the kernel's children are added up ten times a second. The
second runs in a control group that may use 4 GB, page cache included, and no swap: whatever takes
more is killed. That needs the right to make one (root, in most containers); where there is none,
the notebook counts as not tried.

    python benchmarks/notebook_memory.py     # writes the table of notebooks/README.md, too
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from harness import RESULTS, machine, write
from tables import table

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
GROUPS = Path("/sys/fs/cgroup")
LIMIT = 4 * 1024**3
SECONDS_BETWEEN_LOOKS = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="all that ship if left out")
    asked = parser.parse_args()
    rows = []
    print(f"{'notebook':22} {'peak':>9}   with {LIMIT / 1024**3:.0f} GB")
    for path in asked.notebooks or sorted(NOTEBOOKS.glob("*.ipynb")):
        peak, code = executed(path)
        if code:
            sys.exit(f"{path} fails")
        row = {
            "notebook": path.stem,
            "peak_mb": peak / 1024**2,
            "limited": limited(path),
        }
        said = {True: "completes", False: "fails", None: "not tried"}[row["limited"]]
        print(f"{path.stem:22} {row['peak_mb']:6.0f} MB   {said}", flush=True)
        rows.append(row)
    if not asked.notebooks:
        found = machine() | {"limit_mb": LIMIT / 1024**2, "notebooks": rows}
        write(RESULTS / "notebook_memory.json", found)
        tell(rows)


def tell(rows: list[dict[str, Any]]) -> None:
    """Put the table into the teacher's guide."""
    guide = NOTEBOOKS / "README.md"
    begin, _, rest = guide.read_text(encoding="utf-8").partition(" writes this table -->\n")
    _, _, after = rest.partition("<!-- end -->")
    words = {True: "yes", False: "no", None: "not tried"}
    lines = [
        [f"`{row['notebook']}`", f"{row['peak_mb']:.0f} MB", words[row["limited"]]] for row in rows
    ]
    made = table(("notebook", "memory", "in 4 GB"), lines)
    text = f"{begin} writes this table -->\n\n{made}\n\n<!-- end -->{after}"
    guide.write_text(text, encoding="utf-8")


def executed(path: Path, before: Callable[[], None] | None = None) -> tuple[int, int]:
    """Peak in bytes and exit code of a run; `before` is called in its process first."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(path, folder)
        command = [sys.executable, "-m", "jupyter", "execute", copy]
        running = subprocess.Popen(
            command, preexec_fn=before, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        peak = 0
        while running.poll() is None:
            peak = max(peak, size_below(running.pid))
            time.sleep(SECONDS_BETWEEN_LOOKS)
    return peak, running.returncode


def size_below(pid: int) -> int:
    """Of all that a process has started, in bytes; the process itself only reads and writes."""
    total = 0
    try:
        for process in psutil.Process(pid).children(recursive=True):
            total += process.memory_full_info().pss
    except psutil.Error:  # ended while we looked
        pass
    return total


def limited(path: Path) -> bool | None:
    """Whether a run that may use LIMIT bytes ends well; None where none can be limited."""
    try:
        with group() as members:
            return executed(path, lambda: members.write_text(str(os.getpid())))[1] == 0
    except OSError:
        return None


@contextmanager
def group() -> Iterator[Path]:
    """A control group of either version with the limit, as the file that takes its members."""
    old = (GROUPS / "memory" / "cgroup.procs").exists()
    place = (GROUPS / "memory" if old else GROUPS) / f"invis-{os.getpid()}"
    place.mkdir()
    try:
        (place / ("memory.limit_in_bytes" if old else "memory.max")).write_text(str(LIMIT))
        swap = place / ("memory.memsw.limit_in_bytes" if old else "memory.swap.max")
        if swap.exists():
            swap.write_text(str(LIMIT) if old else "0")
        yield place / "cgroup.procs"
    finally:
        place.rmdir()


if __name__ == "__main__":
    main()
