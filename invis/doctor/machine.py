"""Ports, memory, and places to write."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from invis.doctor.finding import Finding
from invis.doctor.ports import why_taken

GB = 2**30
ENOUGH_MEMORY, FREE_MEMORY = 4 * GB, GB
ENOUGH_DISK, LEAST_DISK = GB, GB // 10


def port(number: int, what: str, command: str) -> Finding:
    """Whether a port of this machine is free.

    Args:
        number: of the port.
        what: what would listen there.
        command: what starts it, and takes another port by --port.
    """
    if why_taken(number) is not None:
        advice = f"Stop what listens there, or run `{command} --port {number + 1}`."
        return Finding("warning", f"in use; {what} would listen there", advice)
    return Finding("ok", f"free for {what}")


def memory() -> Finding:
    """Total and free memory."""
    import psutil  # type: ignore[import-untyped]

    now = psutil.virtual_memory()
    found = f"{now.total / GB:.1f} GB, of which {now.available / GB:.1f} GB are free"
    # What is sold as 4 GB shows a little less.
    if now.total < 0.9 * ENOUGH_MEMORY:
        advice = "Run one search at a time, with fewer images; 4 GB are enough for everything."
        return Finding("warning", found, advice)
    if now.available < FREE_MEMORY:
        return Finding("warning", found, "Close other programs before a long search.")
    return Finding("ok", found)


def disk(folder: Path | None = None) -> Finding:
    """Whether results can be written to the working directory.

    Args:
        folder: another directory.
    """
    where = folder or Path.cwd()
    free = shutil.disk_usage(where).free
    found = f"{free / GB:.1f} GB are free in {where}"
    if not _writable(where):
        advice = "Run Invis in a folder of yours, or give a place to write with --out."
        return Finding("problem", f"{where} cannot be written", advice)
    if free < LEAST_DISK:
        return Finding("problem", found, "Make room on this disk; 1 GB is enough for a workshop.")
    if free < ENOUGH_DISK:
        return Finding("warning", found, "Make room on this disk before a sweep of many units.")
    return Finding("ok", found)


def cache(folder: Path | None = None) -> Finding:
    """Whether what was computed once can be kept.

    Args:
        folder: another place than that of this user.
    """
    if folder is None:
        from invis.stitching.cache import cache_folder

        folder = cache_folder()
    # It is made when it is first needed: what counts is whether it could be.
    there = next(part for part in (folder, *folder.parents) if part.exists())
    if there.is_dir() and _writable(there):
        return Finding("ok", str(folder))
    advice = "Set INVIS_CACHE to a folder of yours, or encoders are trained anew each time."
    return Finding("warning", f"{folder} cannot be written", advice)


def _writable(folder: Path) -> bool:
    """By trying: permissions alone don't tell of read-only disks and of Windows."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
