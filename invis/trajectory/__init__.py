"""Trajectories: recorded trainings and searches, their PCA, and the random walk they must beat.

What reads checkpoints is imported when it is first used: inner products alone need no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from invis.trajectory.fit import Comparison, Fit, compare
from invis.trajectory.gram import Gram, gram, gram_steps
from invis.trajectory.gram_file import load_gram, save_gram
from invis.trajectory.kept import SHIPPED, kept_gram, save_projections
from invis.trajectory.nulls import Null
from invis.trajectory.pca import PCA, pca
from invis.trajectory.simulate import band, simulate
from invis.trajectory.source import ArraySource, Layout, Source

if TYPE_CHECKING:
    from invis.trajectory.opening import open_trajectory
    from invis.trajectory.recorded import RecordedSource
    from invis.trajectory.recorder import Recorder

_LATER = {"open_trajectory": "opening", "RecordedSource": "recorded", "Recorder": "recorder"}

__all__ = [
    "PCA",
    "SHIPPED",
    "ArraySource",
    "Comparison",
    "Fit",
    "Gram",
    "Layout",
    "Null",
    "RecordedSource",
    "Recorder",
    "Source",
    "band",
    "compare",
    "gram",
    "gram_steps",
    "kept_gram",
    "load_gram",
    "open_trajectory",
    "pca",
    "save_gram",
    "save_projections",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
