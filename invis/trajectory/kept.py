"""Runs of which only the inner products are kept: those that ship, and files of `save_gram`."""

from __future__ import annotations

import csv
from pathlib import Path

from invis.shipped import data_path
from invis.trajectory.gram import Gram
from invis.trajectory.gram_file import load_gram
from invis.trajectory.pca import PCA

SHIPPED = ("minivgg", "miniresnet")
LEADING = 10


def kept_gram(path: str | Path) -> Gram | None:
    """The inner products of a run whose checkpoints need not be here; None for any other path.

    Args:
        path: a .npz file that `save_gram` wrote, or the name of a run that ships, `minivgg` or
            `miniresnet`, where no such folder lies here.

    Raises:
        InvisError: if the file holds no inner products.
    """
    place = Path(path)
    if place.suffix == ".npz" and place.is_file():
        return load_gram(place)
    if str(path) in SHIPPED and not place.exists():
        return load_gram(data_path(f"trajectories/{path}.npz"))
    return None


def save_projections(found: PCA, path: str | Path) -> None:
    """Write the leading projections as CSV, a row a checkpoint; OSError where that fails."""
    with Path(path).open("w", newline="") as file:
        lines = csv.writer(file)
        count = min(len(found.eigenvalues), LEADING)
        lines.writerow(["step", *(f"component_{k + 1}" for k in range(count))])
        for step, row in zip(found.steps.tolist(), found.scores[:, :count].tolist(), strict=True):
            lines.writerow([step, *row])
