"""Files that appear whole or not at all, whatever kills the writer or fills the disk."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Beside the file that is to be, so that both are on one disk; hidden, so that no pattern finds it.
PART = ".part"


@contextmanager
def replacing(path: str | os.PathLike[str], durable: bool = False) -> Iterator[Path]:
    """A path to write to in place of `path`, which takes its place where the block ends well.

    What was at `path` stays until then, and for good where the block raises. The block may make a
    file, or a folder where there is none at `path`. A link is followed.

    Args:
        path: what is to be.
        durable: also survive a loss of power, which costs a wait for the disk.

    Raises:
        OSError: if it cannot be written.
    """
    whole = Path(os.path.realpath(path))
    part = whole.with_name(f".{secrets.token_hex(8)}{PART}")
    try:
        yield part
        if durable:
            with part.open("rb") as file:
                os.fsync(file.fileno())
        # Path.replace does the same; the name is that of the system's call.
        os.replace(part, whole)  # noqa: PTH105
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file at once; text is UTF-8.

    Raises:
        OSError: if it cannot be written.
    """
    with replacing(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
