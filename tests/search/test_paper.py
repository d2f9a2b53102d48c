"""The paper's weighted objective, with its weight found by the activation floor."""

import math

import numpy as np
import pytest
import torch
import xarray as xr

from invis.search import paper, search, search_steps, weighted
from invis.search.engine import batch_steps
from invis.search.null import pairwise
from invis.search.settings import Settings
from invis.search.weighted import WeightedSets, smooth
from tests.search.networks import affine, noise, small_units


def start(units, **settings) -> WeightedSets:
    """Sets of noise, before the first step."""
    steps = batch_steps(units, Settings(**settings))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return paper.start_noise(end.value)


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 1, 7, 10), (2, 1, 9, 5)])
def test_the_gradient_is_damped_by_the_root_of_the_frequency_with_mean_gain_1(shape):
    g = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h, w = shape[2:]
    f = np.hypot(np.fft.fftfreq(h)[:, None] * h, np.fft.fftfreq(w)[None] * w)
    gain = 1 / np.maximum(1, np.sqrt(f))
    gain /= gain.mean()
    expected = np.fft.ifft2(np.fft.fft2(g.numpy()) * gain).real
    np.testing.assert_allclose(smooth(g).numpy(), expected, atol=1e-6)
    flat = torch.ones(shape, dtype=torch.float64)
    torch.testing.assert_close(smooth(flat), flat * gain[0, 0], rtol=1e-6, atol=1e-6)


def test_it_starts_from_noise_of_norm_r_that_does_not_depend_on_the_batch():
    together, alone = (start(affine(noise(count)), images=3) for count in (2, 1))
    norms = together.moving.norm(dim=1)
    torch.testing.assert_close(norms, torch.ones_like(norms))
    assert torch.equal(together.moving[:3], alone.moving)
    assert together.distance.min() > 1


def test_a_step_goes_down_the_loss():
    sets = start(affine(noise(2)), images=4)

    def loss() -> torch.Tensor:
        v = sets.moving.view(2, 4, -1)
        f = sets.problem.value(sets.moving, sets.rows).view(2, 4).mean(1)
        rise = (f - sets.problem.grey_response) / sets.scale
        closest = torch.stack([torch.pdist(one).min() for one in v])
        return -rise - sets.weight * closest

    before = loss()
    for _ in range(20):
        sets.step()
    assert (loss() < before - 0.1).all()
    norms = sets.moving.norm(dim=1)
    torch.testing.assert_close(norms, torch.ones_like(norms))


def test_only_the_closest_pair_of_each_set_is_driven_apart():
    sets = start(affine(noise(2)), images=4)
    closest, gradient = sets._closest_pair()
    for k in range(2):
        rows = sets.moving[4 * k : 4 * k + 4].double().numpy()
        apart = pairwise(rows) + np.diag(np.full(4, np.inf))
        i, j = np.unravel_index(apart.argmin(), apart.shape)
        assert float(closest[k]) == pytest.approx(apart.min(), rel=1e-5)
        expected = np.zeros_like(rows)
        expected[i] = (rows[i] - rows[j]) / apart.min()
        expected[j] = -expected[i]
        np.testing.assert_allclose(gradient[4 * k : 4 * k + 4].numpy(), expected, atol=1e-5)


@pytest.fixture(scope="module")
def linear() -> list[xr.Dataset]:
    return search(affine(noise(2)), images=4, objective="paper")


def test_a_linear_unit_comes_close_to_its_null_and_does_not_exceed_it(linear):
    for ds in linear:
        assert ds.attrs["objective"] == "paper"
        assert ds.attrs["converged"]
        assert ds.attrs["fraction_min"] >= 0.9 - 0.002
        assert 0.9 <= ds.attrs["index"] <= 1.0005
        assert ds.attrs["spread"] <= 1.0005
        assert ds.attrs["steps"] < paper.MOST_STEPS
        assert len(ds.step) > 10


def test_the_weight_is_that_of_the_floor_and_its_optimum_the_one_in_closed_form(linear):
    # fraction b, distance k sqrt(1 - b^2) with k^2 = 2 N / (N - 1): b = 1 / sqrt(1 + (k weight)^2).
    k = math.sqrt(8 / 3)
    optima = [1 / math.hypot(1, k * 2.0**-halvings) for halvings in range(6)]
    chosen = next(b for b in optima if b >= 0.9)
    for ds in linear:
        assert ds.attrs["fraction_mean"] == pytest.approx(chosen, abs=0.01)


def test_a_floor_that_is_not_met_is_reported_as_it_is(monkeypatch):
    monkeypatch.setattr(weighted, "LAST_WEIGHT", weighted.FIRST_WEIGHT)
    (ds,) = search(affine(noise(1)), images=4, objective="paper")
    assert not ds.attrs["converged"]
    assert ds.attrs["fraction_min"] < 0.8
    assert ds.attrs["fraction_min"] == pytest.approx(float(ds.fraction.min()))
    assert 0 < ds.attrs["index"] <= 1.0005


def test_it_ends_at_the_most_steps_and_says_that_it_has_not_converged(monkeypatch):
    monkeypatch.setattr(paper, "MOST_STEPS", 20)
    (ds,) = search(affine(noise(1)), images=3, objective="paper")
    assert ds.attrs["steps"] == 20
    assert not ds.attrs["converged"]


def test_the_same_seed_gives_the_same_set_bit_for_bit(monkeypatch):
    monkeypatch.setattr(paper, "MOST_STEPS", 100)
    first, again = (search(small_units([0, 1]), images=3, objective="paper") for _ in range(2))
    for a, b in zip(first, again, strict=True):
        xr.testing.assert_identical(a.assign_attrs(seconds=0), b.assign_attrs(seconds=0))


def test_units_of_a_batch_keep_their_own_weight_and_leave_it_when_they_end():
    sets = start(affine(noise(3)), images=3)
    for _ in range(4):
        sets.step()
    sets.weight = torch.tensor([1.0, 0.25, 0.5])
    kept = sets.only(torch.tensor([2, 0]))
    assert kept.weight.tolist() == [0.5, 1.0]
    assert kept.units.tolist() == [2, 0]
    assert torch.equal(kept.moving, sets.moving[[6, 7, 8, 0, 1, 2]])
    for one in (sets, kept):
        one.step()
    torch.testing.assert_close(kept.moving, sets.moving[[6, 7, 8, 0, 1, 2]], atol=1e-4, rtol=0)


def test_dead_units_are_reported_and_the_others_searched(monkeypatch):
    monkeypatch.setattr(paper, "MOST_STEPS", 20)
    units = affine(noise(2), torch.tensor([-1e6, 0.0]))
    dead, live = search(units, images=3, objective="paper")
    assert dead.attrs["dead"]
    assert math.isnan(dead.attrs["index"])
    assert not live.attrs["dead"]


def test_closing_the_generator_cancels():
    steps = search_steps(affine(noise(1)), images=3, objective="paper")
    snapshot = next(s for s in steps if s.phase == "set")
    (partial,) = snapshot.results()
    assert not partial.attrs["converged"]
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)


def test_the_distance_may_be_taken_in_an_earlier_layer(monkeypatch):
    monkeypatch.setattr(paper, "MOST_STEPS", 200)
    units = small_units([0])
    plain, features = (
        search(units, images=3, objective="paper", distance=space)[0] for space in ("pixels", "2")
    )
    assert features.attrs["distance_space"] == "2"
    assert features.attrs["feature_distance"] > 0
    assert "feature_distance" not in plain.attrs
    assert (features.images != plain.images).any()
