"""Planes to draw two spaces in: the target's own, with the source's points laid into it.

Principal components need nothing but numpy. UMAP (McInnes et al. 2018) keeps neighbours rather than
lengths; it is an optional package.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from invis.errors import InvisError
from invis.stitching.checks import Matrix, choice, pair

PLANES = ("pca", "umap")
NEIGHBOURS = 15


def in_plane(a: ArrayLike, b: ArrayLike, kind: str = "pca", seed: int = 0) -> tuple[Matrix, Matrix]:
    """A's and B's points (N, d) of the same inputs in the plane that fits B: (N, 2) each.

    Where A's points lie on B's, a decoder of B can read them.

    Args:
        a, b: of one width.
        kind: `pca`: B's first two principal components; `umap`: what UMAP learns of B.
        seed: of UMAP.

    Raises:
        InvisError: arrays that do not fit each other, an unknown plane, or UMAP not installed.
    """
    choice("plane", kind, PLANES)
    source, target = pair("A", a, "B", b)
    place = _umap(target, seed) if kind == "umap" else _pca(target)
    return place(source), place(target)


def check_plane(kind: str) -> None:
    """Raise InvisError now where `in_plane` would later: an unknown plane, or UMAP missing."""
    if choice("plane", kind, PLANES) == "umap":
        _umap_class()


def _pca(points: Matrix) -> Callable[[Matrix], Matrix]:
    mean = points.mean(axis=0)
    directions = np.linalg.svd(points - mean, full_matrices=False)[2][:2]
    return lambda x: (x - mean) @ directions.T


def _umap(points: Matrix, seed: int) -> Callable[[Matrix], Matrix]:
    if len(points) < 4:
        raise InvisError(f"plane 'umap' needs at least 4 points and has {len(points)}; take 'pca'.")
    reducer = _umap_class()(n_neighbors=min(NEIGHBOURS, len(points) - 1), random_state=seed)
    with warnings.catch_warnings():
        # That a seed means one core.
        warnings.filterwarnings("ignore", message=".*overridden to 1.*")
        own = reducer.fit_transform(points)
    return lambda x: own if x is points else reducer.transform(x)


def _umap_class() -> Any:
    try:
        with warnings.catch_warnings():
            # It tells of TensorFlow, which nothing here needs.
            warnings.simplefilter("ignore", ImportWarning)
            # On PyPI the name `umap` is another project.
            return import_module("umap").UMAP
    except Exception as error:
        raise InvisError(
            f"plane 'umap' needs the package umap-learn, which does not import ({error}); "
            "run `pip install umap-learn`, or take 'pca'."
        ) from error
