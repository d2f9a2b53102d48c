"""A trajectory that is looked at while it may still grow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.progress import Step, within
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
        products: inner products of all checkpoints so far.
        found, comparison: their PCA and its nulls.
    """

    products: Gram
    found: PCA
    comparison: Comparison


class LiveTrajectory:
    """Checkpoints, or their inner products, read again and again; only what is new costs time.

    Args:
        where: a path or name as for `open_trajectory` and `kept_gram`, a Recorder, a Source, or
            a Gram.

    Attributes:
        name: for people.
        products: inner products of the checkpoints as far as they are known.
        source: the checkpoints that `products` are of; None where only products are kept.

    Raises:
        InvisError: if there is nothing at that path.
    """

    def __init__(self, where: str | Path | Recorder | Source | Gram) -> None:
        self._where = where.path if isinstance(where, Recorder) else where
        self._newest: Source | None = None
        self.products: Gram | None = None
        self.source: Source | None = None
        if isinstance(self._where, Gram):
            self.name, self.products = "trajectory", self._where
        elif isinstance(self._where, str | Path):
            self.name, self.products = str(self._where), kept_gram(self._where)
            if self.products is None:
                self._newest = open_trajectory(self._where)
        else:
            self.name, self._newest = self._where.name, self._where

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers."""
        if self._newest is not None:
            return self._newest.layout.layers
        assert self.products is not None
        return self.products.layers

    @property
    def grows(self) -> bool:
        """Whether there may be more checkpoints one day."""
        return self._newest is not None and isinstance(self._where, str | Path)

    @property
    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """Name -> (T,) numbers that were recorded with the checkpoints."""
        return dict(getattr(self.source, "metrics", {}))

    def grown(self) -> bool:
        """Look again: whether there are checkpoints whose products are not known yet.

        Raises:
            InvisError: if the checkpoints are gone.
        """
        newest = self._look()
        return newest is not None and len(newest.steps) >= 2 and not self._knows(newest)

    def steps(self, layer: str | None = None) -> Iterator[Step[Analysis]]:
        """Read what is new, then find components and nulls.

        Raises:
            InvisError: if there are fewer than 2 checkpoints, or the layer never moved.
        """
        newest = self._look()
        if newest is not None and not self._knows(newest):
            if len(newest.steps) < 2:
                raise InvisError(
                    f"{self.name!r} has {len(newest.steps)} checkpoint: a trajectory has at "
                    "least 2."
                )
            (products,) = yield from within(gram_steps(newest, self.products), 0.0, READING)
            self.source, self.products = newest, products
        assert self.products is not None
        found = pca(self.products, layer)
        yield Step(READING, "fitting the nulls")
        analysis = Analysis(self.products, found, compare(found))
        yield Step(1.0, f"{len(found.steps)} checkpoints", [analysis])

    def _look(self) -> Source | None:
        if self.grows:
            assert isinstance(self._where, str | Path)
            self._newest = open_trajectory(self._where)
        return self._newest

    def _knows(self, source: Source) -> bool:
        return self.products is not None and self.products.knows(source)
