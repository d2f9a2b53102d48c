"""What PCA shows of movements without any purpose: four nulls with their exact spectra.

All of them take steps of independent noise whose squared length, summed over the parameters, has
mean 1 (a common factor changes no explained-variance ratio). With far more dimensions than steps
the centred inner products are those of the expected covariance over time, (T, T), so spectrum and
course of each component follow from a small matrix, at whatever times checkpoints were taken.

For n steps of the plain walk, Antognini and Sohl-Dickstein (NeurIPS 2018, arXiv 1806.08805): the
eigenvalues are 1 / (4 sin^2(pi k / (2 n))), the ratios tend to 6 / (pi^2 k^2), and the course of
component k is a cosine of k half periods, so that two components trace a Lissajous curve.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from invis.errors import InvisError
from invis.trajectory.gram import centred

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Null:
    """A movement of chance, observed at T times.

    Attributes:
        name: `walk`, `momentum`, `drift` or `ou`.
        times: (T,) in steps, from 0.
        noise: (T, T) covariance of the random part, summed over dimensions.
        mean: (T,) the part that is not random, along one direction.
        parameters: by name.
    """

    name: str
    times: Array
    noise: Array
    mean: Array
    parameters: dict[str, float] = field(default_factory=dict)

    @property
    def covariance(self) -> Array:
        """(T, T) expected inner products of the centred points."""
        return centred(self.noise + np.outer(self.mean, self.mean))

    @cached_property
    def eigenvalues(self) -> Array:
        """(T - 1,) expected sums of squares along each component, decreasing."""
        return np.maximum(np.linalg.eigvalsh(self.covariance)[:0:-1], 0)

    @property
    def ratios(self) -> Array:
        """(T - 1,) explained-variance ratios."""
        return self.eigenvalues / self.eigenvalues.sum()

    @cached_property
    def curves(self) -> Array:
        """(T, T - 1) unit vectors: the course of each component; each begins negative."""
        vectors = np.linalg.eigh(self.covariance)[1][:, :0:-1]
        return vectors * np.where(vectors[0] > 0, -1.0, 1.0)


def walk(times: ArrayLike) -> Null:
    """The random walk x_t = x_(t-1) + xi_t: covariance min(s, t)."""
    t = checked_times(times)
    return Null("walk", t, np.minimum.outer(t, t), np.zeros_like(t))


def momentum(times: ArrayLike, gamma: float) -> Null:
    """A walk with momentum: x_t = x_(t-1) + v_t, v_t = gamma v_(t-1) + xi_t, from rest.

    The noise of step u has moved the walk by (1 - gamma^(m+1)) / (1 - gamma) after m more steps;
    the covariance sums the products of that over all u.

    Args:
        times: (T,) in steps.
        gamma: in [0, 1).
    """
    if not 0 <= gamma < 1:
        raise InvisError(f"gamma is {gamma!r}: momentum lies in [0, 1).")
    t = checked_times(times)
    early, late = np.minimum.outer(t, t), np.maximum.outer(t, t)
    behind = gamma ** (late - early)
    sums = (
        early
        - (1 + behind) * gamma * (1 - gamma**early) / (1 - gamma)
        + behind * gamma**2 * (1 - gamma ** (2 * early)) / (1 - gamma**2)
    )
    return Null("momentum", t, sums / (1 - gamma) ** 2, np.zeros_like(t), {"gamma": gamma})


def drift(times: ArrayLike, mu: float) -> Null:
    """A walk with a constant step: x_t = x_(t-1) + m + xi_t, |m| = mu.

    Args:
        times: (T,) in steps.
        mu: length of the constant step, in units of the noise's root mean square length.
    """
    if not mu >= 0:
        raise InvisError(f"mu is {mu!r}: the drift is a length, at least 0.")
    t = checked_times(times)
    return Null("drift", t, np.minimum.outer(t, t), mu * t, {"mu": mu})


def ou(times: ArrayLike, alpha: float, start: float = 0.0) -> Null:
    """Ornstein-Uhlenbeck: x_t = (1 - alpha) x_(t-1) + xi_t, a walk that is pulled to the minimum.

    In many dimensions it does not arrive: the squared distance settles at 1 / (1 - (1 - alpha)^2).

    Args:
        times: (T,) in steps.
        alpha: strength of the pull, in (0, 1].
        start: distance from the minimum at time 0, in units of the noise's root mean square length.
    """
    if not 0 < alpha <= 1 or not start >= 0:
        raise InvisError(
            f"alpha is {alpha!r} and start {start!r}: the pull lies in (0, 1], the distance is at "
            "least 0."
        )
    t = checked_times(times)
    keep = 1 - alpha
    early, late = np.minimum.outer(t, t), np.maximum.outer(t, t)
    settled = (1 - keep**2) if alpha < 1 else 1.0
    noise = keep ** (late - early) * (1 - keep ** (2 * early)) / settled
    return Null("ou", t, noise, start * keep**t, {"alpha": alpha, "start": start})


def checked_times(times: ArrayLike) -> Array:
    """Times from 0 on; raises InvisError unless there are two and they increase."""
    t = np.asarray(times, dtype=np.float64)
    if t.ndim != 1 or len(t) < 2 or not np.isfinite(t).all() or (np.diff(t) <= 0).any():
        raise InvisError(f"times are {np.asarray(times).tolist()!r}: give at least 2, increasing.")
    return t - t[0]


def walk_eigenvalues(n: int) -> Array:
    """(n - 1,) eigenvalues of the centred inner products of n successive points of a walk."""
    return 1 / (4 * np.sin(np.pi * np.arange(1, n) / (2 * n)) ** 2)


def walk_curve(n: int, k: int) -> Array:
    """(n,) the course of component k = 1, 2, ...: a cosine of k half periods, of unit length."""
    return -np.sqrt(2 / n) * np.cos(np.pi * k * (np.arange(1, n + 1) - 0.5) / n)


def limit_ratios(count: int) -> Array:
    """(count,) 6 / (pi^2 k^2), the walk's explained-variance ratios for many steps."""
    return 6 / (np.pi * np.arange(1, count + 1)) ** 2


def momentum_eigenvalues(n: int, gamma: float) -> Array:
    """(n - 1,) those of the walk times 1 / (1 + gamma^2 - 2 gamma cos(pi k / n)).

    An approximation, good for n (1 - gamma) >= 25; `momentum` is exact.
    """
    angle = np.pi * np.arange(1, n) / n
    return walk_eigenvalues(n) / (1 + gamma**2 - 2 * gamma * np.cos(angle))


def ou_distance(alpha: float) -> float:
    """Mean squared distance at which the process settles, in units of the noise's."""
    return 1 / (1 - (1 - alpha) ** 2)
