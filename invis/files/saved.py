"""Saved kinds: whatever Invis keeps for later goes through one `save` and one `load`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from invis.errors import InvisError
from invis.files.atomic import write_whole
from invis.files.containers import NETCDF, NPZ, Container


def _as_it_is(content: Any) -> Any:
    return content


@dataclass(frozen=True)
class Kind:
    """A kind of thing that `save` writes and `load` reads back: its contract.

    A kind must

    - have a `format` that no other has, and that changes when older readers would misread a file.
      Things carry it: a Dataset in `attrs["format"]`, anything else as its attribute `format`;
    - `pack` a thing into what its container holds, the format included, and leave the thing alone;
    - `unpack` that again, so that the thing comes back equal: values, dtypes, types of attributes.

    It should use one of `invis.files.containers`, so that other programs read the file too, and say
    what a file of it is called: `noun` and `example` stand in error messages. It may bring a
    container of its own.

    Register it where its things are made, by `register(Kind(...))`; a kind that ships with Invis
    has a line in `HOMES`, too, so that `load` finds it before its room was imported.

    Attributes:
        format: such as "invis-set-1".
        noun: what the file holds, in a sentence: "result".
        example: what to give instead of a wrong file: "a result.nc written by a search".
        container: of `invis.files.containers`, or another.
        pack: thing -> content of the container.
        unpack: content -> thing; KeyError or ValueError where something is missing.
    """

    format: str
    noun: str
    example: str
    container: Container = NETCDF
    pack: Callable[[Any], Any] = _as_it_is
    unpack: Callable[[Any], Any] = _as_it_is


# Imported when such a file or thing is first met: to read a set costs no trajectories.
HOMES = {
    "invis-set-1": "invis.search.result",
    "invis-morph-1": "invis.search.morph_result",
    "invis-profile-1": "invis.search.profile_result",
    "invis-exemplars-1": "invis.probe.exemplars_result",
    "invis-full-1": "invis.interop.full_image",
    "invis-gram-1": "invis.trajectory.gram_file",
    "invis-directions-1": "invis.models.directions",
}
_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Let `save` and `load` know a kind; the same format again replaces it."""
    _KINDS[kind.format] = kind
    return kind


def kind_named(format: str | None) -> Kind | None:
    """The kind of a format; None for one that is unknown."""
    if format in HOMES and format not in _KINDS:
        import_module(HOMES[format])
    return _KINDS.get(format or "")


def save(thing: Any, path: str | os.PathLike[str]) -> None:
    """Write a set, a morph, exemplars, inner products, or any other registered kind, whole.

    Raises:
        InvisError: if the thing is of no kind, the suffix is not its kind's, or the file cannot be
            written.
    """
    kind = _kind_of(thing)
    suffix = kind.container.suffix
    if Path(path).suffix != suffix:
        raise InvisError(f"path {str(path)!r} cannot be written: give a name ending in {suffix}")
    content = to_bytes(thing)
    try:
        write_whole(path, content)
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise InvisError(f"path {str(path)!r} cannot be written: {reason}") from error


def to_bytes(thing: Any) -> bytes:
    """The content of the file that `save` writes.

    Raises:
        InvisError: if the thing is of no kind, or holds what its container cannot.
    """
    kind = _kind_of(thing)
    try:
        return kind.container.dump(kind.pack(thing))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InvisError(
            f"thing is a {kind.noun} that {kind.container.name} cannot hold: {reason}"
        ) from error


def load(path: str | os.PathLike[str], format: str | None = None) -> Any:
    """Read what `save` wrote; nothing in the file is executed.

    Args:
        path: of the file.
        format: of the only kind that is wanted; any if left out.

    Returns:
        A Dataset for sets, morphs, exemplars and full images; a Gram for inner products.

    Raises:
        InvisError: if there is no such file, or it holds no kind, or another than the wanted one.
    """
    wanted = kind_named(format)
    noun = wanted.noun if wanted else "file of Invis"
    give = f"give {wanted.example}" if wanted else "give one that invis.save wrote"
    place = Path(path)
    if not place.is_file():
        raise InvisError(f"path {str(path)!r} is not a file: {give}")
    try:
        container = _container_of(place)
        content = container.read(place)
        found = container.format_of(content)
        kind = kind_named(found)
        if kind is not None and (wanted is None or kind is wanted):
            return kind.unpack(content)
    # HDF5, zip and NumPy fail in many ways on a damaged file.
    except Exception as error:
        raise InvisError(f"path {str(path)!r} is not a readable {noun}: {give}") from error
    if kind is not None and wanted is not None:
        raise InvisError(
            f"path {str(path)!r} holds a {kind.noun}, not a {noun}: {give}; invis.load reads both"
        )
    raise InvisError(f"path {str(path)!r} is {container.name} but no {noun}: {give}")


def _container_of(path: Path) -> Container:
    """By the first bytes, because files are renamed."""
    known: list[Container] = [NETCDF, NPZ, *(kind.container for kind in _KINDS.values())]
    with path.open("rb") as file:
        start = file.read(max(len(one.magic) for one in known))
    return next(one for one in known if start.startswith(one.magic))


def _kind_of(thing: Any) -> Kind:
    attrs = getattr(thing, "attrs", None)
    format = attrs.get("format") if attrs is not None else getattr(thing, "format", None)
    kind = kind_named(format)
    if kind is None:
        what = f"a {type(thing).__name__} of format {format!r}"
        raise InvisError(f"thing is {what}, which is no kind that Invis saves: give a result")
    return kind
