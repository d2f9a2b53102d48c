"""The oracle of `invis check` against sets that were derived by hand.

Where the filters are orthonormal, with N even:

*|w.x|.* Images of both signs are far apart, so the nearest neighbour has the same sign. With N / 2
of each, a simplex of N / 2 images each: d^2 = 2 (N/2) / (N/2 - 1) (1 - alpha^2), for N = 2 the two
poles, d = 2. (One image of one sign and the others of the other have a larger *mean* nearest
distance, bought by a single distant image, and a smaller smallest one.)

*Quadrature pair.* The response alpha needs a component of squared length alpha in the plane of w1
and w2, at any angle; 1 - alpha is left outside. Angles 2 pi i / N and, outside the plane, +e and -e
in turn give neighbours at d^2 = 2 alpha (1 - cos(2 pi / N)) + 4 (1 - alpha), the best as long as
images two steps away are no closer, 2 alpha (1 - cos(4 pi / N)).

*Maximum over K >= N.* x_i = alpha w_i - c sum_(j != i) w_j + t e_i with a simplex e_i outside,
t^2 = 1 - alpha^2 - (N - 1) c^2. At c = alpha / (N - 1) the images sum to zero and all inner
products are -1 / (N - 1): the simplex of all N. It needs t^2 >= 0, that is N >= 1 / (1 - alpha^2).

*Spread.* sum over pairs |x_i - x_j|^2 = N^2 - |sum x_i|^2 is largest where the images sum to zero:
spread = 1 / sqrt(1 - alpha^2).
"""

import math

import numpy as np
import pytest

from invis.search.geometry import best_of_energy, best_of_members

POLES = [[1, -1], [-1, 1]]
FLOORS = [0.7, 0.9, 0.98]


def close(value: float) -> object:
    return pytest.approx(value, rel=0.01)


def largest_spread(alpha: float) -> float:
    return 1 / math.sqrt(1 - alpha**2)


def null(alpha: float, images: int) -> float:
    return math.sqrt(2 * images / (images - 1) * (1 - alpha**2))


@pytest.mark.parametrize("alpha", FLOORS)
@pytest.mark.parametrize("images", [2, 8])
def test_a_linear_unit_has_the_simplex_and_no_more(alpha, images):
    best = best_of_members([[7.0]], alpha, images)
    assert best.index == close(1)
    assert best.spread == close(1)


@pytest.mark.parametrize("alpha", FLOORS)
@pytest.mark.parametrize("images", [2, 4, 8])
def test_polarity_has_two_heaps(alpha, images):
    half = images // 2
    apart = math.sqrt(2 * half / (half - 1) * (1 - alpha**2)) if half > 1 else 2
    best = best_of_members(POLES, alpha, images)
    assert best.index == close(apart / null(alpha, images))
    assert best.spread == close(largest_spread(alpha))


def on_the_circle(alpha: float, images: int) -> np.ndarray:
    """The set of the derivation, (N, 3)."""
    angle = 2 * np.pi * np.arange(images) / images
    outside = math.sqrt(1 - alpha) * (-1.0) ** np.arange(images)
    return np.stack([*(math.sqrt(alpha) * f(angle) for f in (np.cos, np.sin)), outside], 1)


def smallest_distance(points: np.ndarray) -> float:
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return apart[~np.eye(len(points), dtype=bool)].min()


@pytest.mark.parametrize(("alpha", "images"), [(0.7, 4), (0.9, 4), (0.9, 8), (0.98, 8)])
def test_a_quadrature_pair_has_a_circle(alpha, images):
    neighbours = 2 * alpha * (1 - math.cos(2 * math.pi / images)) + 4 * (1 - alpha)
    assert smallest_distance(on_the_circle(alpha, images)) == pytest.approx(math.sqrt(neighbours))
    best = best_of_energy(np.eye(2), alpha, images)
    assert best.index == close(math.sqrt(neighbours) / null(alpha, images))
    assert best.spread == close(largest_spread(alpha))


def test_the_published_values():
    assert best_of_energy(np.eye(2), 0.9, 8).index == pytest.approx(1.461, abs=0.005)
    assert best_of_members(POLES, 0.9, 8).index == pytest.approx(1.080, abs=0.005)
    assert best_of_members(POLES, 0.9, 2).index == pytest.approx(2.294, abs=0.005)


@pytest.mark.parametrize(("alpha", "members"), [(0.7, 8), (0.9, 8), (0.9, 9)])
def test_a_maximum_has_the_simplex_of_all(alpha, members):
    n = 8
    c = alpha / (n - 1)
    t = math.sqrt(1 - alpha**2 - (n - 1) * c**2)
    simplex = np.eye(n) - 1 / n
    simplex /= np.linalg.norm(simplex, axis=1, keepdims=True)
    points = np.concatenate([(alpha + c) * np.eye(n) - c, t * simplex], axis=1)
    assert smallest_distance(points) == pytest.approx(math.sqrt(2 * n / (n - 1)))
    best = best_of_members(np.eye(members), alpha, n)
    assert best.index == close(largest_spread(alpha))
    assert best.spread == close(largest_spread(alpha))


def test_two_members_cannot_be_opposite_at_a_high_floor():
    """x = alpha w_i - sqrt(1 - alpha^2) w_j for two images: d^2 = 2 + 4 alpha sqrt(1 - alpha^2)."""
    apart = math.sqrt(2 + 4 * 0.9 * math.sqrt(0.19))
    assert best_of_members(np.eye(2), 0.9, 2).index == close(apart / null(0.9, 2))


def test_what_cannot_reach_the_level_does_not_count():
    alone, with_weak = ([[1.0]], [[1.0, 0.0], [0.0, 0.8]])
    assert best_of_members(with_weak, 0.9, 8).index == close(best_of_members(alone, 0.9, 8).index)
    assert best_of_members(with_weak, 0.85, 8).index > 0.999
    assert best_of_members(with_weak, 0.85, 8).spread > 1.5


def test_a_circle_whose_weak_axis_is_short_leaves_two_poles():
    poles = best_of_energy(np.diag([1.0, 0.0]), 0.9, 8)
    # f = (w.x)^2 at 0.9 is |w.x| at its root.
    linear = best_of_members(POLES, math.sqrt(0.9), 8)
    ratio = null(0.9, 8) / null(math.sqrt(0.9), 8)
    assert poles.index * ratio == close(linear.index)
    short, long = (best_of_energy(np.diag([1.0, weak]), 0.9, 8) for weak in (0.3, 0.95))
    assert poles.index <= 1.001 * short.index < long.index


def test_only_the_shape_of_the_filters_counts():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    gram = np.diag([1.0, 0.97])
    turned = 5 * turn @ gram @ turn.T
    assert best_of_energy(turned, 0.9, 4).index == close(best_of_energy(gram, 0.9, 4).index)
