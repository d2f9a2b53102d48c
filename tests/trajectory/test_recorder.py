"""Recording real small trainings: what is written, continued, killed, and refused."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
import zarr
from torch import nn

from invis.errors import InvisError
from invis.progress import until_done
from invis.trajectory import RecordedSource, Recorder, gram, open_trajectory, pca
from invis.trajectory.growing import LiveTrajectory

TRAINING = """
import sys, torch
from torch import nn
from invis.trajectory import Recorder

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(64, 200), nn.ReLU(), nn.Linear(200, 10))
recorder = Recorder(net, sys.argv[1], every=2)
optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
while True:
    loss = net(torch.randn(32, 64)).square().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    recorder.step(loss=loss.item())
    print(recorder.last, net[0].weight.double().sum().item(), flush=True)
"""


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))


def vector(net):
    return torch.cat([p.detach().reshape(-1) for p in net.parameters()]).numpy().copy()


def move(net):
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.randn_like(p))


def everything(source):
    return source.read(range(len(source.steps)), 0, source.layout.parameters).numpy()


def test_what_was_recorded_comes_back(tmp_path):
    net = network()
    recorder = Recorder(net, tmp_path / "run.zarr", every=2)
    states = [vector(net)]
    for step in range(1, 8):
        move(net)
        assert recorder.step(loss=1 / step) == (step % 2 == 0)
        if step % 2 == 0:
            states.append(vector(net))
    source = open_trajectory(tmp_path / "run.zarr")
    assert source.steps.tolist() == [0, 2, 4, 6]
    assert source.layout.names == ("0.weight", "0.bias", "2.weight", "2.bias")
    assert source.layout.layers == ("0", "2")
    np.testing.assert_array_equal(everything(source), states)
    np.testing.assert_array_equal(
        source.read([3, 1], 7, 20).numpy(), np.array(states)[[3, 1], 7:20]
    )
    np.testing.assert_allclose(source.metrics["loss"], [np.nan, 1 / 2, 1 / 4, 1 / 6])


def test_recording_is_a_plain_zarr_group(tmp_path):
    """Any reader of zarr sees the same, though blocks are read past it."""
    net = network()
    recorder = Recorder(net, tmp_path / "run.zarr", dtype="float16")
    for _ in range(3):
        move(net)
        recorder.step()
    group = zarr.open_group(tmp_path / "run.zarr", mode="r")
    assert group["parameters"].metadata.zarr_format == 3
    np.testing.assert_array_equal(group["parameters"][:], everything(recorder.source()))
    np.testing.assert_array_equal(group["steps"][:], [0, 1, 2, 3])


def test_parameters_that_are_zero_are_recorded_too(tmp_path):
    tensors = {"w": torch.zeros(5)}
    recorder = Recorder(tensors, tmp_path / "run.zarr")
    recorder.step()
    np.testing.assert_array_equal(everything(recorder.source()), np.zeros((2, 5)))


def test_new_recorder_goes_on_where_the_old_one_stopped(tmp_path):
    net = network()
    first = Recorder(net, tmp_path / "run.zarr")
    for _ in range(3):
        move(net)
        first.step(loss=1.0)
    second = Recorder(net, tmp_path / "run.zarr")
    assert second.last == 3
    move(net)
    second.step(accuracy=0.5)
    source = second.source()
    assert source.steps.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(everything(source)[-1], vector(net))
    np.testing.assert_array_equal(source.metrics["accuracy"], [np.nan] * 4 + [0.5])


def test_training_that_went_back_replaces_what_came_after(tmp_path):
    net = network()
    recorder = Recorder(net, tmp_path / "run.zarr")
    for step in range(1, 7):
        move(net)
        recorder.step(step, loss=1.0)
    again = Recorder(net, tmp_path / "run.zarr")
    move(net)
    again.step(4)
    source = again.source()
    assert source.steps.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(everything(source)[4], vector(net))
    np.testing.assert_array_equal(source.metrics["loss"], [np.nan, 1, 1, 1, np.nan])


def test_logarithmic_steps_are_those_of_invis_train(tmp_path):
    from invis.train.record import log_steps

    net = network()
    recorder = Recorder(net, tmp_path / "run.zarr", every="log")
    for _ in range(100):
        recorder.step()
    assert recorder.source().steps.tolist() == sorted(log_steps(100))


def test_chosen_steps_and_a_subset(tmp_path):
    net = network()
    recorder = Recorder(net, tmp_path / "run.zarr", every=[3, 5], subset="2.*")
    for _ in range(6):
        recorder.step()
    source = recorder.source()
    assert source.steps.tolist() == [0, 3, 5]
    assert source.layout.names == ("2.weight", "2.bias")
    np.testing.assert_array_equal(
        everything(source)[0], np.r_[net[2].weight.detach().ravel(), net[2].bias.detach()]
    )


def test_plain_callback(tmp_path):
    """A loop that knows nothing of Invis calls a function after each step."""
    net = network()
    recorder = Recorder(net, tmp_path / "run.zarr")

    def train(callback):
        for _ in range(4):
            move(net)
            callback()

    train(recorder.step)
    assert recorder.source().steps.tolist() == [0, 1, 2, 3, 4]


def test_components_grow_while_the_training_runs(tmp_path):
    net = network()
    recorder = Recorder(net, tmp_path / "run.zarr")
    known = None
    for _ in range(3):
        for _ in range(4):
            move(net)
            recorder.step()
        known = gram(recorder.source(), known)
    np.testing.assert_allclose(known.products, gram(recorder.source()).products)
    assert pca(known).scores.shape == (13, 12)


@pytest.mark.slow
def test_killed_training_keeps_what_was_recorded(tmp_path):
    """kill -9 at three arbitrary moments, each time continued by the next process."""
    path = tmp_path / "run.zarr"
    reached = 0
    for wait in (20, 33, 47):
        process = subprocess.Popen(
            [sys.executable, "-c", TRAINING, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        sums = {}
        for line in process.stdout:
            step, total = line.split()
            sums[int(step)] = float(total)
            if len(sums) == wait:
                break
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            if line.endswith("\n"):
                step, total = line.split()
                sums[int(step)] = float(total)
        process.wait()
        source = RecordedSource(path)
        assert source.steps[-1] >= max(sums) // 2 * 2 > reached
        assert (np.diff(source.steps) == 2).all()
        values = everything(source)
        for row, step in enumerate(source.steps.tolist()):
            if step in sums:
                total = values[row, : 64 * 200].astype(np.float64).sum()
                assert total == pytest.approx(sums[step], abs=1e-6)
        assert np.isfinite(source.metrics["loss"][1:]).all()
        assert pca(gram(source)).ratios[0] > 0
        reached = int(source.steps[-1])


def test_kill_between_the_files_of_a_checkpoint(tmp_path):
    """Whatever of the last checkpoint is there already: without its step it doesn't count."""
    net = network()
    recorder = Recorder(net, tmp_path / "run.zarr")
    move(net)
    recorder.step()
    group = zarr.open_group(tmp_path / "run.zarr", mode="r+")
    parameters, steps = group["parameters"], group["steps"]
    parameters.resize((3, parameters.shape[1]))
    parameters[2] = 7.0
    assert recorder.source().steps.tolist() == [0, 1]
    steps.resize((3,))
    assert recorder.source().steps.tolist() == [0, 1]
    move(net)
    again = Recorder(net, tmp_path / "run.zarr")
    again.step()
    assert again.source().steps.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(everything(again.source())[2], vector(net))


