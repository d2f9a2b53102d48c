"""Each null is recognised from its own spectrum, and nothing is claimed from too little."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from invis.errors import InvisError
from invis.trajectory import ArraySource, Recorder, compare, gram, nulls, pca, simulate
from invis.trajectory.fit import CANNOT_TELL, FEWEST, POOR, Fit, _decide, distance

MOVEMENTS = {
    "walk": {},
    "momentum": {"gamma": 0.9},
    "drift": {"mu": 0.1},
    "ou": {"alpha": 0.02},
}
STEPS = 300


def observed(times, seed=0, dimension=2000, **movement):
    x = simulate(int(times[-1]), dimension, seed=seed, dtype=np.float32, **movement)
    return pca(gram(ArraySource(x[times], times)))


def recorded(count):
    return np.unique(np.linspace(0, STEPS, count).round().astype(int))


@pytest.mark.parametrize("name", MOVEMENTS)
def test_each_null_is_recognised_with_its_parameters(name):
    result = compare(observed(recorded(60), **MOVEMENTS[name]))
    assert result.best == name
    fit = result.fits[name]
    assert fit.distance < 0.05
    for key, value in MOVEMENTS[name].items():
        assert fit.null.parameters[key] == pytest.approx(value, rel=0.1)
    if name != "walk":
        assert result.fits["walk"].distance > 5 * fit.distance


@pytest.mark.parametrize("name", MOVEMENTS)
def test_unequal_times_are_taken_into_account(name):
    """Two checkpoints a doubling, as `invis train --record` writes them."""
    times = np.unique(np.round(2 ** (np.arange(-2, 17) / 2)).astype(int))
    assert compare(observed(times, **MOVEMENTS[name])).best == name


def test_start_far_from_the_minimum_is_found():
    result = compare(observed(recorded(60), dimension=4000, alpha=0.02, start=20.0))
    assert result.best == "ou"
    assert result.fits["ou"].null.parameters["alpha"] == pytest.approx(0.02, rel=0.15)
    assert result.fits["ou"].null.parameters["start"] == pytest.approx(20.0, rel=0.15)


@pytest.mark.parametrize("name", MOVEMENTS)
def test_few_checkpoints_tell_nothing(name):
    result = compare(observed(recorded(FEWEST - 2), **MOVEMENTS[name]))
    assert result.best == CANNOT_TELL
    assert "too few" in result.reason


@pytest.mark.slow
def test_no_wrong_claims_while_checkpoints_are_scarce():
    """Of 4 x 3 x 6 runs, every claim is right; with weak evidence there is none."""
    claims = 0
    for name, movement in MOVEMENTS.items():
        for count in (8, 10, 14):
            for seed in range(6):
                best = compare(observed(recorded(count), seed, 1000, **movement)).best
                assert best in (name, CANNOT_TELL)
                claims += best == name
    assert claims > 40


def test_structure_that_no_null_has_is_not_explained():
    """A circle: two equal components, nothing else."""
    angle = np.linspace(0, 20 * np.pi, 80)
    points = np.stack([np.cos(angle), np.sin(angle)], 1) @ np.eye(2, 500)
    points += 1e-3 * np.random.default_rng(0).normal(size=points.shape)
    result = compare(pca(gram(ArraySource(points))))
    assert result.best == CANNOT_TELL
    assert "None fits" in result.reason


def test_distance_is_relative_misfit():
    found = observed(recorded(40), dimension=20_000)
    assert distance(found, nulls.walk(found.steps)) < 0.03
    # A drift that doubles the first ratio's odds is seen as such.
    assert distance(found, nulls.drift(found.steps, 0.3)) > 1.0


def test_wrong_number_of_times_is_told():
    found = observed(recorded(20))
    with pytest.raises(InvisError, match="19"):
        compare(found, np.arange(19))


def test_a_linear_model_drifts(tmp_path):
    """Antognini and Sohl-Dickstein: trained by SGD, it resembles a random walk with drift."""
    data = load_digits()
    images = torch.tensor(data.data, dtype=torch.float32) / 16 - 0.3
    labels = torch.tensor(data.target)
    torch.manual_seed(0)
    net = nn.Linear(64, 10)
    recorder = Recorder(net, tmp_path / "run.zarr", every=4, dtype="float64")
    optimiser = torch.optim.SGD(net.parameters(), lr=0.02)
    for _ in range(240):
        picked = torch.randint(len(images), (8,))
        loss = nn.functional.cross_entropy(net(images[picked]), labels[picked])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        recorder.step()
    found = pca(gram(recorder.source()))
    result = compare(found)
    assert result.fits["drift"].distance < 0.5 * result.fits["walk"].distance
    assert result.fits["drift"].distance < result.fits["momentum"].distance
    assert "walk" not in result.plausible
    assert "drift" in result.plausible


def test_none_fits_only_where_the_nearest_does_not():
    """The criterion may prefer a plain null that is off to a richer one that is near enough."""
    null = nulls.walk(np.arange(60))

    def decided(walk, momentum):
        off = {"walk": walk, "momentum": momentum, "drift": 0.9, "ou": 0.9}
        bic = {"walk": 0.0, "momentum": 0.5, "drift": 9.0, "ou": 9.0}
        return _decide({name: Fit(null, off[name], 0.0, bic[name]) for name in off}, 60)

    near = decided(POOR + 0.02, POOR - 0.02)
    assert (near.best, near.plausible) == ("momentum", ("momentum",))
    assert near.reason == "A random walk with momentum explains it within 47 %."
    far = decided(POOR + 0.04, POOR + 0.02)
    assert far.reason.startswith("None fits: even the nearest, a random walk with momentum")
