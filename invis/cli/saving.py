"""The folder that results go to: checked before the work, filled as units finish."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from invis.errors import InvisError
from invis.files.atomic import write_whole

if TYPE_CHECKING:
    from xarray import Dataset

RESULT = "result.nc"
PICTURE = "set.png"


def slug(text: str) -> str:
    """A file name that keeps an address readable: vgg16/conv3_1/3 becomes vgg16-conv3_1-3."""
    return re.sub(r"[^\w@.,+-]+", "-", text).strip("-.") or "result"


def default_out(address: str, weights: str | None = None) -> Path:
    """Where results go when --out is left out; a folder for each --weights, a file by its stem."""
    if weights:
        model, _, unit = address.partition("/")
        # os.path, here and below: Path raises where a name is too long, which `writing` says.
        name = Path(weights).stem if os.path.isfile(weights) else weights  # noqa: PTH113
        address = f"{model.partition('@')[0]}@{name}/{unit}"
    return Path("out") / slug(address)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an operating-system error while writing `path` into one sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise InvisError(f"cannot write {str(path)!r}: {reason}.") from error


def writable_folder(path: Path) -> None:
    """Make the folder and prove that a file can be made in it; raises InvisError otherwise."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass


def refuse_folder(file: Path) -> None:
    """Raise InvisError where a folder is in the way of a file."""
    if file.is_dir():
        raise InvisError(f"cannot write {str(file)!r}: it is a folder.")


class ResultsFolder:
    """Results on disk: DIR/result.nc for one unit, DIR/UNIT/result.nc for many, DIR/gallery.html.

    Attributes:
        path: the folder, writable once the object exists.
        results: (result, folder that holds it), in the order of the units.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results: list[tuple[Dataset, Path]] = []
        self._order: list[str] = []
        parts = (path, *path.parents)
        self._made = [part for part in parts if not os.path.exists(part)]  # noqa: PTH110
        try:
            writable_folder(path)
            refuse_folder(self.gallery)
        except InvisError:
            self.remove_empty()
            raise

    @property
    def gallery(self) -> Path:
        return self.path / "gallery.html"

    def expect(self, addresses: Sequence[str]) -> None:
        """Say which units will come, in any order; more than one get a folder each.

        Raises:
            InvisError: if something is in the way of a result.
        """
        self._order = list(addresses)
        for address in addresses:
            where = self._where(address)
            if where.exists() and not where.is_dir():
                raise InvisError(f"cannot write {str(where)!r}: it is a file.")
            for name in (RESULT, PICTURE):
                refuse_folder(where / name)

    def _where(self, address: str) -> Path:
        return self.path / slug(address) if len(self._order) > 1 else self.path

    def remove_empty(self) -> None:
        """Remove the folders that this object made, as far as they are empty."""
        for made in self._made:
            with suppress(OSError):
                made.rmdir()

    def add(self, ds: Dataset) -> None:
        """Save one result and its picture."""
        from invis.files.saved import save
        from invis.views.search.png import set_png

        where = self._where(str(ds.attrs["address"]))
        with writing(where):
            if not where.exists():
                where.mkdir()
                self._made.insert(0, where)
            save(ds, where / RESULT)
            write_whole(where / PICTURE, set_png(ds))
        self.results.append((ds, where))
        self.results.sort(key=lambda result: self._place(result[0]))

    def _place(self, ds: Dataset) -> int:
        address = ds.attrs["address"]
        return self._order.index(address) if address in self._order else len(self._order)

    def write_gallery(self) -> None:
        """One page with all results so far; nothing where there are none."""
        from invis.views.search.gallery import gallery_html

        if self.results:
            with writing(self.gallery):
                page = gallery_html([ds for ds, _ in self.results])
                write_whole(self.gallery, page)
