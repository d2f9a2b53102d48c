"""Maps of functions that are known, and of a small network that is really trained."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from invis.errors import InvisError
from invis.trajectory import ArraySource, Layout, Recorder, gram, pca
from invis.trajectory.landscape import accuracy_on, coarse_to_fine, landscape_steps, loss_on


class Bowl(nn.Module):
    """Two tensors of parameters; its number is their weighted sum of squares."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.zeros(6))
        self.b = nn.Parameter(torch.zeros(2, 3))


WEIGHTS = np.linspace(0.5, 2, 12)


def height(net):
    vector = np.concatenate([net.a.detach().numpy(), net.b.detach().numpy().ravel()])
    return float(WEIGHTS @ vector.astype(np.float64) ** 2)


def bowl_path(flat=False):
    """A path in the parameters of a bowl; a flat one stays on a plane."""
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(size=(30, 12)), 0)
    if flat:
        basis = np.linalg.qr(rng.normal(size=(12, 2)))[0]
        values = 1 + values @ basis @ basis.T
    source = ArraySource(values, layout=Layout(("a", "b"), ((6,), (2, 3))))
    return values, source, pca(gram(source))


def test_map_is_the_function_on_the_plane():
    values, source, found = bowl_path()
    *_, last = landscape_steps(source, found, Bowl(), height, size=9)
    axes = found.vectors[:, :2].T @ values / np.sqrt(found.eigenvalues[:2, None])
    for i, y in enumerate(last.y):
        for j, x in enumerate(last.x):
            point = values.mean(0) + x * axes[0] + y * axes[1]
            assert last.values[i, j] == pytest.approx(WEIGHTS @ point**2, rel=1e-4)
    np.testing.assert_allclose(last.path, found.scores[:, :2])
    assert last.x[0] < last.path[:, 0].min() < last.path[:, 0].max() < last.x[-1]


def test_checkpoints_off_the_plane_are_told_apart():
    values, source, found = bowl_path()
    *_, last = landscape_steps(source, found, Bowl(), height, size=3)
    own = [WEIGHTS @ values[row] ** 2 for row in last.checked]
    np.testing.assert_allclose(last.own_values, own, rtol=1e-5)
    assert np.abs(last.own_values - last.plane_values).max() > 0.1
    np.testing.assert_allclose(last.distance, found.distance_from_plane())


def test_on_a_plane_the_map_matches_the_path():
    _, source, found = bowl_path(flat=True)
    *_, last = landscape_steps(source, found, Bowl(), height, size=3)
    np.testing.assert_allclose(last.own_values, last.plane_values, rtol=1e-4)
    np.testing.assert_allclose(last.distance, 0, atol=1e-5)


def test_progress_rises_and_the_rough_map_comes_first():
    _, source, found = bowl_path()
    snapshots = list(landscape_steps(source, found, Bowl(), height, size=17, checks=4))
    done = [snapshot.fraction_done for snapshot in snapshots]
    assert (np.diff(done) > 0).all()
    assert done[-1] == 1
    early = snapshots[4 + 9 - 1].values
    assert np.isfinite(early[::8, ::8]).all()
    assert np.isfinite(early).sum() == 9
    assert np.isfinite(snapshots[-1].values).all()


def test_closing_cancels():
    calls = []

    def counted(net):
        calls.append(1)
        return height(net)

    _, source, found = bowl_path()
    steps = landscape_steps(source, found, Bowl(), counted, size=9)
    next(steps)
    before = len(calls)
    steps.close()
    assert next(steps, None) is None
    assert len(calls) == before < 81


@pytest.mark.parametrize("size", [2, 9, 25])
def test_every_point_comes_once(size):
    points = list(coarse_to_fine(size))
    assert len(points) == len(set(points)) == size**2


def test_digits_are_learnt_and_mapped(tmp_path):
    """The loss falls along the path, on the map as in the training; the model stays as it was."""
    torch.manual_seed(0)
    data = load_digits()
    images = torch.tensor(data.data[:600] / 16, dtype=torch.float32)
    labels = torch.tensor(data.target[:600])
    net = nn.Sequential(nn.Linear(64, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 10))
    recorder = Recorder(net, tmp_path / "run.zarr", every=2)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.3)
    for _ in range(40):
        loss = nn.functional.cross_entropy(net(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        recorder.step(loss=loss.item())
    source = recorder.source()
    before = [p.clone() for p in net.parameters()]
    found = pca(gram(source))
    *_, last = landscape_steps(source, found, net, loss_on(images, labels), size=5, checks=5)
    assert last.own_values[0] > 2 > 1 > last.own_values[-1]
    assert last.plane_values[0] > 2 > 1 > last.plane_values[-1]
    np.testing.assert_allclose(last.own_values, last.plane_values, rtol=0.1)
    *_, hits = landscape_steps(source, found, net, accuracy_on(images, labels), size=2, checks=2)
    assert hits.own_values[0] < 0.3 < 0.8 < hits.own_values[1] <= 1
    assert (last.name, hits.name) == ("loss", "accuracy")
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"model": nn.Linear(2, 2)}, "have a of shape"),
        ({"components": (0, 99)}, "component 99"),
        ({"components": (1, 1)}, "two components"),
        ({"size": 1}, "2 points"),
    ],
)
def test_bad_arguments_are_told(arguments, told):
    _, source, found = bowl_path()
    given = {"model": Bowl(), "evaluate": height} | arguments
    with pytest.raises(InvisError, match=told):
        next(landscape_steps(source, found, **given))
