"""The small files of an atlas beside its arrays, on a disk or behind any fsspec URL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fsspec.core import url_to_fs  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from invis.errors import InvisError
from invis.files.atomic import write_whole


class Folder:
    """Whole files, read and written at once; a reader never sees half of one.

    Attributes:
        url: as the user gave it.

    Raises:
        InvisError: for a URL whose kind is unknown or needs a package that is not there.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._fs, self._root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise InvisError(
                f"store {url!r} cannot be reached: {first_line(error)}; give a folder, or a URL "
                "whose fsspec package is installed"
            ) from error
        self._local = isinstance(self._fs, LocalFileSystem)

    def is_file(self) -> bool:
        """Whether a file stands where the folder should be."""
        return bool(self._fs.isfile(self._root))

    def names(self, path: str = "") -> list[str]:
        """Names in a folder, sorted, as the disk has it now; none where there is no such folder.

        Raises:
            InvisError: where it cannot be read.
        """
        try:
            if self._local:
                return sorted(item.name for item in Path(self._at(path)).iterdir())
            found = self._fs.ls(self._at(path), detail=False, refresh=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise InvisError(
                f"store {self.url!r} cannot be read: {error.strerror or first_line(error)}"
            ) from error
        return sorted(str(name).rstrip("/").rpartition("/")[2] for name in found)

    def read(self, path: str) -> bytes:
        """The content of a file; FileNotFoundError where there is none."""
        if self._local:
            if not self.inside(path):
                raise InvisError(f"store {self.url!r}: {path!r} is a link to a place outside of it")
            return Path(self._at(path)).read_bytes()
        return bytes(self._fs.cat_file(self._at(path)))

    def inside(self, path: str) -> bool:
        """Whether a file lies where it seems to: nobody reads through links that lead out."""
        if not self._local:
            return True
        return Path(self._at(path)).resolve().is_relative_to(Path(self._root).resolve())

    def write(self, path: str, content: bytes) -> None:
        """Put a file in place at once: object stores do so themselves, disks rename.

        Raises:
            InvisError: where nothing can be written.
        """
        whole = self._at(path)
        with self.writing():
            if not self._local:
                self._fs.makedirs(whole.rpartition("/")[0], exist_ok=True)
                self._fs.pipe_file(whole, content)
                return
            Path(whole).parent.mkdir(parents=True, exist_ok=True)
            write_whole(whole, content)

    def remove(self, path: str) -> None:
        """Take a file away, if it is there."""
        with self.writing(), contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._at(path))

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what a full disk or a folder without rights raises into one sentence."""
        try:
            yield
        except OSError as error:
            raise InvisError(
                f"store {self.url!r} cannot be written: {error.strerror or first_line(error)}; "
                "what was finished before is kept"
            ) from error

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if path else str(self._root)


def first_line(error: BaseException) -> str:
    """What an error says, in a line."""
    return (str(error).splitlines() or [type(error).__name__])[0] or type(error).__name__
