"""What a unit ignores, in curves and words; `invis.probe(ADDRESS)` calls the package itself."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from invis.models.unit import Units
    from invis.probe.probe import Probes as Probes
    from invis.probe.probe import ProbeSnapshot as ProbeSnapshot
    from invis.probe.probe import probe_steps as probe_steps
    from invis.probe.texture import Texture as Texture
    from invis.probe.texture import texture as texture_test
    from invis.probe.texture import texture_steps as texture_steps

_HOMES = {
    "Probes": ("probe", "Probes"),
    "ProbeSnapshot": ("probe", "ProbeSnapshot"),
    "probe_steps": ("probe", "probe_steps"),
    "Texture": ("texture", "Texture"),
    "texture_test": ("texture", "texture"),
    "texture_steps": ("texture", "texture_steps"),
}
__all__ = [
    "ProbeSnapshot", "Probes", "Texture", "probe_steps", "texture_steps", "texture_test",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        home, own = _HOMES[name]
        return getattr(import_module(f"invis.probe.{home}"), own)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Room(ModuleType):
    """Lets `invis.probe(...)` be the function while `invis.probe` is the package."""

    def __call__(
        self, source: xr.Dataset | str, units: Units | None = None, **settings: Any
    ) -> Probes:
        """`invis.probe.probe.probe`."""
        from invis.probe.probe import probe

        return probe(source, units, **settings)


sys.modules[__name__].__class__ = Room
