"""Trajectories: recorded trainings and searches, their PCA, and the random walk they must beat."""

from invis.trajectory.fit import Comparison, Fit, compare
from invis.trajectory.gram import Gram, gram, gram_steps, load_gram, save_gram
from invis.trajectory.nulls import Null
from invis.trajectory.pca import PCA, pca
from invis.trajectory.simulate import band, simulate
from invis.trajectory.source import ArraySource, Layout, Source

__all__ = [
    "PCA",
    "ArraySource",
    "Comparison",
    "Fit",
    "Gram",
    "Layout",
    "Null",
    "Source",
    "band",
    "compare",
    "gram",
    "gram_steps",
    "load_gram",
    "pca",
    "save_gram",
    "simulate",
]
