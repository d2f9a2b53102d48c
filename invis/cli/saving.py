"""The folder that results go to: checked before the work, filled as units finish."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from invis.errors import InvisError

if TYPE_CHECKING:
    from xarray import Dataset

RESULT = "result.nc"


def slug(text: str) -> str:
    """A file name that keeps an address readable: vgg16/conv3_1/3 becomes vgg16-conv3_1-3."""
    return re.sub(r"[^\w@.,+-]+", "-", text).strip("-.") or "result"


def default_out(address: str) -> Path:
    """Where results go when --out is left out."""
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


class Folder:
    """Results on disk: DIR/result.nc for one unit, DIR/UNIT/result.nc for many, DIR/gallery.html.

    Attributes:
        path: the folder, writable once the object exists.
        results: (result, folder that holds it), in the order of the units.
    """

    def __init__(self, path: Path) -> None:
        writable_folder(path)
        self.path = path
        self.results: list[tuple[Dataset, Path]] = []
        self._order: list[str] = []

    @property
    def gallery(self) -> Path:
        return self.path / "gallery.html"

    def expect(self, addresses: Sequence[str]) -> None:
        """Say which units will come, in any order; more than one get a folder each."""
        self._order = list(addresses)

    def add(self, ds: Dataset) -> None:
        """Save one result and its picture."""
        from invis.search import save
        from invis.views.png import set_png

        where = self.path / slug(str(ds.attrs["address"])) if len(self._order) > 1 else self.path
        with writing(where):
            where.mkdir(exist_ok=True)
            # A reader never sees half a file: the result gets its name once it is whole.
            unfinished = where / f".{RESULT}"
            try:
                save(ds, unfinished)
                unfinished.replace(where / RESULT)
            finally:
                unfinished.unlink(missing_ok=True)
            (where / "set.png").write_bytes(set_png(ds))
        self.results.append((ds, where))
        self.results.sort(key=lambda result: self._place(result[0]))

    def _place(self, ds: Dataset) -> int:
        address = ds.attrs["address"]
        return self._order.index(address) if address in self._order else len(self._order)

    def write_gallery(self) -> None:
        """One page with all results so far; nothing where there are none."""
        from invis.views.gallery import gallery_html

        if self.results:
            with writing(self.gallery):
                page = gallery_html([ds for ds, _ in self.results])
                self.gallery.write_text(page, encoding="utf-8")
