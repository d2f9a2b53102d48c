"""Simulated nulls: whole trajectories, and the scatter of a spectrum in finite dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from invis.errors import InvisError
from invis.models.memory import check_memory
from invis.trajectory.gram import centred
from invis.trajectory.nulls import Null

Array = NDArray[np.float64]


def simulate(
    steps: int,
    dimension: int,
    *,
    gamma: float = 0.0,
    mu: float = 0.0,
    alpha: float = 0.0,
    start: float = 0.0,
    radius: float | None = None,
    step: ArrayLike = 1.0,
    origin: ArrayLike | None = None,
    seed: int = 0,
    dtype: type[np.floating] = np.float64,
) -> NDArray[np.floating]:
    """A trajectory of chance with the point at time 0 and after each of `steps` steps.

    The noise of a step has a mean squared length of `step`^2; `step` is one number, or (steps,)
    numbers. With everything at its default it is the plain random walk.

    Args:
        steps, dimension: how many.
        gamma: momentum.
        mu: length of the constant step of a drift, in units of `step`.
        alpha: pull to the origin.
        start: distance from the origin at time 0, in units of `step`.
        radius: every point is scaled back to this norm (a search for images of fixed contrast);
            the walk then starts on that sphere.
        origin: (dimension,) the point at time 0, in place of `start`.
        seed: of the random numbers.

    Returns:
        (steps + 1, dimension).

    Raises:
        InvisError: if there is nothing to simulate.
    """
    if steps < 1 or dimension < 1:
        raise InvisError(f"steps {steps} and dimension {dimension} must be at least 1.")
    needed = (steps + 8) * dimension * np.dtype(dtype).itemsize
    check_memory(needed, f"steps {steps} in dimension {dimension} need", "ask for fewer")
    rng = np.random.default_rng(seed)
    lengths = np.broadcast_to(np.asarray(step, dtype=np.float64), steps)
    scales = (lengths / np.sqrt(dimension)).astype(dtype)
    # Along the first axis lies what is not random; noise is the same in all directions.
    constant = np.zeros(dimension, dtype=dtype)
    constant[0] = mu * lengths[0]
    x = np.zeros(dimension, dtype=dtype)
    if origin is not None:
        x = np.asarray(origin, dtype=dtype).reshape(dimension)
    elif radius is not None:
        x = rng.standard_normal(dimension, dtype=dtype)
        x *= dtype(radius / np.linalg.norm(x))
    elif start:
        x[-1] = start * lengths[0]
    v = np.zeros(dimension, dtype=dtype)
    out = np.empty((steps + 1, dimension), dtype=dtype)
    out[0] = x
    for t in range(1, steps + 1):
        v = dtype(gamma) * v + scales[t - 1] * rng.standard_normal(dimension, dtype=dtype)
        x = dtype(1 - alpha) * x + v + constant
        if radius is not None:
            x = x * dtype(radius / np.linalg.norm(x))
        out[t] = x
    return out


def spectra(null: Null, dimension: int, samples: int = 200, seed: int = 0) -> Array:
    """(samples, K) explained-variance ratios as they scatter in finitely many dimensions.

    The inner products of a null's noise have a Wishart distribution, so they are drawn without the
    trajectory (Bartlett's decomposition): d may be millions. K = min(T - 1, d).
    """
    rng = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(centred(null.noise))
    factor = vectors[:, 1:] * np.sqrt(np.maximum(values[1:], 0) / dimension)
    along = null.mean - null.mean.mean()
    size = factor.shape[1]
    count = min(size, dimension)
    check_memory(8 * samples * count, f"samples {samples} need", "ask for fewer")
    found = np.empty((samples, count))
    for k in range(samples):
        # One dimension carries the mean; the others are pure noise.
        first = factor @ rng.standard_normal(size) + along
        rest = factor @ _wishart_root(size, dimension - 1, rng)
        drawn = np.linalg.eigvalsh(np.outer(first, first) + rest @ rest.T)[::-1][:count]
        found[k] = drawn / drawn.sum()
    return found


def band(
    null: Null, dimension: int, level: float = 0.95, samples: int = 200, seed: int = 0
) -> tuple[Array, Array]:
    """Lower and upper end (K,), (K,) of the share `level` of simulated ratios of each component."""
    drawn = spectra(null, dimension, samples, seed)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def sphere_band(
    lengths: ArrayLike,
    radius: float,
    dimension: int,
    level: float = 0.95,
    samples: int = 100,
    seed: int = 0,
) -> tuple[Array, Array]:
    """As `band` for a walk on a sphere, the null of an image whose contrast a search keeps fixed.

    Args:
        lengths: (T - 1,) of the steps from each moment to the next.
        radius: of the sphere, in the same unit.
        dimension: of the space around it.
    """
    steps = np.asarray(lengths, dtype=np.float64)
    found = []
    for k in range(samples):
        walked = simulate(len(steps), dimension, radius=radius, step=steps, seed=seed + k)
        values = np.linalg.eigvalsh(centred(walked @ walked.T))[:0:-1][:dimension]
        found.append(values / values.sum())
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _wishart_root(size: int, freedom: int, rng: np.random.Generator) -> Array:
    """A with A A^T ~ Wishart(identity of `size`, `freedom`)."""
    if freedom < size:
        return rng.standard_normal((size, freedom))
    root = np.tril(rng.standard_normal((size, size)), -1)
    root[np.diag_indices(size)] = np.sqrt(rng.chisquare(freedom - np.arange(size)))
    return root
