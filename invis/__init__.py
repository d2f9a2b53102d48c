"""Invis shows what a neural network ignores.

The public face. Every name is imported when it is first used, so `import invis` costs neither torch
nor a user-interface library.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invis.errors import InvisError

if TYPE_CHECKING:
    from invis.atlas import Atlas as Atlas
    from invis.atlas.sweep import sweep as sweep
    from invis.atlas.sweep import sweep_plan as sweep_plan
    from invis.atlas.sweep import sweep_steps as sweep_steps
    from invis.interop.full_image import full_image as full_image
    from invis.interop.full_image import full_image_steps as full_image_steps
    from invis.interop.objective import lucent_model as lucent_model
    from invis.interop.objective import lucent_objective as lucent_objective
    from invis.interop.search import from_lucent as from_lucent
    from invis.models.address import Address as Address
    from invis.models.address import parse_address as parse_address
    from invis.models.cone import build_cone as build_cone
    from invis.models.layers import layers as layers
    from invis.models.unit import Units as Units
    from invis.models.unit import unit as unit
    from invis.models.unit import units_at as units_at
    from invis.models.zoo import load_model as load_model
    from invis.models.zoo import model_names as model_names
    from invis.probe import Probes as Probes
    from invis.probe import probe_steps as probe_steps
    from invis.probe.exemplars import exemplars as exemplars
    from invis.probe.exemplars import exemplars_steps as exemplars_steps
    from invis.probe.exemplars_result import load_exemplars as load_exemplars
    from invis.search import load as load
    from invis.search import save as save
    from invis.search import search as search
    from invis.search import search_steps as search_steps
    from invis.search.morph import morph as morph
    from invis.search.morph import morph_steps as morph_steps
    from invis.search.morph_result import load_morph as load_morph
    from invis.trajectory.fit import compare as compare
    from invis.trajectory.opening import open_trajectory as open_trajectory
    from invis.trajectory.pca import pca as pca
    from invis.trajectory.recorder import Recorder as Recorder
    from invis.views.search.gallery import gallery_html as gallery_html
    from invis.views.search.notebook import result_html as result_html
    from invis.views.search.png import set_png as set_png
    from invis.widgets.layer_explorer import LayerExplorer as LayerExplorer
    from invis.widgets.search_explorer import SearchExplorer as SearchExplorer
    from invis.widgets.stitch_explorer import StitchExplorer as StitchExplorer
    from invis.widgets.trajectory_explorer import TrajectoryExplorer as TrajectoryExplorer

from invis.shipped import __version__, data_path

# Torch's threads wait for each other by spinning. Where a browser or another process needs one of
# the cores, each spin lasts a scheduler's turn, and a search takes many times as long. To sleep at
# once costs up to half of the speed where the cores are free: GNU's OpenMP spins a little before it
# sleeps. OpenMP reads this when torch is loaded; what the user set stays.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")

# Packages that are themselves callable, as invis.search(...).
_CALLABLE = ("search", "probe")
_HOMES = {
    "Atlas": "invis.atlas",
    "sweep": "invis.atlas.sweep",
    "sweep_plan": "invis.atlas.sweep",
    "sweep_steps": "invis.atlas.sweep",
    "full_image": "invis.interop.full_image",
    "full_image_steps": "invis.interop.full_image",
    "lucent_model": "invis.interop.objective",
    "lucent_objective": "invis.interop.objective",
    "from_lucent": "invis.interop.search",
    "Address": "invis.models.address",
    "parse_address": "invis.models.address",
    "build_cone": "invis.models.cone",
    "layers": "invis.models.layers",
    "Units": "invis.models.unit",
    "unit": "invis.models.unit",
    "units_at": "invis.models.unit",
    "load_model": "invis.models.zoo",
    "model_names": "invis.models.zoo",
    "Probes": "invis.probe.probe",
    "probe_steps": "invis.probe.probe",
    "exemplars": "invis.probe.exemplars",
    "exemplars_steps": "invis.probe.exemplars",
    "load_exemplars": "invis.probe.exemplars_result",
    "load": "invis.search",
    "save": "invis.search",
    "search_steps": "invis.search",
    "morph": "invis.search.morph",
    "morph_steps": "invis.search.morph",
    "load_morph": "invis.search.morph_result",
    "Recorder": "invis.trajectory.recorder",
    "compare": "invis.trajectory.fit",
    "open_trajectory": "invis.trajectory.opening",
    "pca": "invis.trajectory.pca",
    "gallery_html": "invis.views.search.gallery",
    "result_html": "invis.views.search.notebook",
    "set_png": "invis.views.search.png",
    "LayerExplorer": "invis.widgets.layer_explorer",
    "SearchExplorer": "invis.widgets.search_explorer",
    "StitchExplorer": "invis.widgets.stitch_explorer",
    "TrajectoryExplorer": "invis.widgets.trajectory_explorer",
}

__all__ = ["InvisError", "__version__", "data_path", "probe", "search", *_HOMES]


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext invis`: results show their images in a notebook."""
    import_module("invis.views.search.notebook").register(shell)


def __getattr__(name: str) -> Any:
    if name not in _CALLABLE and name not in _HOMES:
        raise AttributeError(f"module 'invis' has no attribute {name!r}")
    if "IPython" in sys.modules:
        # Whoever makes results in a notebook sees them without asking for it, also where an
        # explorer came first: it loads invis.search, which is never asked for here again.
        shell = sys.modules["IPython"].get_ipython()
        if shell is not None:
            load_ipython_extension(shell)
    if name in _CALLABLE:
        return import_module(f"invis.{name}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
