"""When an explorer's cell runs again, the explorers of its last run are closed."""

from __future__ import annotations

import weakref
from typing import Protocol

_alive: dict[str, tuple[str, weakref.WeakSet]] = {}


class Closable(Protocol):
    def close(self) -> None: ...


def replace_earlier(explorer: Closable) -> None:
    """Close what an earlier run of the same cell made: its figure is gone, its job must not go on.

    Explorers of one run, or of different cells, live side by side. Without effect outside a
    notebook, and in one that does not tell which cell runs.
    """
    cell, run = _where()
    if not cell:
        return
    last, explorers = _alive.get(cell, ("", weakref.WeakSet()))
    if last != run:
        for old in list(explorers):
            old.close()
        explorers = weakref.WeakSet()
    explorers.add(explorer)
    _alive[cell] = (run, explorers)


def _where() -> tuple[str, str]:
    """The running cell's id and that of this run; empty outside a notebook."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return "", ""
    shell = get_ipython()
    parent = shell.get_parent() if shell is not None and hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId", "") if parent else ""
    return str(cell), str(parent.get("header", {}).get("msg_id", "")) if parent else ""
