"""Kinds of units that are found by address: the seam for whatever else one may search.

A unit is any scalar function of one image. Everything that searches, measures, morphs and probes
takes `Units`, wherever they come from:

- A kind *must* turn an address of its own, `KIND/...`, into `Units` whose `addresses` are
  spelled the same way, so that a saved result finds its unit again. Its responses must depend on
  one image alone, be differentiable, and be the same at every call.
- It *should* make them with `invis.unit`, which evaluates only what a unit sees, or with
  `invis.scored`, which takes any function and runs the whole network; both measure what the full
  network says, and label their units.
- It *may* load its network when it is first asked, and read what follows `KIND/` as it likes.

`register_units("sae", open_sae)` is all it takes: then `invis.search("sae/conv3/17")` works, and
so does everything that begins with the result that it saved.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

import torch

from invis.errors import InvisError
from invis.models.names import KINDS, kind_of

if TYPE_CHECKING:
    from invis.models.units import Units

Opener = Callable[[str, str | None, "str | torch.device | None"], "Units"]
"""An address `KIND/...`, weights and device, as `invis.units_at` takes them -> Units."""

_NAME = re.compile(r"[^@/\s]+")
_KINDS: dict[str, Opener] = {}


def register_units(kind: str, opener: Opener) -> None:
    """Let addresses `kind/...` name units that `opener` makes; the last registration counts.

    Raises:
        InvisError: for a name that cannot begin an address, or is a model's.
    """
    from invis.models.zoo import model_names

    if not _NAME.fullmatch(kind) or kind in model_names():
        raise InvisError(
            f"kind {kind!r} cannot name units: give a word without / and @ that is no model's name"
        )
    _KINDS[kind] = opener


def opener_of(address: str) -> Opener | None:
    """Who opens an address, where its first part names a kind."""
    kind = kind_of(address)
    if kind in KINDS and kind not in _KINDS:
        module, name = KINDS[kind]
        _KINDS[kind] = getattr(import_module(module), name)
    return _KINDS.get(kind)
