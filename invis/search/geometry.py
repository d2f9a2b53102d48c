"""The best sets of units whose filters are known, found from their geometry alone.

An oracle for `invis check`. In the coordinates of a metric a filter w_k responds with s_k . v, s_k
the adjoint of the metric's `image` on it. Only the Gram matrix of the s_k matters: N unit vectors
need their span and N more dimensions. Two kinds of units cover the ground truth:

*Strongest member*, f = max_k s_k . v. With image i assigned to member k the level is a small
circle, and the best set is a convex problem in the Gram matrix of the images.

*Energy*, f = sum_k (s_k . v)^2. With eigenvalues l_1 >= l_2 ... of the Gram matrix the level c l_1
is the ellipsoid y_k = sqrt(c l_1 / l_k) e_k, |e| = 1, as far as |y| <= 1.

On both a set is written without constraints, and a repulsive energy of rising power, minimised from
many starts by L-BFGS, makes its smallest distance large. All images respond at one level, as the
null assumes and a search aims at: a set that is more excited has another null.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from torch import Tensor

STARTS = 24
POWERS = (2.0, 8.0, 32.0, 128.0)
MOST_ITERATIONS = 400

Place = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Best:
    """What geometry allows a set.

    Attributes:
        index: of the set whose smallest distance is largest.
        spread: the largest of any set.
    """

    index: float
    spread: float


def index_in_pixels(unit: str, alpha: float, images: int) -> float:
    """The best index of a ground-truth unit whose filters are orthonormal, in closed form; N even.

    Against the linear null d0^2 = 2 N / (N - 1) (1 - alpha^2): the simplex of all images (a maximum
    over K >= N filters, N >= 1 / (1 - alpha^2)), one simplex for each sign (polarity), and angles
    2 pi i / N with +e and -e outside the plane in turn (quadrature pairs of phase or hue).
    """
    null = math.sqrt(2 * images / (images - 1) * (1 - alpha**2))
    if unit == "simple_cell":
        return 1.0
    if unit == "polarity_cell":
        half = images // 2
        return (math.sqrt(2 * half / (half - 1) * (1 - alpha**2)) if half > 1 else 2.0) / null
    if unit in ("complex_cell", "hue_cell"):
        turn = 2 * alpha * (1 - math.cos(2 * math.pi / images))
        return math.sqrt(turn + 4 * (1 - alpha)) / null
    return 1 / math.sqrt(1 - alpha**2)


def best_of_members(gram: ArrayLike, level: float, images: int, seed: int = 0) -> Best:
    """The best set of f = max_k s_k . v.

    Args:
        gram: (K, K) inner products of the s_k; |s . v| has the members s and -s.
        level: response of the images as a share of the largest, in (0, 1).
        images: N.
        seed: of the starts.
    """
    roots = _roots(gram)
    norms = np.linalg.norm(roots, axis=1)
    needed = level * norms.max() / norms
    reached = np.flatnonzero(needed < 1)
    rng = np.random.default_rng(seed)
    reached = reached[np.argsort(-norms[reached], kind="stable")]
    chosen = []
    for start in range(STARTS):
        # Alike members want even heaps; a weak one may not be worth its heap.
        some = len(reached) if start % 2 else 1 + start // 2 % len(reached)
        rounds = -(-images // some)
        heaps = np.concatenate([rng.permutation(reached[:some]) for _ in range(rounds)])
        chosen.append(heaps[:images])
    which = torch.from_numpy(np.stack(chosen))
    axes = torch.from_numpy(roots / norms[:, None])
    axes = torch.nn.functional.pad(axes, (0, images))[which]
    along = torch.from_numpy(needed)[which][..., None]

    def place(y: Tensor) -> Tensor:
        aside = y - (y * axes).sum(-1, keepdim=True) * axes
        return along * axes + (1 - along.square()).sqrt() * _unit(aside)

    return _best(place, axes.shape, level, rng)


def best_of_energy(gram: ArrayLike, level: float, images: int, seed: int = 0) -> Best:
    """The best set of f = sum_k (s_k . v)^2; arguments as for `best_of_members`."""
    squares = np.linalg.eigvalsh(np.asarray(gram, dtype=np.float64))[::-1]
    squares = squares[squares > 1e-9 * squares[0]]
    k = len(squares)
    stretch = torch.from_numpy(squares[0] / squares)
    # Along a weak axis the level leaves the sphere where y would be longer than 1.
    longest = ((1 / level - 1) / (stretch[1:] - 1).clamp_min(1e-12)).clamp(max=1).sqrt()
    # It then falls apart into two poles, and an image stays at its own.
    rng = np.random.default_rng(seed)
    apart = k == 1 or bool((longest < 1).any())
    poles = [rng.permutation(np.resize([1.0, -1.0], images)) for _ in range(STARTS)]
    pole = torch.from_numpy(np.stack(poles))[..., None]

    def place(y: Tensor) -> Tensor:
        e = _unit(y[..., :k])
        weak = longest * e[..., 1:]
        first = _root(1 - weak.square().sum(-1, keepdim=True))
        side = pole if apart else torch.where(e[..., :1] < 0, -1.0, 1.0)
        e = torch.cat([side * first, weak], -1)
        inside = (level * stretch).sqrt() * e
        left = _root(1 - inside.square().sum(-1, keepdim=True))
        return torch.cat([inside, left * _unit(y[..., k:])], -1)

    return _best(place, (STARTS, images, k + images), level, rng)


def _repelled(v: Tensor, power: float) -> Tensor:
    """The energies of all starts, added up."""
    return _repulsion(v, power).sum()


def _best(place: Place, shape: tuple[int, ...], level: float, rng: np.random.Generator) -> Best:
    """Minimise the energies of all starts (S, N, D) at once; the best of them counts."""
    n = shape[1]
    start = rng.normal(size=shape)
    y = start
    for power in POWERS:
        y = _minimise(partial(_repelled, power=power), place, y)
    distances = _distances(place(torch.from_numpy(y)))
    closest = distances.amin(-1)
    winner = int(closest.amin(-1).argmax())
    sums = place(torch.from_numpy(_minimise(lambda v: _sum(v).sum(), place, start)))
    null = math.sqrt(2 * n / (n - 1) * (1 - level**2))
    farthest = math.sqrt(2 / (n * (n - 1)) * (n**2 - float(_sum(sums).min())))
    return Best(float(closest[winner].mean()) / null, farthest / null)


def _minimise(
    energy: Callable[[Tensor], Tensor], place: Place, start: NDArray[np.float64]
) -> NDArray[np.float64]:
    def value(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        y = torch.from_numpy(flat).view(start.shape).requires_grad_()
        found = energy(place(y))
        (slope,) = torch.autograd.grad(found, y)
        return found.item(), slope.flatten().numpy()

    options = {"maxiter": MOST_ITERATIONS, "maxcor": 20}
    done = minimize(value, start.flatten(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(done.x).reshape(start.shape)


def _repulsion(v: Tensor, power: float) -> Tensor:
    """(S, N, D) -> (S,) the logarithm of the power mean of 1 / distance, over pairs."""
    return torch.logsumexp(-power * _distances(v).log().flatten(1), 1) / power


def _sum(v: Tensor) -> Tensor:
    """(S, N, D) -> (S,) |sum_i v_i|^2; N^2 less it is the sum of squared distances of pairs."""
    return v.sum(1).square().sum(-1)


def _distances(v: Tensor) -> Tensor:
    """(S, N, D) -> (S, N, N), with infinity on the diagonal."""
    squared = 2 - 2 * v @ v.transpose(1, 2)
    same = torch.eye(v.shape[1], dtype=torch.bool)
    return squared.clamp_min(1e-12).masked_fill(same, torch.inf).sqrt()


def _roots(gram: ArrayLike) -> NDArray[np.float64]:
    """(K, K) vectors with these inner products."""
    values, axes = np.linalg.eigh(np.asarray(gram, dtype=np.float64))
    return np.asarray(axes * np.sqrt(values.clip(0)))


def _root(y: Tensor) -> Tensor:
    return y.clamp_min(1e-12).sqrt()


def _unit(y: Tensor) -> Tensor:
    return y / y.norm(dim=-1, keepdim=True).clamp_min(1e-12)
