"""Inner products on disk: small, written whole or not at all, read without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from invis.files import saved
from invis.files.containers import NPZ
from invis.files.saved import Kind, register
from invis.trajectory.gram import FORMAT, Gram

ARRAYS = ("steps", "sizes", "products", "marks")


def _pack(found: Gram) -> dict[str, Any]:
    arrays = {name: getattr(found, name) for name in ARRAYS}
    return {"format": np.array(FORMAT), "layers": np.array(found.layers), **arrays}


def _unpack(arrays: dict[str, Any]) -> Gram:
    layers = tuple(str(layer) for layer in arrays["layers"])
    return Gram(layers=layers, **{name: arrays[name] for name in ARRAYS})


register(
    Kind(
        FORMAT,
        "file of inner products",
        "a gram.npz that Invis wrote",
        NPZ,
        pack=_pack,
        unpack=_unpack,
    )
)


def save_gram(found: Gram, path: str | Path) -> None:
    """`invis.save`, for inner products: an .npz file."""
    saved.save(found, path)


def load_gram(path: str | Path) -> Gram:
    """Read inner products that `invis.save` wrote.

    Raises:
        InvisError: if it is no such file.
    """
    found: Gram = saved.load(path, FORMAT)
    return found
