"""Stitching of latent spaces: what networks trained apart have in common, and how to find it.

from invis.stitching import digits, encode_all, stitch, summary
(result,) = stitch(digits(), encode_all(digits()))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invis.stitching.anchors import choose_anchors as choose_anchors
    from invis.stitching.data import digits as digits
    from invis.stitching.data import load_data as load_data
    from invis.stitching.encoder import Encoder as Encoder
    from invis.stitching.latents import encode_all as encode_all
    from invis.stitching.matrix import StitchSettings as StitchSettings
    from invis.stitching.matrix import stitch as stitch
    from invis.stitching.matrix import stitch_steps as stitch_steps
    from invis.stitching.similarities import relative as relative
    from invis.stitching.spaces import ProductSpace as ProductSpace
    from invis.stitching.spaces import RelativeSpace as RelativeSpace
    from invis.stitching.table import records as records
    from invis.stitching.table import summary as summary
    from invis.stitching.translators import Translator as Translator

# Lazy, so that the command line can import this room without torch.
_HOMES = {
    "choose_anchors": "anchors",
    "digits": "data",
    "load_data": "data",
    "Encoder": "encoder",
    "encode_all": "latents",
    "StitchSettings": "matrix",
    "stitch": "matrix",
    "stitch_steps": "matrix",
    "relative": "similarities",
    "ProductSpace": "spaces",
    "RelativeSpace": "spaces",
    "records": "table",
    "summary": "table",
    "Translator": "translators",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"invis.stitching.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
