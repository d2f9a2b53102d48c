"""One save and one load for every kind, of Invis and of others."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import xarray as xr

import invis
from invis.files import saved
from invis.files.saved import HOMES, Kind, kind_named, register
from invis.trajectory import Gram


class Json:
    """A container of its own: the format comes first, so that files are known by how they begin."""

    name, suffix, magic = "JSON", ".json", b'{"format":'

    def dump(self, content: dict[str, Any]) -> bytes:
        return json.dumps(content).encode()

    def read(self, path: Path) -> dict[str, Any]:
        return json.loads(path.read_text())

    def format_of(self, content: dict[str, Any]) -> str | None:
        return content.get("format")


@dataclass(frozen=True)
class Note:
    text: str
    format: ClassVar[str] = "test-note-1"


@pytest.fixture
def notes() -> Iterator[None]:
    register(
        Kind(
            Note.format,
            "note",
            "a note.json",
            Json(),
            pack=lambda note: {"format": note.format, "text": note.text},
            unpack=lambda content: Note(content["text"]),
        )
    )
    yield
    del saved._KINDS[Note.format]


def test_another_kind_in_a_container_of_its_own(notes: None, tmp_path: Path) -> None:
    invis.save(Note("grün"), tmp_path / "note.json")
    assert invis.load(tmp_path / "note.json") == Note("grün")
    (tmp_path / "short.json").write_bytes(b'{"format": "test-note-1"}')
    with pytest.raises(invis.InvisError, match=r"short\.json' is not a readable file of Invis"):
        invis.load(tmp_path / "short.json")
    with pytest.raises(invis.InvisError, match=r"holds a note, not a result: give a result\.nc"):
        invis.search.load(tmp_path / "note.json")
    with pytest.raises(invis.InvisError, match=r"name ending in \.json"):
        invis.save(Note(""), tmp_path / "note.nc")


def test_another_kind_of_dataset(tmp_path: Path) -> None:
    found = xr.Dataset({"x": ("t", np.arange(3.0))}, attrs={"format": "test-line-1", "slope": 1.0})
    with pytest.raises(invis.InvisError, match="format 'test-line-1', which is no kind"):
        invis.save(found, tmp_path / "line.nc")
    register(Kind("test-line-1", "line", "a line.nc"))
    invis.save(found, tmp_path / "line.nc")
    xr.testing.assert_identical(invis.load(tmp_path / "line.nc"), found)
    del saved._KINDS["test-line-1"]


@pytest.mark.parametrize("format", HOMES)
def test_every_kind_of_invis_lives_where_its_home_says(format: str) -> None:
    kind = kind_named(format)
    assert kind is not None and kind.format == format


def test_inner_products_are_found_by_what_is_in_the_file(tmp_path: Path) -> None:
    whole = Gram(
        np.arange(2), ("a",), np.array([3]), np.array([[[0.0, 1.0], [1.0, 4.0]]]), np.array([5, 6])
    )
    invis.save(whole, tmp_path / "gram.npz")
    (tmp_path / "gram.npz").rename(tmp_path / "renamed")
    back = invis.load(tmp_path / "renamed")
    assert isinstance(back, Gram) and back.layers == ("a",)
    np.testing.assert_array_equal(back.products, whole.products)
    for thing in (3, None, xr.Dataset()):
        with pytest.raises(invis.InvisError, match="no kind that Invis saves"):
            invis.save(thing, tmp_path / "thing.nc")
    assert [path.name for path in tmp_path.iterdir()] == ["renamed"]


def test_a_failed_save_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    broken = xr.Dataset(attrs={"format": "invis-set-1", "window": {"no": "attribute of HDF5"}})
    (tmp_path / "result.nc").write_text("old")
    with pytest.raises(invis.InvisError, match="a result that netCDF cannot hold"):
        invis.save(broken, tmp_path / "result.nc")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
