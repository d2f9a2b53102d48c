"""Trajectories: recorded trainings and searches, their PCA, and the random walk they must beat."""

from invis.trajectory.fit import Comparison, Fit, compare
from invis.trajectory.gram import Gram, gram, gram_steps
from invis.trajectory.gram_file import load_gram, save_gram
from invis.trajectory.kept import SHIPPED, kept_gram, save_projections
from invis.trajectory.nulls import Null
from invis.trajectory.opening import open_trajectory
from invis.trajectory.pca import PCA, pca
from invis.trajectory.recorded import RecordedSource
from invis.trajectory.recorder import Recorder
from invis.trajectory.simulate import band, simulate
from invis.trajectory.source import ArraySource, Layout, Source

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
