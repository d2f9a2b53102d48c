"""What a similarity forgives: transform a latent space a little, and see whether it notices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from invis.errors import InvisError
from invis.stitching.checks import Matrix, choice, matrix
from invis.stitching.similarities import SIMILARITIES
from invis.stitching.spaces import RelativeSpace

TRANSFORMATIONS = ("rotation", "permutation", "scaling", "translation", "shear")


def transform_space(
    points: ArrayLike, transformation: str, strength: float, seed: int = 0
) -> Matrix:
    """The latent space (N, d) under a transformation; strength 0 leaves it, 1 is strong.

    rotation: up to a right angle in random planes; permutation: of this share of the coordinates,
    with signs; scaling: by up to 4; translation: by up to 3 RMS norms; shear: the first half of
    the coordinates gets up to 1.5 times the second half added.

    Raises:
        InvisError: unknown transformation, a strength outside 0..1, or fewer than two dimensions.
    """
    x = matrix("points", points)
    choice("transformation", transformation, TRANSFORMATIONS)
    width = x.shape[1]
    if not 0 <= strength <= 1:
        raise InvisError(f"strength {strength} is not possible; it must be from 0 to 1.")
    if width < 2:
        raise InvisError("points has 1 dimension; at least 2 are needed to turn or to mix them.")
    rng = np.random.default_rng(seed)
    half = width // 2
    if transformation == "scaling":
        return x * (1 + 3 * strength)
    if transformation == "translation":
        direction = rng.normal(size=width)
        size = math.sqrt(np.square(x).sum(axis=1).mean()) / np.linalg.norm(direction)
        return x + 3 * strength * size * direction
    if transformation == "shear":
        mixing = np.eye(width)
        mixing[half : 2 * half, :half] += 1.5 * strength * np.eye(half)
        return x @ mixing
    if transformation == "permutation":
        count = round(strength * width)
        chosen = rng.permutation(width)[:count]
        signs = np.where(rng.random(count) < 0.5, -1, 1)
        permuted = x.copy()
        permuted[:, chosen] = x[:, np.roll(chosen, 1)] * signs
        return permuted
    basis = np.linalg.qr(rng.normal(size=(width, width)))[0]
    angle = strength * math.pi / 2
    turn = np.eye(width)
    a, b = np.arange(half), np.arange(half, 2 * half)
    turn[a, a] = turn[b, b] = math.cos(angle)
    turn[a, b], turn[b, a] = math.sin(angle), -math.sin(angle)
    return x @ (basis @ turn @ basis.T)


def agreement(before: Matrix, after: Matrix) -> float:
    """1 where relative coordinates are unchanged, 0 where they change as much as they vary.

    1 - RMS(after - before) / SD(before), not below 0.
    """
    change = math.sqrt(np.square(after - before).mean())
    deviation = float(before.std())
    return max(0.0, 1 - change / deviation) if deviation > 0 else float(change == 0)


def forgiveness(
    points: ArrayLike,
    anchors: ArrayLike,
    transformation: str,
    strengths: Sequence[float] = tuple(np.linspace(0, 1, 11)),
    *,
    similarities: Sequence[str] = tuple(SIMILARITIES),
    centre: bool = True,
    scale: bool = True,
    seed: int = 0,
) -> NDArray[np.float64]:
    """(S, T) agreement of each similarity's relative space before and after, for each strength.

    Args:
        points, anchors: (N, d) and (K, d), both transformed together.
        transformation: see `transform_space`.
        strengths: (T,) from 0 to 1.
        similarities: (S,).
        centre, scale: as in RelativeSpace; without them, what the bare similarity forgives.
        seed: of the planes, the permutation and the direction.
    """
    anchors = matrix("anchors", anchors)
    x = matrix("points", points, anchors.shape[1])
    both = np.concatenate([x, anchors]).astype(np.float64)
    spaces = [RelativeSpace(name, centre=centre, scale=scale) for name in similarities]
    before = [space.fit(both[len(x) :]).transform(both[: len(x)]) for space in spaces]
    values = np.empty((len(spaces), len(strengths)))
    for j, strength in enumerate(strengths):
        moved = transform_space(both, transformation, strength, seed)
        for i, space in enumerate(spaces):
            after = space.fit(moved[len(x) :]).transform(moved[: len(x)])
            values[i, j] = agreement(before[i], after)
    return values
