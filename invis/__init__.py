"""Invis shows what a neural network ignores.

The public face. Every name is imported when it is first used, so `import invis` costs neither torch
nor a user-interface library; what there is stands in `__init__.pyi`.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from lazy_loader import attach_stub

from invis.errors import InvisError as InvisError
from invis.shipped import __version__ as __version__
from invis.shipped import data_path as data_path

# Torch's threads wait for each other by spinning. Where a browser or another process needs one of
# the cores, each spin lasts a scheduler's turn, and a search takes many times as long. To sleep at
# once costs up to half of the speed where the cores are free: GNU's OpenMP spins a little before it
# sleeps. OpenMP reads this when torch is loaded; what the user set stays.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")

# Packages that are functions, too: invis.search(...).
_CALLABLE = ("probe", "search")
_import, _, _names = attach_stub(__name__, __file__)
__all__ = sorted([*_names, *_CALLABLE])


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext invis`: results show their images in a notebook."""
    import_module("invis.views.search.notebook").register(shell)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'invis' has no attribute {name!r}")
    if "IPython" in sys.modules:
        # Whoever makes results in a notebook sees them without asking for it, also where an
        # explorer came first: it loads invis.search, which is never asked for here again.
        shell = sys.modules["IPython"].get_ipython()
        if shell is not None:
            load_ipython_extension(shell)
    return import_module(f"invis.{name}") if name in _CALLABLE else _import(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
