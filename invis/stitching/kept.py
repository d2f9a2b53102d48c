"""A study as one file, and the one that ships: `python -m invis.stitching.kept FILE` makes it."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from invis.errors import InvisError
from invis.progress import until_done
from invis.shipped import data_path
from invis.stitching.aggregation import TASKS
from invis.stitching.data import Data
from invis.stitching.latents import Latents
from invis.stitching.matrix import StitchSettings
from invis.stitching.study import Study, study_steps

SHIPPED = "stitching/digits.npz"
PARTS = ("train", "test")
IMAGES = ("train_images", "train_labels", "test_images", "test_labels")


def save_study(study: Study, path: str | Path) -> None:
    """Write the images, latent vectors and matrices of the first seed.

    Latent vectors are kept in half precision, 0.05 % of each number; those of untrained encoders
    are left out: their scores are in the matrices. Raises OSError where it cannot be written.
    """
    arrays: dict[str, Any] = {name: getattr(study.data, name) for name in IMAGES}
    arrays |= {"name": study.data.name, "classes": np.array(study.data.classes)}
    arrays |= {"encoders": np.array(study.latents.names)}
    arrays |= {"similarities": np.array(study.similarities)}
    for part in PARTS:
        for i, features in enumerate(getattr(study.latents, part)[0]):
            arrays[f"{part}_{i}"] = features.astype(np.float16)
    for k, ds in enumerate(study.results):
        arrays[f"result_{k}"] = np.frombuffer(bytes(ds.to_netcdf(engine="h5netcdf")), np.uint8)
    np.savez_compressed(path, **arrays)


def load_study(path: str | Path) -> Study:
    """What `save_study` wrote.

    Raises:
        InvisError: where the file holds no study.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            kept = {name: file[name] for name in file.files}
        names = tuple(map(str, kept["encoders"]))
        count = len(names)
        features = {
            part: [[kept[f"{part}_{i}"].astype(np.float32) for i in range(count)]] for part in PARTS
        }
        none: list[list[Any]] = [[None] * count]
        latents = Latents(names, (0,), features["train"], features["test"], none, none)
        classes = tuple(map(str, kept["classes"]))
        data = Data(str(kept["name"]), **{name: kept[name] for name in IMAGES}, classes=classes)
        results = [
            xr.load_dataset(io.BytesIO(kept[f"result_{k}"].tobytes()), engine="h5netcdf")
            for k in range(sum(name.startswith("result_") for name in kept))
        ]
        similarities = tuple(map(str, kept["similarities"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvisError(f"path {str(path)!r} holds no study that was kept.") from error
    return Study(data, latents, tuple(results), None, similarities)


def shipped_study() -> Study:
    """Six encoders of scikit-learn's digits, by every method: seed 0, width 32, 128 anchors."""
    return load_study(data_path(SHIPPED))


def main(path: str) -> None:
    """Compute the study that ships."""
    save_study(until_done(study_steps(settings=StitchSettings(tasks=TASKS)))[-1], path)


if __name__ == "__main__":
    main(*sys.argv[1:])
