"""The store of an atlas: zarr v3, one chunk a unit, a record a unit that makes it visible."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import zarr
from zarr.codecs import BytesCodec, Crc32cCodec, ZstdCodec

from invis.atlas.folder import Folder, first_line
from invis.atlas.layer import AtlasLayer
from invis.atlas.table import table
from invis.errors import InvisError

if TYPE_CHECKING:
    from invis.models.unit import Units
    from invis.search import Settings

FORMAT = "invis-atlas-1"
HASH_DIGITS = 12


class Atlas:
    """A store of searched units, in a folder or at any fsspec URL.

    Its groups are `MODEL@WEIGHTS_HASH/LAYER/SETTINGS_HASH`: other weights, another alpha or another
    seed never overwrite. Any number of processes may read and write at the same time.

    Args:
        url: folder or URL.
        mode: `r` to read, `r+` to write into one that is there, `a` to create or append.

    Raises:
        InvisError: where it cannot be opened, or is no atlas.
    """

    def __init__(self, url: str | os.PathLike[str], mode: Literal["r", "r+", "a"] = "r") -> None:
        self.url = os.fspath(url)
        self._folder = Folder(self.url)
        there = self._folder.names()
        if self._folder.is_file():
            raise InvisError(f"store {self.url!r} is a file: give a folder that `invis sweep` made")
        if mode != "a" and not there:
            raise InvisError(
                f"store {self.url!r} does not exist or is empty: give a folder that `invis sweep` "
                "made"
            )
        if there and "zarr.json" not in there:
            raise InvisError(
                f"store {self.url!r} is not an atlas: it holds {there[0]!r} but no zarr.json; give "
                "a folder that `invis sweep` made, or a new one"
            )
        try:
            self._root = zarr.open_group(self.url, mode=mode, zarr_format=3)
            if not there:
                self._root.attrs["format"] = FORMAT
            format_ = self._root.attrs.get("format")
        # What zarr cannot read it tells in many ways, OSError and KeyError among them.
        except Exception as error:
            raise InvisError(f"store {self.url!r} cannot be opened: {first_line(error)}") from error
        if format_ != FORMAT:
            raise InvisError(
                f"store {self.url!r} is a zarr group but not an atlas: give a folder that "
                "`invis sweep` made"
            )

    def __repr__(self) -> str:
        return f"<Atlas {self.url}>"

    def plan(self, units: Units, settings: Settings) -> AtlasLayer:
        """The layer of these units with these settings; creates its arrays where it is new.

        One process calls this, before others write.

        Raises:
            InvisError: where the store cannot be written.
        """
        found = self.find(units, settings)
        path = layer_path(units, settings)
        if found is None and (why := self.damaged().get(path)):
            raise InvisError(
                f"{path} in store {self.url!r} is damaged: {why}; `invis atlas verify --repair` "
                "lets the next sweep search it again"
            )
        return found or self.create(path, *_attrs(units, settings))

    def create(
        self, path: str, attrs: dict[str, Any], shape: tuple[int, int, int, int]
    ) -> AtlasLayer:
        """The layer at a path, new: pixels of `shape` (images + 1, row, column, colour) a unit."""
        with self._folder.writing():
            group = self._root.require_group(path)
            group.create_array(
                "images",
                shape=(attrs["channels"], *shape),
                chunks=(1, *shape),
                dtype="uint8",
                # The default makes five nested folders for every unit.
                chunk_key_encoding={"name": "default", "separator": "."},
                serializer=BytesCodec(),
                compressors=[ZstdCodec(level=9), Crc32cCodec()],
                dimension_names=("channel", "image", "row", "column", "colour"),
                overwrite=True,
            )
            # Last: a layer without attributes has not been planned to the end.
            group.attrs.update(attrs)
            self._root.attrs["planned"] = sorted({*self._planned(), path})
        return AtlasLayer(self._folder, self._root, path)

    def find(self, units: Units, settings: Settings) -> AtlasLayer | None:
        """The layer of these units with these settings; None where it was never planned."""
        return self.at(layer_path(units, settings))

    def at(self, path: str) -> AtlasLayer | None:
        """The layer at a path; None where there is none, or it was not planned to the end."""
        model, layer, settings = [*path.split("/"), "", ""][:3]
        known = model in self._folder.names() and layer in self._folder.names(model)
        if not known or settings not in self._folder.names(f"{model}/{layer}"):
            return None
        path = f"{model}/{layer}/{settings}"
        if not self._folder.inside(f"{path}/zarr.json"):
            return None
        try:
            return AtlasLayer(self._folder, self._root, path)
        # Zarr tells metadata that it cannot read in many ways.
        except Exception:
            return None

    def layers(self) -> list[AtlasLayer]:
        """Every planned layer that can be opened, in the order of their paths."""
        found = [self.at(path) for path in self._paths()]
        return [layer for layer in found if layer]

    def damaged(self) -> dict[str, str]:
        """Path -> why of layers that cannot be opened, though they were planned or hold units."""
        found = {}
        for path in sorted({*self._paths(), *self._planned()}):
            names = self._folder.names(path)
            units = self._folder.names(f"{path}/done")
            if (units or path in self._planned()) and self.at(path) is None:
                if not names:
                    found[path] = "it was planned, and its folder is missing"
                elif "zarr.json" not in names:
                    found[path] = f"its zarr.json is missing, beside {len(units)} finished units"
                else:
                    found[path] = f"its zarr.json is not a layer's, beside {len(units)} units"
        return found

    def forget(self, path: str) -> None:
        """Take a damaged layer out of the plan, and its units with it: a sweep searches them again.

        Raises:
            InvisError: where the store cannot be written.
        """
        for name in self._folder.names(f"{path}/done"):
            self._folder.remove(f"{path}/done/{name}")
        self._folder.remove(f"{path}/zarr.json")
        with self._folder.writing():
            self._root.attrs["planned"] = [one for one in self._planned() if one != path]

    def _paths(self) -> list[str]:
        return [
            f"{model}/{layer}/{settings}"
            for model in self._folder.names()
            if "@" in model
            for layer in self._folder.names(model)
            for settings in self._folder.names(f"{model}/{layer}")
            if settings != "zarr.json"
        ]

    def _planned(self) -> list[str]:
        """Paths of the layers as they were planned; none where an older Invis did so."""
        told = self._root.attrs.get("planned", [])
        return [str(path) for path in told] if isinstance(told, list) else []

    def table(self, notes: Iterable[str] = ()) -> pd.DataFrame:
        """One row a finished unit with all its measures; see `invis.atlas.table`."""
        return table(self.layers(), notes)


def existing(url: str) -> Atlas | None:
    """The atlas at a place where there may be none yet."""
    folder = Folder(url)
    return Atlas(url) if folder.names() or folder.is_file() else None


def settings_hash(settings: Settings) -> str:
    """Eight digits that name the settings of a search."""
    text = json.dumps(settings.identity(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def layer_path(units: Units, settings: Settings) -> str:
    """Where the units of a layer with some settings are."""
    model = units.model
    name = f"{model.name}@{model.weights_hash[:HASH_DIGITS]}"
    return f"{name}/{units.layer.layer}/{settings_hash(settings)}"


def _attrs(units: Units, settings: Settings) -> tuple[dict[str, Any], tuple[int, int, int, int]]:
    colours, height, width = units.image_shape
    model = units.model
    attrs = {
        "model": model.name,
        "weights": model.weights,
        "weights_hash": model.weights_hash,
        "layer": units.layer.layer,
        "channels": units.layer.channels,
        "settings": json.loads(json.dumps(asdict(settings))),
    }
    return attrs, (settings.images + 1, height, width, colours)
