"""One layer of an atlas: its units, those that are finished, and what was found about them."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from invis.atlas.folder import Folder, first_line
from invis.atlas.record import SHARED, content_hash, digest, pack, unpack
from invis.errors import InvisError
from invis.search.settings import from_stored

# Bytes of one unit that no field and no number of images needs.
MOST_PIXELS = 2**30
NOTE = re.compile(r"[a-z][a-z0-9_]{0,31}")


class AtlasLayer:
    """A layer with one choice of weights and settings; `Atlas.layers` and `Atlas.plan` give it.

    A unit is finished when its record is there, which is written after its pixels: readers see
    whole units only, while others write. All channels are numbers within the layer.

    Attributes:
        path: where it is in the store, `MODEL@HASH/LAYER/SETTINGS`.
        model, weights, weights_hash, layer: what was searched.
        channels: units of the layer, finished or not.
        settings: of the searches.
    """

    def __init__(self, folder: Folder, root: zarr.Group, path: str) -> None:
        self._folder, self._root = folder, root
        self._texts: dict[str, str] = {}
        attrs: dict[str, Any] = dict(root[path].attrs)
        self.path = path
        self.model: str = attrs["model"]
        self.weights: str = attrs["weights"]
        self.weights_hash: str = attrs["weights_hash"]
        self.layer: str = attrs["layer"]
        self.channels: int = attrs["channels"]
        self.settings: dict[str, Any] = from_stored(attrs["settings"])

    def __repr__(self) -> str:
        return f"<AtlasLayer {self.path}, {len(self.done())} of {self.channels} units>"

    def attrs(self) -> dict[str, Any]:
        """What `Atlas.create` needs to make this layer elsewhere."""
        return dict(self._root[self.path].attrs)

    def shape(self) -> tuple[int, int, int, int]:
        """Of a unit's pixels: images + 1, row, column, colour."""
        images, height, width, colours = self._images.shape[1:]
        return images, height, width, colours

    def done(self) -> set[int]:
        """Finished channels, as the disk has it now."""
        return self._channels("done")

    def failed(self) -> dict[int, str]:
        """Channel -> reason of those that failed and have not been finished since."""
        return {
            channel: self._reason(channel)
            for channel in sorted(self._channels("failed") - self.done())
        }

    def write(self, ds: xr.Dataset) -> None:
        """Keep a unit: its pixels first, then the record that makes it visible.

        A unit that is finished stays as it is: the same search by another worker finds the same.

        Raises:
            InvisError: where the store cannot be written, or the result is of another layer or
                shape.
        """
        channel = int(ds.attrs["channel"])
        if channel in self.done():
            return
        pixels, record, shared = pack(ds)
        images = self._images
        if not 0 <= channel < self.channels or pixels.shape != images.shape[1:]:
            raise InvisError(
                f"ds is channel {channel} with pixels {pixels.shape}, but {self.path} holds "
                f"{self.channels} channels of {images.shape[1:]}"
            )
        with self._folder.writing():
            images[channel] = pixels
        for name, text in shared.items():
            if self._shared(name) is None:
                self._folder.write(f"{self.path}/shared/{name}.txt", text.encode())
        self._dump(f"done/{channel}.json", record)

    def fail(self, channel: int, reason: str) -> None:
        """Keep why a unit could not be searched."""
        self._dump(f"failed/{channel}.json", {"reason": reason})

    def drop(self, channel: int) -> None:
        """Make a unit unfinished, so that the next sweep searches it again."""
        self._folder.remove(f"{self.path}/done/{channel}.json")

    def record(self, channel: int) -> dict[str, Any]:
        """What is known of a finished unit besides its pixels: attrs, values, course, hash.

        Raises:
            InvisError: where it is not finished, or its record is damaged.
        """
        try:
            record = json.loads(self._folder.read(f"{self.path}/done/{channel}.json"))
            for key in ("attrs", "values"):
                if not isinstance(record[key], dict):
                    raise TypeError(f"its {key} are no JSON object")
            return {key: record[key] for key in ("attrs", "values", "step", "course", "hash")}
        except FileNotFoundError as error:
            raise InvisError(
                f"channel {channel} of {self.path} is not finished: search it first, or choose one "
                f"of the {len(self.done())} that are"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(
                channel, f"its record cannot be read, {first_line(error)}"
            ) from error

    def read(self, channel: int) -> xr.Dataset:
        """The result of a finished unit, as the search gave it but for the vectors.

        Raises:
            InvisError: where it is not finished, or damaged.
        """
        record = self.record(channel)
        pixels = self.thumbnails([channel])[0]
        if content_hash(pixels, record) != record["hash"]:
            raise self._damaged(channel, "it is not what was written")
        names = [record["attrs"][key] for key in SHARED if key in record["attrs"]]
        shared = {name: self._shared(name) for name in names}
        if None in shared.values():
            raise self._damaged(channel, "what it shares with other units is not what was written")
        return unpack(pixels, record, {name: text or "" for name, text in shared.items()})

    def thumbnails(self, channels: Sequence[int]) -> NDArray[np.uint8]:
        """(K, images + 1, row, column, colour) the sets of some units, the reference first.

        Raises:
            InvisError: where the pixels of one are damaged.
        """
        images = self._images
        found = np.empty((len(channels), *images.shape[1:]), dtype=np.uint8)
        for place, channel in enumerate(channels):
            chunk = images.metadata.encode_chunk_key((channel, 0, 0, 0, 0))
            if not self._folder.inside(f"{self.path}/images/{chunk}"):
                raise self._damaged(channel, "its pixels are a link out of the store")
            try:
                found[place] = images[channel]
            # A codec tells a broken chunk in any way it likes, some by quoting bytes of it.
            except Exception as error:
                raise self._damaged(
                    channel, f"its pixels cannot be read ({type(error).__name__})"
                ) from error
        return found

    def opened(self) -> xr.Dataset:
        """All pixels, lazily, as xarray has them: images (channel, image, row, column, colour).

        The coordinate `done` (channel,) tells which channels are finished.
        """
        done = np.isin(np.arange(self.channels), list(self.done()))
        with warnings.catch_warnings():
            # Zarr warns of the records, which lie beside the array.
            warnings.simplefilter("ignore")
            array = xr.open_zarr(self._root.store, group=self.path, consolidated=False, chunks=None)
        return array.assign_coords(done=("channel", done))

    def note(self, channel: int, name: str, value: dict[str, Any]) -> None:
        """Keep something that was found about a finished unit, such as its probes.

        Raises:
            InvisError: where the unit is not finished, or the store cannot be written.
        """
        self._dump(
            f"{_checked(name)}/{channel}.json", {"of": self.record(channel)["hash"], "value": value}
        )

    def noted(self, channel: int, name: str) -> dict[str, Any] | None:
        """What `note` kept; None where there is nothing, it is of an older result, or no note."""
        try:
            found = json.loads(self._folder.read(f"{self.path}/{_checked(name)}/{channel}.json"))
            mine = found["of"] == self.record(channel)["hash"]
            return found["value"] if mine and isinstance(found["value"], dict) else None
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def notes(self) -> list[str]:
        """Names of the kinds of notes that some unit has."""
        known = {"done", "failed", "images", "shared", "zarr.json"}
        return [name for name in self._folder.names(self.path) if name not in known]

    @cached_property
    def _images(self) -> zarr.Array[Any]:
        why = "it is a link out of the store"
        if self._folder.inside(f"{self.path}/images/zarr.json"):
            try:
                array = self._root[f"{self.path}/images"]
                assert isinstance(array, zarr.Array), "it is no array"
                assert array.dtype == np.uint8 and array.ndim == 5, "it holds no images"
                assert array.shape[0] == self.channels, f"it holds {array.shape[0]} units"
                assert math.prod(array.shape[1:]) <= MOST_PIXELS, "its units are too large"
                return array
            # Zarr tells metadata that it cannot read in many ways.
            except Exception as error:
                why = str(error) if isinstance(error, AssertionError) else type(error).__name__
        raise InvisError(f"{self.path} is damaged: its array of images cannot be opened ({why})")

    def _reason(self, channel: int) -> str:
        try:
            record = json.loads(self._folder.read(f"{self.path}/failed/{channel}.json"))
            return str(record["reason"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return "its record cannot be read"

    def _shared(self, name: str) -> str | None:
        """A text that units share, by its digest; None where it is missing or damaged."""
        if name not in self._texts:
            try:
                text = self._folder.read(f"{self.path}/shared/{name}.txt").decode(errors="replace")
            except FileNotFoundError:
                return None
            if digest(text) != name:
                return None
            self._texts[name] = text
        return self._texts[name]

    def _channels(self, folder: str) -> set[int]:
        return channels_of(self._folder.names(f"{self.path}/{folder}"))

    def _dump(self, path: str, value: dict[str, Any]) -> None:
        self._folder.write(f"{self.path}/{path}", json.dumps(value).encode())

    def _damaged(self, channel: int, why: str) -> InvisError:
        return InvisError(
            f"channel {channel} of {self.path} is damaged: {why}; `invis atlas verify --repair` "
            "lets the next sweep search it again"
        )


def channels_of(names: Iterable[str]) -> set[int]:
    """Channels that have a file, such as 31 for `31.json`."""
    stems = [name.partition(".") for name in names]
    return {int(stem) for stem, _, end in stems if end == "json" and stem.isdecimal()}


def _checked(name: str) -> str:
    if not NOTE.fullmatch(name) or name in {"done", "failed", "images", "shared"}:
        raise InvisError(f"name {name!r} cannot be a note's: use small letters, such as 'probe'")
    return name
