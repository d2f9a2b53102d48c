"""Maps from one latent space straight into another, fitted on the anchors alone.

Maiorca et al., *Latent space translation via semantic alignment* (NeurIPS 2023): the baseline that
relative spaces have to beat. All are closed forms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin

from invis.errors import InvisError
from invis.stitching.checks import Matrix, choice, matrix, pair


def linear_map(source: Matrix, target: Matrix) -> Matrix:
    """W (d, e) of least |source W - target|, and of least norm among those: pinv(source) target."""
    return np.linalg.lstsq(source, target, rcond=None)[0]


def orthogonal_map(source: Matrix, target: Matrix) -> Matrix:
    """R = U V^T from the singular value decomposition source^T target = U S V^T; R is (d, e).

    For equal widths this is the orthogonal Procrustes solution (Schoenemann 1966). For unequal ones
    R is semi-orthogonal: its shorter side is orthonormal, and it is the one that maximises
    trace(R^T source^T target). From narrow to wide that is least squares among isometries; from
    wide to narrow it is a projection after a rotation.
    """
    u, _, vt = np.linalg.svd(source.T @ target, full_matrices=False)
    return u @ vt


class Translator(TransformerMixin, BaseEstimator):
    """A map from a source to a target space.

    Args:
        method: `orthogonal` (a rotation with reflection), `linear` (any matrix) or `affine` (any
            matrix and a shift; the same as linear where both spaces are standardised).
        standardise: fit between the spaces after giving each coordinate the mean 0 and standard
            deviation 1 over its own anchors, as the paper does; the target's are put back
            afterwards. Without, the map is fitted on the spaces as they are.

    Attributes:
        weight_: (d, e).
        shift_: (e,), zero unless affine.
    """

    def __init__(self, method: str = "orthogonal", *, standardise: bool = True) -> None:
        self.method = method
        self.standardise = standardise

    def fit(self, source: ArrayLike, target: ArrayLike) -> Translator:
        """Fit on the anchors as the source sees them (K, d) and as the target does (K, e).

        Raises:
            InvisError: unknown method, or arrays that are not rows of the same finite anchors.
        """
        choice("method", self.method, METHODS)
        x, y = pair("source", source, "target", target)
        zero_x, zero_y = np.zeros(x.shape[1], x.dtype), np.zeros(y.shape[1], y.dtype)
        self.source_mean_ = x.mean(axis=0) if self.standardise else zero_x
        self.target_mean_ = y.mean(axis=0) if self.standardise else zero_y
        self.source_scale_ = x.std(axis=0) if self.standardise else zero_x + 1
        self.target_scale_ = y.std(axis=0) if self.standardise else zero_y + 1
        x = (x - self.source_mean_) / _divisor(self.source_scale_)
        y = (y - self.target_mean_) / _divisor(self.target_scale_)
        self.shift_ = zero_y
        if self.method == "orthogonal":
            self.weight_ = orthogonal_map(x, y)
        elif self.method == "linear":
            self.weight_ = linear_map(x, y)
        else:
            # Least squares with a free shift: the shift takes the means to each other.
            mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
            self.weight_ = linear_map(x - mean_x, y - mean_y)
            self.shift_ = mean_y - mean_x @ self.weight_
        return self

    def transform(self, points: ArrayLike) -> Matrix:
        """(N, d) of the source space -> (N, e) of the target space."""
        x = matrix("points", points, len(self.source_mean_)) - self.source_mean_
        y = (x / _divisor(self.source_scale_)) @ self.weight_ + self.shift_
        return y * self.target_scale_ + self.target_mean_

    def inverse_transform(self, points: ArrayLike) -> Matrix:
        """(N, e) of the target space -> (N, d) of the source space.

        Raises:
            InvisError: the map loses a direction of the source, so that no inverse exists.
        """
        rank = int(np.linalg.matrix_rank(self.weight_))
        if rank < len(self.weight_):
            raise InvisError(
                f"method {self.method!r} has no inverse here: its map keeps {rank} of the "
                f"source's {len(self.weight_)} dimensions; fit it the other way round."
            )
        y = matrix("points", points, len(self.target_mean_)) - self.target_mean_
        x = (y / _divisor(self.target_scale_) - self.shift_) @ np.linalg.pinv(self.weight_)
        return x * self.source_scale_ + self.source_mean_


METHODS = ("affine", "linear", "orthogonal")


def _divisor(scale: Matrix) -> Any:
    # A coordinate that no anchor moves (a dead unit) has nothing to be divided by.
    return np.where(scale > 0, scale, 1).astype(scale.dtype)
