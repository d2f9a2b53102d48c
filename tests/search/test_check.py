"""The geometry of the ground truth, and the search that must find it."""

import math

import numpy as np
import pytest

from invis.models.truth import unit_names
from invis.search.check import coverage, expected_index, expected_spread, run_checks


def test_published_values_of_the_geometry() -> None:
    assert expected_index("complex_cell", 0.9, 8) == pytest.approx(1.46, abs=0.005)
    assert expected_index("polarity_cell", 0.9, 8) == pytest.approx(1.08, abs=0.005)
    assert expected_index("polarity_cell", 0.9, 2) == pytest.approx(2.29, abs=0.005)
    assert expected_spread("complex_cell", 0.9) == pytest.approx(1 / math.sqrt(0.19))


def numeric_best(points: np.ndarray, alpha: float) -> float:
    """Index of a set of unit vectors, by its definition."""
    n = len(points)
    d = np.linalg.norm(points[:, None] - points[None], axis=-1) + np.diag([np.inf] * n)
    return d.min(1).mean() / math.sqrt(2 * n / (n - 1) * (1 - alpha**2))


def test_the_set_of_the_derivation_has_the_index_of_the_quadrature_pair() -> None:
    n, alpha = 8, 0.9
    angle = 2 * np.pi * np.arange(n) / n
    outside = math.sqrt(1 - alpha) * (-1.0) ** np.arange(n)
    points = np.stack([*(math.sqrt(alpha) * f(angle) for f in (np.cos, np.sin)), outside], 1)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1)
    np.testing.assert_allclose((points[:, :2] ** 2).sum(1), alpha)
    assert numeric_best(points, alpha) == pytest.approx(expected_index("complex_cell", alpha, n))


def test_the_set_of_the_derivation_has_the_index_of_a_maximum() -> None:
    n, alpha = 8, 0.9
    c = alpha / (n - 1)
    t = math.sqrt(1 - alpha**2 - (n - 1) * c**2)
    simplex = np.eye(n) - 1 / n
    simplex /= np.linalg.norm(simplex, axis=1, keepdims=True)
    points = np.concatenate([(alpha + c) * np.eye(n) - c, t * simplex], axis=1)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1)
    np.testing.assert_allclose(points[:, :n].max(1), alpha)
    assert numeric_best(points, alpha) == pytest.approx(
        expected_index("translation_cell", alpha, n)
    )


def test_coverage_of_a_circle() -> None:
    even = 2 * np.pi * np.arange(8) / 8
    assert coverage("complex_cell", np.stack([np.cos(even), np.sin(even)], 1)) == pytest.approx(1)
    same = np.tile([[1.0, 0.0]], (8, 1))
    assert coverage("complex_cell", same) == pytest.approx(1 / 8)


def test_coverage_of_a_finite_orbit() -> None:
    assert coverage("polarity_cell", np.array([[1.0], [-1.0], [1.0], [1.0]])) == 1
    assert coverage("polarity_cell", np.ones((4, 1))) == 0.5
    assert coverage("rotation_cell", np.eye(8)[[0, 1, 2, 3]]) == 1
    assert coverage("rotation_cell", np.eye(8)[[0, 0, 0, 3]]) == 0.5


def test_the_search_finds_what_is_there_and_claims_nothing_else() -> None:
    rows = run_checks()
    assert [row["unit"] for row in rows] == unit_names()
    for row in rows:
        assert row["passed"], row
