"""Folders that are made before long work and leave nothing behind where it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from invis.cli.saving import refuse_folder, writable_folder


@contextmanager
def prepared(folders: Sequence[Path], names: Sequence[str]) -> Iterator[None]:
    """Make folders and see that files of these names can be written there.

    Folders that are still empty at the end, and were not there before, are removed again.

    Raises:
        InvisError: if a folder cannot be written, or a folder is in the way of a file.
    """
    every = [part for folder in folders for part in (folder, *folder.parents)]
    # os.path: Path raises where a name is too long, which `writable_folder` says.
    new = [part for part in dict.fromkeys(every) if not os.path.exists(part)]  # noqa: PTH110
    try:
        for folder in folders:
            writable_folder(folder)
            for name in names:
                refuse_folder(folder / name)
        yield
    finally:
        for part in sorted(new, key=lambda path: len(path.parts), reverse=True):
            with suppress(OSError):
                part.rmdir()
