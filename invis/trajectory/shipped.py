"""The files of a run that ships: `python -m invis.trajectory.shipped RUN NAME FOLDER`.

NAME.npz holds the inner products, from which every component follows, and NAME.csv the leading
projections for other programs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from invis.trajectory import gram, open_trajectory, pca, save_gram, save_projections


def main(run: str, name: str, folder: str) -> None:
    """Make the files of one run."""
    products = gram(open_trajectory(run))
    save_gram(products, Path(folder) / f"{name}.npz")
    save_projections(pca(products), Path(folder) / f"{name}.csv")


if __name__ == "__main__":
    main(*sys.argv[1:])
