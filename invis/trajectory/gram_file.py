"""Inner products on disk: small, written whole or not at all, read without running anything."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from invis.errors import InvisError
from invis.trajectory.gram import Gram

FORMAT = "invis-gram-1"


def save_gram(found: Gram, path: str | Path) -> None:
    """Write the inner products as .npz, whole or not at all; OSError where that is impossible."""
    path = Path(path)
    temporary = path.with_suffix(".partial")
    with temporary.open("wb") as file:
        np.savez_compressed(
            file,
            format=np.array(FORMAT),
            steps=found.steps,
            layers=np.array(found.layers),
            sizes=found.sizes,
            products=found.products,
            marks=found.marks,
        )
    temporary.replace(path)


def load_gram(path: str | Path) -> Gram:
    """Read what `save_gram` wrote; nothing in the file is executed.

    Raises:
        InvisError: if it is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["format"]) != FORMAT:
                raise KeyError("format")
            return Gram(
                file["steps"],
                tuple(str(layer) for layer in file["layers"]),
                file["sizes"],
                file["products"],
                file["marks"],
            )
    except (OSError, ValueError, KeyError, EOFError, zlib.error) as error:
        raise InvisError(
            f"path {str(path)!r} holds no inner products: give a gram.npz that Invis wrote."
        ) from error
    except Exception as error:  # zipfile.BadZipFile, which is no ValueError
        raise InvisError(f"path {str(path)!r} is a damaged file.") from error