def test_missing_checkpoint_is_told(tmp_path):
    net = network()
    recorder = Recorder(net, tmp_path / "run.zarr")
    move(net)
    recorder.step()
    (tmp_path / "run.zarr" / "parameters" / "c" / "1" / "0").unlink()
    with pytest.raises(InvisError, match="step 1 is missing"):
        gram(recorder.source())


def test_recording_costs_little(tmp_path):
    recorder = Recorder(network(), tmp_path / "run.zarr")
    recorder.step()
    began = time.process_time()
    for _ in range(20):
        recorder.step(loss=1.0)
    assert (time.process_time() - began) / 20 < 0.1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"every": 0}, "every is 0"),
        ({"every": "often"}, "often"),
        ({"subset": "conv*"}, "conv"),
        ({"dtype": "bfloat16"}, "bfloat16"),
    ],
)
def test_bad_arguments_are_told(tmp_path, arguments, told):
    with pytest.raises(InvisError, match=told):
        Recorder(network(), tmp_path / "run.zarr", **arguments)


def test_foreign_folders_are_left_alone(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(InvisError, match="no recording"):
        Recorder(network(), tmp_path)
    zarr.create_array(tmp_path / "other.zarr", shape=(3,), dtype="f4")
    with pytest.raises(InvisError, match="no recording"):
        Recorder(network(), tmp_path / "other.zarr")
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_files_in_the_way_are_told(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvisError, match="is a file"):
        Recorder(network(), tmp_path / "file")
    with pytest.raises(InvisError, match="written"):
        Recorder(network(), tmp_path / "file" / "run.zarr")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"zarr_format": 3}'])
def test_broken_recordings_are_told(tmp_path, content):
    Recorder(network(), tmp_path / "run.zarr")
    (tmp_path / "run.zarr" / "zarr.json").write_text(content)
    with pytest.raises(InvisError, match="no recording"):
        open_trajectory(tmp_path / "run.zarr")


def test_recording_of_nothing_is_told(tmp_path):
    with pytest.raises(InvisError, match="no parameters"):
        Recorder(nn.ReLU(), tmp_path / "run.zarr")
    assert not (tmp_path / "run.zarr").exists()


def test_another_model_is_refused(tmp_path):
    Recorder(network(), tmp_path / "run.zarr")
    with pytest.raises(InvisError, match="another model"):
        Recorder(nn.Linear(2, 2), tmp_path / "run.zarr")
    with pytest.raises(InvisError, match="another model"):
        Recorder(network(), tmp_path / "run.zarr", dtype="float16")


def test_a_training_that_went_back_is_noticed_at_the_same_steps(tmp_path):
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    recorder = Recorder(net, tmp_path / "run.zarr")

    def walk(steps):
        for step in steps:
            with torch.no_grad():
                net.weight += torch.randn(2, 3)
            recorder.step(step)

    walk(range(1, 11))
    live = LiveTrajectory(tmp_path / "run.zarr")
    (before,) = until_done(live.steps())
    assert not live.grown()
    walk(range(4, 11))
    assert live.grown()
    (after,) = until_done(live.steps())
    assert not live.grown()
    np.testing.assert_array_equal(after.products.steps, before.products.steps)
    fresh = gram(recorder.source())
    np.testing.assert_allclose(after.products.products, fresh.products)
    assert not np.allclose(after.products.products, before.products.products)
