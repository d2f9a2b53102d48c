"""Principal components of a trajectory from its inner products, exact and in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.trajectory.gram import Gram, centred
from invis.trajectory.source import Source

# Eigenvalues below this share of the largest are rounding.
ROUNDING = 1e-13
DIRECTION_BLOCK = 2**20


@dataclass(frozen=True, eq=False)
class PCA:
    """Principal components of T checkpoints.

    Attributes:
        steps: (T,).
        parameters: of what was analysed: of one layer or of the whole network.
        eigenvalues: (K,) sums of squares along each component, decreasing; K <= T - 1.
        vectors: (T, K) orthonormal; the course of each component over the checkpoints. Each begins
            negative, so that pictures of a growing run don't flip.
        layer: what was analysed; None for the whole network.
    """

    steps: NDArray[np.int64]
    parameters: int
    eigenvalues: NDArray[np.float64]
    vectors: NDArray[np.float64]
    layer: str | None = None

    @property
    def ratios(self) -> NDArray[np.float64]:
        """(K,) explained-variance ratios; they sum to 1."""
        return self.eigenvalues / self.eigenvalues.sum()

    @property
    def scores(self) -> NDArray[np.float64]:
        """(T, K) projections of the centred checkpoints on the components."""
        return self.vectors * np.sqrt(self.eigenvalues)

    def distance_from_plane(self, components: Sequence[int] = (0, 1)) -> NDArray[np.float64]:
        """(T,) how far each checkpoint lies from the plane through the mean."""
        rest = np.delete(self.scores, list(components), axis=1)
        return np.sqrt((rest**2).sum(1))

    def thinned(self, most: int) -> PCA:
        """PCA of at most `most` of the checkpoints, evenly chosen; the first and last are kept."""
        if len(self.steps) <= most:
            return self
        rows = np.unique(np.round(np.linspace(0, len(self.steps) - 1, most)).astype(int))
        part = self.scores[rows]
        return _decompose(part @ part.T, self.steps[rows], self.parameters, self.layer)


def pca(
    gram: Gram, layer: str | None = None, weights: Mapping[str, float] | str | None = None
) -> PCA:
    """Principal components of one layer or of the whole network.

    Args:
        gram: the inner products.
        layer: its name; the whole network if left out.
        weights: of layers in the whole, as for `Gram.matrix`.

    Raises:
        InvisError: if there are fewer than 2 checkpoints, or nothing moved between them.
    """
    where = "the network" if layer is None else layer
    if len(gram.steps) < 2:
        raise InvisError(f"there is {len(gram.steps)} checkpoint: a trajectory has at least 2.")
    matrix = gram.matrix(layer, weights)
    size = gram.parameters if layer is None else int(gram.sizes[gram.layers.index(layer)])
    found = _decompose(matrix, gram.steps, size, layer)
    if not len(found.eigenvalues):
        raise InvisError(f"{where} is the same in all {len(gram.steps)} checkpoints.")
    return found


def _decompose(
    matrix: NDArray[np.float64], steps: NDArray[np.int64], parameters: int, layer: str | None
) -> PCA:
    values, vectors = np.linalg.eigh(centred(matrix))
    values, vectors = values[::-1], vectors[:, ::-1]
    keep = int((values > ROUNDING * max(values[0], 0.0)).sum())
    keep = min(keep, len(steps) - 1, parameters)
    values, vectors = values[:keep], vectors[:, :keep]
    return PCA(steps, parameters, values.copy(), vectors * begins_negative(vectors), layer)


def begins_negative(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, K) -> (K,) signs that make the first entry of each column negative."""
    return np.where(vectors[0] > 0, -1.0, 1.0)


def directions(source: Source, found: PCA, components: Sequence[int] = (0, 1)) -> tuple[
    NDArray[np.float32], NDArray[np.float32]
]:  # fmt: skip
    """The mean checkpoint and the components as vectors of parameters.

    The checkpoint with scores s is approximated by mean + s @ directions. The directions have unit
    length where layers are not weighted.

    Returns:
        mean (P,) and directions (len(components), P), float32.

    Raises:
        InvisError: if a component doesn't exist, or `source` has other steps than `found`.
    """
    for k in components:
        if not 0 <= k < len(found.eigenvalues):
            raise InvisError(f"component {k} does not exist: 0 to {len(found.eigenvalues) - 1}.")
    if not np.array_equal(source.steps, found.steps):
        raise InvisError(f"{source.name!r} has other checkpoints than the PCA is of.")
    size, rows = source.layout.parameters, range(len(source.steps))
    weights = (found.vectors[:, components] / np.sqrt(found.eigenvalues[list(components)])).T
    mean = np.empty(size, dtype=np.float32)
    out = np.empty((len(components), size), dtype=np.float32)
    length = max(DIRECTION_BLOCK // len(rows), 4096)
    for start in range(0, size, length):
        stop = min(start + length, size)
        block = source.read(rows, start, stop).double().numpy()
        mean[start:stop] = block.mean(0)
        out[:, start:stop] = weights @ (block - block[:1])
    return mean, out


def project(
    source: Source, mean: NDArray[np.float32], axes: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Checkpoints of another run on known components: several optimisers on one plane.

    Args:
        source: checkpoints of the same model.
        mean, axes: (P,) and (K, P), from `directions`.

    Returns:
        scores (T, K), and distances (T,) from the plane.

    Raises:
        InvisError: if the checkpoints have another number of parameters.
    """
    size, rows = source.layout.parameters, range(len(source.steps))
    if mean.shape != (size,):
        raise InvisError(
            f"{source.name!r} has {size} parameters and the plane {len(mean)}: give runs of one "
            "model."
        )
    scores, squares = np.zeros((len(rows), len(axes))), np.zeros(len(rows))
    length = max(DIRECTION_BLOCK // len(rows), 4096)
    for start in range(0, size, length):
        part = slice(start, min(start + length, size))
        block = source.read(rows, part.start, part.stop).double().numpy() - mean[part]
        scores += block @ axes[:, part].T.astype(np.float64)
        squares += (block**2).sum(1)
    return scores, np.sqrt(np.maximum(squares - (scores**2).sum(1), 0))
