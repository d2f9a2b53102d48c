"""A trajectory that is looked at while it may still grow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.trajectory.fit import Comparison, compare
from invis.trajectory.gram import Gram, gram_steps
from invis.trajectory.kept import kept_gram
from invis.trajectory.opening import open_trajectory
from invis.trajectory.pca import PCA, pca
from invis.trajectory.recorder import Recorder
from invis.trajectory.source import Source

# Of the time goes into reading checkpoints; the rest is PCA and the fits.
READING = 0.8


@dataclass(frozen=True, eq=False)
class Analysis:
    """What is known of a trajectory, of one layer or of the whole network.

    Attributes:
        fraction_done: 0 to 1.
        products: inner products of all checkpoints so far.
        found, comparison: their PCA and its nulls; None before the last snapshot.
    """

    fraction_done: float
    products: Gram | None = None
    found: PCA | None = None
    comparison: Comparison | None = None


class LiveTrajectory:
    """Checkpoints, or their inner products, read again and again; only what is new costs time.

    Args:
        where: a path or name as for `open_trajectory` and `kept_gram`, a Recorder, a Source, or
            a Gram.

    Attributes:
        name: for people.
        source: the checkpoints as they were read last; None where only products are kept.
        products: their inner products as far as they are known.
        metrics: name -> (T,) numbers that were recorded with the checkpoints.

    Raises:
        InvisError: if there is nothing at that path.
    """

    def __init__(self, where: str | Path | Recorder | Source | Gram) -> None:
        self._where = where.path if isinstance(where, Recorder) else where
        self.source: Source | None = None
        self.products: Gram | None = None
        if isinstance(self._where, Gram):
            self.name, self.products = "trajectory", self._where
        elif isinstance(self._where, str | Path):
            self.name, self.products = str(self._where), kept_gram(self._where)
            if self.products is None:
                self.source = open_trajectory(self._where)
        else:
            self.name, self.source = self._where.name, self._where

    @property
    def metrics(self) -> dict[str, NDArray[np.float64]]:
        return dict(getattr(self.source, "metrics", {}))

    def grown(self) -> bool:
        """Whether there are checkpoints whose products are not known yet."""
        if self.source is None:
            return False
        if isinstance(self._where, str | Path):
            self.source = open_trajectory(self._where)
        known = -1 if self.products is None else len(self.products.steps)
        return len(self.source.steps) > max(known, 1)

    def steps(self, layer: str | None = None) -> Iterator[Analysis]:
        """Read what is new, then find components and nulls; the last snapshot has them.

        Raises:
            InvisError: if there are fewer than 2 checkpoints, or the layer never moved.
        """
        if self.products is None or self.grown():
            assert self.source is not None
            if len(self.source.steps) < 2:
                raise InvisError(
                    f"{self.name!r} has {len(self.source.steps)} checkpoint: a trajectory has at "
                    "least 2."
                )
            for progress in gram_steps(self.source, self.products):
                yield Analysis(READING * progress.fraction_done)
            self.products = progress.gram
        assert self.products is not None
        found = pca(self.products, layer)
        yield Analysis(READING, self.products)
        yield Analysis(1.0, self.products, found, compare(found))
