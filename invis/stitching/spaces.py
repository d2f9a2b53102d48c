"""Relative spaces and their product, in scikit-learn's vocabulary.

A space is fitted on its anchors alone. Spaces whose anchors are the same inputs seen through
different encoders speak the same language: coordinate k is "how like anchor k".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin

from invis.errors import InvisError
from invis.stitching.checks import Matrix, choice, matrix
from invis.stitching.similarities import PRODUCT, SIMILARITIES


class Centring(TransformerMixin, BaseEstimator):
    """Subtract the anchors' mean, then divide by one scalar: the RMS norm of the centred anchors.

    One scalar and not one per coordinate, because dividing each coordinate by its own deviation
    would change the angles between points, and with them what the cosine ignores.

    Attributes:
        mean_: (d,) mean of the anchors, zero unless `centre`.
        scale_: RMS norm of the centred anchors, 1 unless `scale`.
    """

    def __init__(self, centre: bool = True, scale: bool = True) -> None:
        self.centre = centre
        self.scale = scale

    def fit(self, anchors: ArrayLike, y: Any = None) -> Centring:
        """Learn mean and scale from `anchors` (K, d).

        Raises:
            InvisError: with `scale`, all anchors are the same point.
        """
        anchors = matrix("anchors", anchors)
        zero = np.zeros(anchors.shape[1], anchors.dtype)
        self.mean_ = anchors.mean(axis=0) if self.centre else zero
        squares = np.square(anchors - self.mean_, dtype=np.float64).sum(axis=1)
        self.scale_ = float(np.sqrt(squares.mean())) if self.scale else 1.0
        size = float(np.abs(anchors).max())
        if self.scale and self.scale_ <= 1e-6 * size:
            raise InvisError(
                f"anchors has {len(anchors)} rows that are all the same point; "
                "at least two must differ to set the scale of the space."
            )
        return self

    def transform(self, points: ArrayLike) -> Matrix:
        """(N, d) -> (N, d)."""
        return (matrix("points", points, len(self.mean_)) - self.mean_) / self.scale_

    def inverse_transform(self, points: ArrayLike) -> Matrix:
        """(N, d) -> (N, d), exactly undoing `transform`."""
        return matrix("points", points, len(self.mean_)) * self.scale_ + self.mean_


class RelativeSpace(TransformerMixin, BaseEstimator):
    """Points of one latent space, told by their similarity to anchors.

    Args:
        similarity: cosine, euclidean, l1, linf or geodesic.
        centre: first subtract the anchors' mean.
        scale: then divide by the RMS norm of the centred anchors.

    Attributes:
        anchors_: (K, d), centred and scaled.
        centring_: the fitted Centring.
    """

    def __init__(
        self, similarity: str = "cosine", *, centre: bool = True, scale: bool = True
    ) -> None:
        self.similarity = similarity
        self.centre = centre
        self.scale = scale

    def fit(self, anchors: ArrayLike, y: Any = None) -> RelativeSpace:
        """Take `anchors` (K, d) as the space's anchors, in the order that names its coordinates.

        Raises:
            InvisError: unknown similarity, no finite (K, d) array, or anchors that do not differ.
        """
        choice("similarity", self.similarity, SIMILARITIES)
        self.centring_ = Centring(self.centre, self.scale).fit(anchors)
        self.anchors_ = self.centring_.transform(anchors)
        return self

    def transform(self, points: ArrayLike) -> Matrix:
        """(N, d) -> (N, K) similarities to the anchors.

        Raises:
            InvisError: the points' width is not that of the anchors, or a value is not finite.
        """
        return SIMILARITIES[self.similarity](self.centring_.transform(points), self.anchors_)

    def inverse_transform(self, relative: ArrayLike) -> Matrix:
        """(N, K) -> (N, d): the points with these distances, where the distances determine them.

        Only Euclidean distances do, in closed form and from more anchors than dimensions: |z -
        a_k|^2 - |z - a_1|^2 is linear in z (trilateration). Distances that belong to no point give
        the least-squares solution of those equations.

        Raises:
            InvisError: another similarity, or anchors that leave a direction undetermined.
        """
        if self.similarity != "euclidean":
            raise InvisError(
                f"similarity {self.similarity!r} has no inverse: the coordinates do not "
                "determine the point in closed form; only 'euclidean' has one."
            )
        squares = np.square(matrix("relative", relative, len(self.anchors_)), dtype=np.float64)
        anchors = self.anchors_.astype(np.float64)
        normal = 2 * (anchors - anchors.mean(axis=0))
        if np.linalg.matrix_rank(normal) < anchors.shape[1]:
            raise InvisError(
                f"{len(anchors)} anchors do not determine points of {anchors.shape[1]} "
                "dimensions; more anchors than dimensions are needed, in general position."
            )
        norms = np.square(anchors).sum(axis=1)
        right = (norms - norms.mean()) - (squares - squares.mean(axis=1, keepdims=True))
        points = np.linalg.lstsq(normal, right.T, rcond=None)[0].T
        return self.centring_.inverse_transform(points.astype(self.anchors_.dtype))


class ProductSpace(TransformerMixin, BaseEstimator):
    """Several relative spaces of the same anchors, side by side.

    What one similarity does not ignore, another may; a decoder on top of all of them need not know
    beforehand which one fits (Cannistraci et al., ICLR 2024).

    Args:
        similarities: names, in order; the paper's four when left out.
        centre, scale: as in RelativeSpace.
        standardise: give every space mean 0 and standard deviation 1 over its own anchors, one
            number each, so that no space outweighs another by its unit of measure.

    Attributes:
        spaces_: one fitted RelativeSpace per similarity.
        shift_, spread_: (S,) mean and standard deviation of each space on its anchors.
    """

    def __init__(
        self,
        similarities: Sequence[str] = PRODUCT,
        *,
        centre: bool = True,
        scale: bool = True,
        standardise: bool = True,
    ) -> None:
        self.similarities = similarities
        self.centre = centre
        self.scale = scale
        self.standardise = standardise

    def fit(self, anchors: ArrayLike, y: Any = None) -> ProductSpace:
        """Fit every space on `anchors` (K, d).

        Raises:
            InvisError: no similarity, an unknown one, or anchors that RelativeSpace refuses.
        """
        if isinstance(self.similarities, str) or not len(self.similarities):
            raise InvisError(
                f"similarities is {self.similarities!r}; give a list of at least one of "
                f"{', '.join(SIMILARITIES)}."
            )
        self.spaces_ = [
            RelativeSpace(name, centre=self.centre, scale=self.scale).fit(anchors)
            for name in self.similarities
        ]
        own = np.stack([space.transform(anchors) for space in self.spaces_])
        count = len(self.spaces_)
        self.shift_ = own.mean(axis=(1, 2)) if self.standardise else np.zeros(count)
        spread = own.std(axis=(1, 2)) if self.standardise else np.ones(count)
        self.spread_ = np.where(spread > 0, spread, 1)
        return self

    def tokens(self, points: ArrayLike) -> Matrix:
        """(N, d) -> (N, S, K): one row of relative coordinates per similarity."""
        spaces = [space.transform(points) for space in self.spaces_]
        scaled = [
            (coordinates - shift) / spread
            for coordinates, shift, spread in zip(spaces, self.shift_, self.spread_, strict=True)
        ]
        return np.stack(scaled, axis=1).astype(spaces[0].dtype, copy=False)

    def transform(self, points: ArrayLike) -> Matrix:
        """(N, d) -> (N, S K): the spaces' coordinates one after another."""
        tokens = self.tokens(points)
        return tokens.reshape(len(tokens), -1)

    def inverse_transform(self, relative: ArrayLike) -> Matrix:
        """(N, S K) -> (N, d), through the Euclidean space of the product.

        Raises:
            InvisError: the product has no Euclidean space, or RelativeSpace refuses.
        """
        if "euclidean" not in self.similarities:
            raise InvisError(
                f"similarities {tuple(self.similarities)!r} have no inverse; "
                "only a product with 'euclidean' in it has one."
            )
        index = list(self.similarities).index("euclidean")
        anchors = len(self.spaces_[0].anchors_)
        values = matrix("relative", relative, anchors * len(self.spaces_))
        values = values[:, index * anchors : (index + 1) * anchors]
        return self.spaces_[index].inverse_transform(
            values * self.spread_[index] + self.shift_[index]
        )
