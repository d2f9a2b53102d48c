"""The version of Invis and the files that it ships; below all rooms, and free of imports."""

from __future__ import annotations

from pathlib import Path

from invis.errors import InvisError

__version__ = "0.1.0"


def data_path(name: str) -> Path:
    """Where a file that Invis ships lies: `data/` of a clone, `invis/data/` of an installed wheel.

    `name` is relative, with forward slashes, such as "models/minivgg.safetensors". Raises
    InvisError where there is no such file.
    """
    here = Path(__file__).resolve().parent
    for root in (here / "data", here.parent / "data"):
        if (root / name).exists():
            return root / name
    raise InvisError(f"name {name!r} is not a file that Invis ships: this copy of Invis lacks it.")
