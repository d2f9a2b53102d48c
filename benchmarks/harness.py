"""What benchmarks share: about the machine, and files of figures.

To be imported before torch: Invis says how torch's threads wait for each other, as for its users.
"""

from __future__ import annotations

import json
import math
import os
import platform
from operator import itemgetter
from pathlib import Path
from typing import Any

import invis  # noqa: F401 (for what it does)

RESULTS = Path(__file__).parent / "results"


def machine(threads: int | None = None) -> dict[str, Any]:
    """What a figure depends on."""
    import torch

    names = [
        line.partition(":")[2].strip()
        for line in _lines("/proc/cpuinfo")
        if line.startswith("model name")
    ]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": threads or torch.get_num_threads(),
        "card": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def write(path: Path, found: dict[str, Any]) -> None:
    """A file of figures with four digits each, which is more than they are worth."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded(found), indent=1) + "\n", encoding="utf-8")


def merged(path: Path, rows: list[dict[str, Any]], keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows of a file, with those replaced that are measured anew."""
    old = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    key = itemgetter(*keys)
    groups: dict[Any, list[dict[str, Any]]] = {key(row): [] for row in [*old, *rows]}
    new = {key(row) for row in rows}
    for row in [one for one in old if key(one) not in new] + rows:
        groups[key(row)].append(row)
    return [row for group in groups.values() for row in group]


def keep(path: Path, row: dict[str, Any], keys: tuple[str, ...]) -> None:
    """Put a row into a file of rows, in place of the one with the same keys."""
    write(path, machine() | {"rows": merged(path, [row], keys)})


class Kept:
    """What is known of each unit by its address; on disk where a file is given."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.of: dict[str, dict[str, Any]] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self.of |= {row["address"]: row for row in json.loads(line)}

    def add(self, rows: list[dict[str, Any]]) -> None:
        self.of |= {row["address"]: row for row in rows}
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows) + "\n")


def rounded(value: Any) -> Any:
    """Numbers in lists and dictionaries, to four digits; NaN as null."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
