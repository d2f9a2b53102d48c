"""Searches for invariant sets; `invis.search("vgg16/conv3_1/3")` calls the package itself."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

from invis.search.settings import Settings

if TYPE_CHECKING:
    import xarray as xr

    from invis.files.saved import save as save
    from invis.models.unit import Units
    from invis.search.engine import Snapshot as Snapshot
    from invis.search.result import load as load
    from invis.search.run import search as search
    from invis.search.run import search_steps as search_steps

# Loaded when first used: settings and what the command line says of them need no torch.
_HOMES = {
    "Snapshot": "invis.search.engine",
    "load": "invis.search.result",
    "save": "invis.files.saved",
    "search": "invis.search.run",
    "search_steps": "invis.search.run",
}
__all__ = ["Settings", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'invis.search' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


# Inside the class this name is its attribute.
_Settings: TypeAlias = Settings


class Room(ModuleType):
    """Lets `invis.search(...)` be the function while `invis.search` is the package.

    To type checkers the package is an object of this class; they know the names listed here.
    """

    Settings: type[_Settings]

    def __call__(self, units: Units | str, **asked: Any) -> list[xr.Dataset]:
        """`search`."""
        found: list[xr.Dataset] = import_module("invis.search.run").search(units, **asked)
        return found


sys.modules[__name__].__class__ = Room
