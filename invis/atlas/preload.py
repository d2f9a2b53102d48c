"""What a local worker does first: leave Ctrl-C to the process that started it."""

from __future__ import annotations

import signal
from typing import Any


def dask_setup(_worker: Any) -> None:
    """Called by dask in a worker's main thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
