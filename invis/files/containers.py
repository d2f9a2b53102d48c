"""How kinds lie in bytes: netCDF-4 for labelled arrays, .npz for plain ones."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr


class Container(Protocol):
    """A format of files that many programs read, which may hold several kinds of Invis.

    A container must name its `suffix` and the bytes that its files begin with, turn what a kind
    packs into bytes, read it back without running anything that a file holds, and say what
    `format` the read content has, None where it says none. `read` may raise whatever its library
    does: `invis.load` says it in a sentence.
    """

    name: str
    suffix: str
    magic: bytes

    def dump(self, content: Any) -> bytes: ...

    def read(self, path: Path) -> Any: ...

    def format_of(self, content: Any) -> str | None: ...


# After the end of an HDF5 file, where its readers do not look.
SEAL = b"\nsha256:"


def sealed(content: bytes) -> bytes:
    """A file's content and its SHA-256: HDF5 notices few of the bytes that change on a disk."""
    return content + SEAL + hashlib.sha256(content).hexdigest().encode()


def unsealed(content: bytes) -> bytes:
    """The content without its hash; all of it where HDF5 ends with the file, as others write it.

    Raises:
        ValueError: where something else follows HDF5's end than the hash of what stands before.
    """
    if len(content) == _hdf5_end(content):
        return content
    whole, seal, told = content[: -len(SEAL) - 64], content[-len(SEAL) - 64 : -64], content[-64:]
    if seal != SEAL or hashlib.sha256(whole).hexdigest().encode() != told:
        raise ValueError("it is not what was written")
    return whole


def _hdf5_end(content: bytes) -> int:
    """Where HDF5 says that it ends: in its superblock, whose version tells the place."""
    start = 40 if content[8:9] in (b"\0", b"\1") else 28
    return int.from_bytes(content[start : start + 8], "little")


class NetCDF:
    """Datasets as netCDF-4, which xarray, MATLAB and R read; the format is an attribute."""

    name, suffix, magic = "netCDF", ".nc", b"\x89HDF\r\n\x1a\n"

    def dump(self, content: xr.Dataset) -> bytes:
        # HDF5 can crash the process when the disk fills up: let it write into memory.
        return sealed(bytes(content.to_netcdf(engine="h5netcdf")))

    def read(self, path: Path) -> xr.Dataset:
        import xarray as xr

        with xr.open_dataset(io.BytesIO(unsealed(path.read_bytes())), engine="h5netcdf") as opened:
            found = opened.load()
        for variable in found.variables.values():
            variable.encoding = {}
        found.encoding = {}
        return found

    def format_of(self, content: xr.Dataset) -> str | None:
        found = content.attrs.get("format")
        return None if found is None else str(found)


class Npz:
    """Arrays by name as NumPy's .npz, compressed; the format is one of them."""

    name, suffix, magic = "npz", ".npz", b"PK\x03\x04"

    def dump(self, content: Mapping[str, Any]) -> bytes:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **content)
        return buffer.getvalue()

    def read(self, path: Path) -> dict[str, NDArray[Any]]:
        # NumPy leaves a file that it opened itself open where the zip is torn.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}

    def format_of(self, content: Mapping[str, Any]) -> str | None:
        found = content.get("format")
        return None if found is None else str(found)


NETCDF, NPZ = NetCDF(), Npz()


@dataclass(frozen=True)
class Attributes:
    """What netCDF makes of a Dataset's attributes and variables, and the way back.

    HDF5 knows no booleans and no empty lists, and turns lists into arrays, or into scalars.

    Attributes:
        packed: variables to compress.
        booleans: attributes that are True or False.
        lists: attributes that are lists of numbers, never empty.
        places: attributes that are lists of integers and may be empty: a text of numbers.
    """

    packed: Sequence[str] = ()
    booleans: Sequence[str] = ()
    lists: Sequence[str] = ("grey", "window", "input_size")
    places: Sequence[str] = ()

    def pack(self, ds: xr.Dataset) -> xr.Dataset:
        """A Dataset as it is stored; the given one stays as it is."""
        stored = ds.copy()
        for name in self.packed:
            if name in stored:
                stored[name].encoding = {"zlib": True, "complevel": 4}
        stored.attrs = {key: self._stored(key, value) for key, value in ds.attrs.items()}
        return stored

    def unpack(self, ds: xr.Dataset) -> xr.Dataset:
        """The Dataset as it was before `pack`."""
        ds.attrs = {key: self._plain(key, value) for key, value in ds.attrs.items()}
        return ds

    def _stored(self, key: str, value: Any) -> Any:
        if key in self.places:
            return " ".join(map(str, value))
        return int(value) if key in self.booleans else value

    def _plain(self, key: str, value: Any) -> Any:
        if key in self.places:
            return [int(place) for place in str(value).split()]
        if key in self.lists:
            return np.atleast_1d(value).tolist()
        if isinstance(value, np.ndarray | np.generic):
            value = value.item()
        return bool(value) if key in self.booleans else value
