"""A unit as the store keeps it: the pixels of a chunk, and a record of everything else.

Vectors, which tell more than the pixels by fractions of a grey level, are left out: they would be
most of an atlas. What reads a unit takes those of its 8-bit images; a search repeats the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

VALUES = ("activation", "fraction", "nearest")
COURSE = ("course_distance", "course_fraction_min")
DIGITS = 16
# Long texts that units have in common; a record holds their digests.
SHARED = ("metric_statistics",)


def pack(ds: xr.Dataset) -> tuple[NDArray[np.uint8], dict[str, Any], dict[str, str]]:
    """A unit without its vectors.

    Returns:
        The pixels (images + 1, row, column, colour), the reference first; the record; the texts
        that it shares with other units, by their digests.
    """
    pixels = np.concatenate([ds["reference_image"].values[None], ds["images"].values])
    shared = {key: str(ds.attrs[key]) for key in SHARED if key in ds.attrs}
    named = {key: digest(text) for key, text in shared.items()}
    record: dict[str, Any] = {
        "attrs": {key: _plain(value) for key, value in ds.attrs.items()} | named,
        "values": {name: ds[name].values.tolist() for name in VALUES},
        "step": ds["step"].values.tolist(),
        "course": {name: ds[name].values.tolist() for name in COURSE},
    }
    # Lists and tuples are one in JSON, and a float32 is what JSON makes of it.
    record = json.loads(json.dumps(record))
    record["hash"] = content_hash(pixels, record)
    return pixels, record, {named[key]: text for key, text in shared.items()}


def unpack(
    pixels: NDArray[np.uint8], record: dict[str, Any], shared: Mapping[str, str]
) -> xr.Dataset:
    """What `pack` was given, without vectors."""
    attrs = dict(record["attrs"])
    attrs |= {key: shared[attrs[key]] for key in SHARED if key in attrs}
    course = {name: ("step", np.float32(values)) for name, values in record["course"].items()}
    return xr.Dataset(
        {"images": (("image", "row", "column", "colour"), pixels[1:])}
        | {name: ("image", np.float32(record["values"][name])) for name in VALUES}
        | {"reference_image": (("row", "column", "colour"), pixels[0])}
        | course,
        coords={"step": np.asarray(record["step"], dtype=np.int64)},
        attrs=attrs,
    )


def content_hash(pixels: NDArray[np.uint8], record: dict[str, Any]) -> str:
    """Sixteen digits that a damaged unit does not have."""
    told = {key: value for key, value in record.items() if key != "hash"}
    found = hashlib.sha256(np.ascontiguousarray(pixels).tobytes())
    found.update(json.dumps(told, sort_keys=True).encode())
    return found.hexdigest()[:DIGITS]


def digest(text: str) -> str:
    """Sixteen digits that another text does not have."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
