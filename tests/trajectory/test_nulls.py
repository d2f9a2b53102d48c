"""The nulls against closed forms, against their own definitions, and against simulations."""

import numpy as np
import pytest

from invis.errors import InvisError
from invis.trajectory import nulls
from invis.trajectory.gram import centred
from invis.trajectory.simulate import band, simulate, spectra, sphere_band

STEPS, DIMENSION, SEEDS = 500, 20_000, 8
UNEVEN = np.array([0, 1, 2, 4, 7, 11, 30, 31, 55, 80, 120])


def spectrum(points):
    """Eigenvalues of the centred inner products, decreasing; in float64 from any type."""
    inner = points @ points.T
    return np.linalg.eigvalsh(centred(inner.astype(np.float64)))[::-1]


def first_ten(expected, **movement):
    """(SEEDS, 10) simulated eigenvalues over the expected ones."""
    found = []
    for seed in range(SEEDS):
        x = simulate(STEPS - 1, DIMENSION, seed=seed, dtype=np.float32, **movement)
        found.append(spectrum(x)[:10] / expected[:10])
    return np.array(found)


def test_walk_has_its_closed_form():
    null = nulls.walk(np.arange(STEPS))
    np.testing.assert_allclose(null.eigenvalues, nulls.walk_eigenvalues(STEPS), rtol=1e-9)
    assert null.eigenvalues.sum() == pytest.approx((STEPS**2 - 1) / 6)
    for k in (1, 2, 3, 7):
        np.testing.assert_allclose(null.curves[:, k - 1], nulls.walk_curve(STEPS, k), atol=1e-8)


def test_walk_ratios_tend_to_the_limit():
    ratios = nulls.walk(np.arange(STEPS)).ratios
    np.testing.assert_allclose(ratios[:3], [0.608, 0.152, 0.068], atol=0.01)
    np.testing.assert_allclose(ratios[:5], nulls.limit_ratios(5), atol=1e-3)
    np.testing.assert_allclose(
        nulls.limit_ratios(5), [0.608, 0.152, 0.068, 0.038, 0.024], atol=5e-4
    )


def test_two_components_trace_a_lissajous_curve():
    """With x = cos(a) and y = cos(2 a), y = 2 x^2 - 1: the paper's parabola."""
    x, y = (nulls.walk_curve(STEPS, k) * np.sqrt(STEPS / 2) for k in (1, 2))
    np.testing.assert_allclose(-y, 2 * x**2 - 1, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9])
