"""No affine unit exceeds the null, and a simplex in the directions that it ignores reaches it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invis.search.null import measure, nearest, null_distance, pairwise


def simplex(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """(count, size) unit vectors with all distances equal, in a random frame."""
    corners = np.eye(count) - 1 / count
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    frame = np.linalg.qr(rng.normal(size=(size, count)))[0]
    return corners @ frame.T


def test_distances_are_numpys():
    x = np.random.default_rng(0).normal(size=(6, 40))
    by_hand = np.array([[np.linalg.norm(a - b) for b in x] for a in x])
    np.testing.assert_allclose(pairwise(x), by_hand, atol=1e-12)
    expected = [min(by_hand[i, j] for j in range(6) if j != i) for i in range(6)]
    np.testing.assert_allclose(nearest(pairwise(x)), expected)


@pytest.mark.parametrize("alpha", [0.3, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("count", [2, 4, 8, 16])
def test_a_simplex_that_the_unit_ignores_reaches_the_bound(alpha, count):
    rng = np.random.default_rng(count)
    radius, w = 345.0, rng.normal(size=60)
    w /= np.linalg.norm(w)
    ignored = simplex(count, 60, rng)
    ignored -= np.outer(ignored @ w, w)
    ignored = np.linalg.qr(ignored.T)[0][:, : count - 1]
    corners = simplex_in(ignored, count)
    images = radius * (alpha * w + math.sqrt(1 - alpha**2) * corners)
    found = measure(images, radius, float((images @ w).mean() / radius))
    assert found.beta == pytest.approx(alpha, abs=1e-12)
    assert found.index == pytest.approx(1, abs=1e-10)
    assert found.spread == pytest.approx(1, abs=1e-10)
    closed_form = math.sqrt(2 * count / (count - 1) * (1 - alpha**2))
    assert found.null_distance == pytest.approx(closed_form, abs=1e-12)
    assert found.reason == ""


def simplex_in(frame: np.ndarray, count: int) -> np.ndarray:
    """(count, D) corners of a regular simplex in the span of a frame (D, count - 1)."""
    corners = np.eye(count) - 1 / count
    axes = np.linalg.svd(corners)[2][: count - 1]
    flat = corners @ axes.T
    return flat / np.linalg.norm(flat, axis=1, keepdims=True) @ frame.T


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(2, 12),
    size=st.integers(2, 30),
    closeness=st.floats(0, 30),
    unequal=st.booleans(),
    bias=st.floats(-100, 100),
)
def test_no_set_of_an_affine_unit_exceeds_1(seed, count, size, closeness, unequal, bias):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=size)
    radius = 50.0
    images = rng.normal(size=(count, size)) + closeness * w / np.linalg.norm(w)
    images *= radius / np.linalg.norm(images, axis=1, keepdims=True)
    if unequal:
        images *= rng.uniform(0.2, 1.0, size=(count, 1))
    responses, grey, free = images @ w + bias, bias, radius * np.linalg.norm(w) + bias
    beta = float((responses.mean() - grey) / (free - grey))
    found = measure(images, radius, beta)
    if found.reason:
        assert not 0 < beta < 1 or found.null_distance != found.null_distance
        assert math.isnan(found.index)
        assert math.isnan(found.spread)
    else:
        assert found.index <= found.spread + 1e-9
        # Close to beta = 1 both sides vanish, and rounding decides.
        assert found.spread <= 1 + 1e-6 or found.null_distance < 1e-5


@pytest.mark.parametrize("beta", [-0.2, 0.0, 1.0, 1.3, math.nan])
def test_without_a_beta_between_0_and_1_there_is_no_null_and_a_reason(beta):
    images = np.random.default_rng(0).normal(size=(5, 20))
    found = measure(images, 4.0, beta)
    assert "beta" in found.reason
    assert math.isnan(found.index)
    assert math.isnan(found.spread)
    assert math.isnan(found.null_distance)
    assert found.distance > 0
    assert found.rms_distance >= found.distance


def test_measured_norms_count_not_the_nominal_ones():
    norms = np.array([9.0, 10.0, 11.0, 10.0])
    by_hand = 2 / (4 * 3) * (4 * (81 + 100 + 121 + 100) - (4 * 10 * 0.8) ** 2)
    assert null_distance(norms, 10.0, 0.8) == pytest.approx(math.sqrt(by_hand))


def test_polarity_is_seen_by_both_measures_at_two_images_and_by_spread_at_more():
    w = np.zeros(20)
    w[0] = 1
    alpha, outside = 0.9, math.sqrt(1 - 0.81)
    pair = np.stack([w, -w]) * alpha
    pair[:, 1] = outside * np.array([1, -1])
    assert measure(pair, 1.0, alpha).index == pytest.approx(2.294, abs=1e-3)
    corners = simplex_in(np.eye(20)[:, 1:4], 4)
    eight = np.concatenate([alpha * w + outside * corners, -alpha * w + outside * corners])
    found = measure(eight, 1.0, alpha)
    assert found.index == pytest.approx(math.sqrt(7 / 6), abs=1e-9)
    assert found.spread == pytest.approx(1 / outside, abs=1e-9)
