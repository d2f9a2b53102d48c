"""Kappa of sets that are known in closed form; heaps and packings of linear units."""

import math

import numpy as np
import pytest

from invis.search.geometry import index_in_pixels
from invis.search.null import null_distance
from invis.search.tolerance import cap_width, heaps, intervals, kappa, kappas, packing_limit

FLOORS = np.array([0.8, 0.9, 0.95, 0.98])


def simplex(count: int) -> np.ndarray:
    corners = np.eye(count) - 1 / count
    return corners / np.linalg.norm(corners, axis=1, keepdims=True)


def linear_set(alpha: float, count: int = 8) -> np.ndarray:
    """(N, N + 1) the best set of a linear unit: a simplex around it."""
    first = np.full((count, 1), alpha)
    return np.concatenate([first, math.sqrt(1 - alpha**2) * simplex(count)], 1)


def known(unit: str, count: int = 8) -> np.ndarray:
    """(F,) the distances of a ground-truth unit's best sets, by geometry."""
    null = [null_distance(np.ones(count), 1.0, alpha) for alpha in FLOORS]
    return np.array([index_in_pixels(unit, alpha, count) for alpha in FLOORS]) * null


def test_a_linear_unit_has_kappa_0_in_both_distances() -> None:
    sets = np.array([linear_set(alpha) for alpha in FLOORS])
    np.testing.assert_allclose(kappas(FLOORS, sets), 0, atol=1e-12)
    np.testing.assert_allclose(intervals(FLOORS, sets), 0, atol=1e-6)


def test_a_smooth_maximum_has_kappa_0_however_broad() -> None:
    # Close to a maximum 1 - f is a quadratic form: d^2 is proportional to 1 - alpha.
    close = np.array([0.98, 0.99, 0.995, 0.999])
    assert kappa(close, 30 * np.sqrt(1 - close)) == pytest.approx(0, abs=0.005)
    assert kappa(FLOORS, 30 * np.sqrt(1 - FLOORS)) == pytest.approx(-0.042, abs=0.001)


def test_two_maxima_of_eight_images_have_kappa_0_and_that_of_the_spread_is_1() -> None:
    assert kappa(FLOORS, known("polarity_cell")) == pytest.approx(0, abs=1e-9)
    spread = [1 / math.sqrt(1 - a**2) * null_distance(np.ones(8), 1.0, a) for a in FLOORS]
    assert kappa(FLOORS, np.array(spread)) == pytest.approx(1, abs=1e-9)


def test_as_many_maxima_as_images_have_kappa_1() -> None:
    assert kappa(FLOORS, known("translation_cell")) == pytest.approx(1, abs=1e-9)


def test_an_orbit_has_kappa_between_and_goes_to_1_with_the_floor() -> None:
    assert kappa(FLOORS, known("complex_cell")) == pytest.approx(0.705, abs=0.001)
    higher = np.array([0.99, 0.999, 0.9999])
    null = [null_distance(np.ones(8), 1.0, alpha) for alpha in higher]
    orbit = np.array([index_in_pixels("complex_cell", alpha, 8) for alpha in higher]) * null
    assert kappa(higher, orbit) > 0.97


def test_kappa_needs_two_floors_and_distances() -> None:
    assert math.isnan(kappa(FLOORS[:1], np.ones(1)))
    assert math.isnan(kappa(FLOORS, np.array([1, 1, 1, 0])))


def test_the_interval_tells_that_kappa_hangs_on_one_image() -> None:
    sets = np.array([linear_set(alpha) for alpha in FLOORS])
    sets[:, 0] = -np.eye(9)[0]
    (low, high), _ = intervals(FLOORS, sets)
    middle, _ = kappas(FLOORS, sets)
    assert low < middle < high
    assert high - low > 0.5


@pytest.mark.parametrize("alpha", FLOORS)
def test_a_linear_unit_has_one_heap_and_a_polarity_cell_two(alpha: float) -> None:
    one = linear_set(alpha)
    assert set(heaps(one, cap_width(alpha))) == {0}
    both = np.concatenate([one, -one])
    assert heaps(both, cap_width(alpha)).tolist() == [0] * 8 + [1] * 8


@pytest.mark.parametrize("count", [2, 3, 8, 20])
def test_a_linear_unit_holds_as_many_images_as_its_simplex_has(count: int) -> None:
    apart = null_distance(np.ones(count), 1.0, 0.9)
    assert packing_limit(apart, 0.9) == count
    assert packing_limit(apart * 1.001, 0.9) < count


def test_a_linear_unit_holds_one_image_where_its_cap_is_narrower_and_any_number_close_by() -> None:
    assert packing_limit(cap_width(0.9) * 1.01, 0.9) == 1
    assert packing_limit(math.sqrt(2 * (1 - 0.9**2)), 0.9) is None