def test_momentum_is_the_covariance_of_its_recursion(gamma):
    """Each noise contributes through v_t = gamma v_(t-1) + xi_t; superpose all of them."""
    count = 40
    noise = np.eye(count)
    v, x, points = np.zeros(count), np.zeros(count), [np.zeros(count)]
    for xi in noise:
        v = gamma * v + xi
        x = x + v
        points.append(x)
    found = nulls.momentum(np.arange(count + 1), gamma).noise
    np.testing.assert_allclose(found, np.array(points) @ np.array(points).T, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("alpha", [0.01, 0.3, 1.0])
def test_ou_is_the_covariance_of_its_recursion(alpha):
    count, start = 40, 3.0
    x, mean, points, means = np.zeros(count), start, [np.zeros(count)], [start]
    for xi in np.eye(count):
        x, mean = (1 - alpha) * x + xi, (1 - alpha) * mean
        points.append(x)
        means.append(mean)
    null = nulls.ou(np.arange(count + 1), alpha, start)
    np.testing.assert_allclose(null.noise, np.array(points) @ np.array(points).T, atol=1e-10)
    np.testing.assert_allclose(null.mean, means, atol=1e-12)


def test_momentum_has_its_approximation():
    """PAPERS.md: good for n (1 - gamma) >= 25."""
    for gamma in (0.0, 0.5, 0.9, 0.95):
        exact = nulls.momentum(np.arange(STEPS), gamma).eigenvalues
        near = nulls.momentum_eigenvalues(STEPS, gamma)
        np.testing.assert_allclose(exact[:10], near[:10], rtol=0.025)


def test_drift_fills_the_first_component():
    """PAPERS.md: 0.67, 0.82, 0.93, 0.98 at n = 1000."""
    found = [nulls.drift(np.arange(1000), mu).ratios[0] for mu in (0.02, 0.05, 0.1, 0.2)]
    np.testing.assert_allclose(found, [0.67, 0.82, 0.93, 0.98], atol=0.005)


def test_nulls_at_recorded_times_are_parts_of_nulls_at_all_times():
    every = np.arange(UNEVEN[-1] + 1)
    for make in (
        nulls.walk,
        lambda t: nulls.momentum(t, 0.8),
        lambda t: nulls.drift(t, 0.3),
        lambda t: nulls.ou(t, 0.05, 4.0),
    ):
        whole, part = make(every), make(UNEVEN)
        np.testing.assert_allclose(part.noise, whole.noise[np.ix_(UNEVEN, UNEVEN)], atol=1e-9)
        np.testing.assert_allclose(part.mean, whole.mean[UNEVEN], atol=1e-12)


def test_simulated_walks_have_the_closed_form():
    found = first_ten(nulls.walk_eigenvalues(STEPS))
    np.testing.assert_allclose(found.mean(0), 1, atol=0.015)
    np.testing.assert_allclose(found, 1, atol=0.04)


@pytest.mark.slow
def test_simulated_momentum_has_its_eigenvalues():
    found = first_ten(nulls.momentum(np.arange(STEPS), 0.9).eigenvalues, gamma=0.9)
    np.testing.assert_allclose(found.mean(0), 1, atol=0.015)
    np.testing.assert_allclose(found, 1, atol=0.04)
    near = nulls.momentum(np.arange(STEPS), 0.9).eigenvalues / nulls.momentum_eigenvalues(
        STEPS, 0.9
    )
    np.testing.assert_allclose(found.mean(0) * near[:10], 1, atol=0.015)


@pytest.mark.slow
def test_simulated_ou_has_its_eigenvalues_and_its_distance():
    alpha = 0.02
    found = first_ten(nulls.ou(np.arange(STEPS), alpha).eigenvalues, alpha=alpha)
    np.testing.assert_allclose(found.mean(0), 1, atol=0.015)
    np.testing.assert_allclose(found, 1, atol=0.04)


def test_ou_settles_at_its_distance_and_never_arrives():
    """d sigma^2 / (1 - (1 - a)^2) within 2 %, whether it starts inside or far outside."""
    alpha = 0.02
    settled = nulls.ou_distance(alpha)
    for start in (0.0, 40.0):
        x = simulate(800, 10_000, alpha=alpha, start=start, seed=3, dtype=np.float32)
        squared = (x[400:].astype(np.float64) ** 2).sum(1)
        assert squared.mean() == pytest.approx(settled, rel=0.02)
        assert squared.min() > 0.8 * settled


def test_unevenly_recorded_walks_follow_min_of_times():
    expected = np.linalg.eigvalsh(centred(np.minimum.outer(UNEVEN, UNEVEN).astype(float)))[::-1]
    found = []
    for seed in range(SEEDS):
        x = simulate(int(UNEVEN[-1]), DIMENSION, seed=seed, dtype=np.float32)[UNEVEN]
        found.append(spectrum(x)[:10] / expected[:10])
    np.testing.assert_allclose(np.mean(found, 0), 1, atol=0.015)
    np.testing.assert_allclose(found, 1, atol=0.04)
    np.testing.assert_allclose(nulls.walk(UNEVEN).eigenvalues, expected[:-1], rtol=1e-9)


@pytest.mark.parametrize("dimension", [4, 60])
def test_band_scatters_as_simulations_do(dimension):
    """Wishart draws against whole trajectories, with fewer and with more dimensions than times."""
    count, mu = 12, 0.3
    null = nulls.drift(np.arange(count), mu)
    drawn = spectra(null, dimension, samples=1500, seed=1)
    walked = []
    for seed in range(1500):
        values = spectrum(simulate(count - 1, dimension, mu=mu, seed=seed))[: drawn.shape[1]]
        walked.append(values / values.sum())
    np.testing.assert_allclose(drawn[:, :3].mean(0), np.mean(walked, 0)[:3], rtol=0.04)
    np.testing.assert_allclose(drawn[:, :3].std(0), np.std(walked, 0)[:3], rtol=0.12)


def test_band_holds_its_share_of_spectra_and_narrows_with_dimension():
    null = nulls.walk(np.arange(30))
    low, high = band(null, 2000, level=0.9, seed=1)
    fresh = spectra(null, 2000, samples=300, seed=2)
    inside = ((fresh >= low) & (fresh <= high)).mean(0)
    assert 0.8 < inside[:10].mean() < 0.97
    wide = np.subtract(*band(null, 200, seed=1)[::-1])
    narrow = np.subtract(*band(null, 20_000, seed=1)[::-1])
    # The relative standard deviation is sqrt(2 / d).
    np.testing.assert_allclose((wide / narrow)[1:6], 10, rtol=0.35)


def test_walk_on_a_sphere_stays_there():
    x = simulate(50, 300, radius=7.0, step=1.0, seed=0)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 7.0)
    lengths = np.linalg.norm(np.diff(x, axis=0), axis=1)
    assert 0.8 < lengths.mean() < 1.05


def test_short_walk_on_a_sphere_is_a_plain_walk_and_a_long_one_is_not():
    walk = nulls.walk(np.arange(41)).ratios
    low, high = sphere_band(np.full(40, 0.1), 100.0, 2000)
    assert (low[:8] < walk[:8]).all()
    assert (walk[:8] < high[:8]).all()
    low, high = sphere_band(np.full(40, 1.0), 1.5, 2000)
    assert high[0] < walk[0] / 2


def test_steps_of_unequal_length():
    """A step of length 3 counts as nine of length 1."""
    lengths = np.array([1, 3, 2, 1, 1, 3, 2, 2])
    x = simulate(8, 200_000, step=lengths, seed=1, dtype=np.float32)
    times = np.concatenate([[0], np.cumsum(lengths**2)])
    np.testing.assert_allclose(
        spectrum(x)[:5] / spectrum(x).sum(), nulls.walk(times).ratios[:5], rtol=0.03
    )


def test_seeds_decide():
    assert np.array_equal(simulate(5, 9, seed=4), simulate(5, 9, seed=4))
    assert not np.array_equal(simulate(5, 9, seed=4), simulate(5, 9, seed=5))


@pytest.mark.parametrize(
    "bad",
    [
        lambda: nulls.walk([0]),
        lambda: nulls.walk([0, 2, 2]),
        lambda: nulls.walk([0, np.nan]),
        lambda: nulls.momentum([0, 1], 1.0),
        lambda: nulls.drift([0, 1], -1.0),
        lambda: nulls.ou([0, 1], 0.0),
        lambda: nulls.ou([0, 1], 0.1, -1.0),
        lambda: simulate(0, 5),
    ],
)
def test_bad_arguments_are_told(bad):
    with pytest.raises(InvisError):
        bad()
