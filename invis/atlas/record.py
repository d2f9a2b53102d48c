"""A unit as the store keeps it: the pixels of a chunk, and a record of everything else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

VALUES = ("activation", "fraction", "nearest")
COURSE = ("course_distance", "course_fraction_min")


def pack(ds: xr.Dataset) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """The pixels (images + 1, row, column, colour), the reference first, and the record."""
    pixels = np.concatenate([ds["reference_image"].values[None], ds["images"].values])
    record: dict[str, Any] = {
        "attrs": {key: _plain(value) for key, value in ds.attrs.items()},
        "values": {name: ds[name].values.tolist() for name in VALUES},
        "step": ds["step"].values.tolist(),
        "course": {name: ds[name].values.tolist() for name in COURSE},
    }
    # Lists and tuples are one in JSON, and a float32 is what JSON makes of it.
    record = json.loads(json.dumps(record))
    record["hash"] = content_hash(pixels, record)
    return pixels, record


def unpack(pixels: NDArray[np.uint8], record: dict[str, Any]) -> xr.Dataset:
    """What `pack` was given."""
    course = {name: ("step", np.float32(values)) for name, values in record["course"].items()}
    return xr.Dataset(
        {"images": (("image", "row", "column", "colour"), pixels[1:])}
        | {name: ("image", np.float32(record["values"][name])) for name in VALUES}
        | {"reference_image": (("row", "column", "colour"), pixels[0])}
        | course,
        coords={"step": np.asarray(record["step"], dtype=np.int64)},
        attrs=dict(record["attrs"]),
    )


def content_hash(pixels: NDArray[np.uint8], record: dict[str, Any]) -> str:
    """Sixteen digits that a damaged unit does not have."""
    told = {key: value for key, value in record.items() if key != "hash"}
    digest = hashlib.sha256(np.ascontiguousarray(pixels).tobytes())
    digest.update(json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
