"""The explorer of trajectories: what it shows, that it grows, what it says of bad input."""

import asyncio
import threading

import numpy as np
import pytest
import torch
from torch import nn

from invis.errors import InvisError
from invis.jobs import State
from invis.trajectory import ArraySource, Recorder, gram, pca, simulate
from invis.trajectory.landscape import loss_on
from invis.trajectory.live import LiveTrajectory
from invis.views.trajectory_marks import NOW
from invis.widgets import TrajectoryExplorer
from invis.widgets.trajectory_panels import VIEWS


def marks(explorer, name):
    return [trace for trace in explorer._panels.figures[name].data if trace.name == NOW]


def seen(explorer):
    boxes = explorer._panels._boxes
    return {name for name, box in boxes.items() if box.layout.display != "none"}


@pytest.fixture
def walk():
    return ArraySource(simulate(60, 3000, seed=1))


@pytest.fixture
def explorer(walk):
    made = TrajectoryExplorer(walk)
    made.wait(30)
    yield made
    made.close()


def test_it_shows_the_components_of_the_source(explorer, walk):
    found = pca(gram(walk))
    np.testing.assert_allclose(explorer.shown.found.ratios, found.ratios)
    assert explorer.message == "61 checkpoints of 3,000 parameters."
    assert seen(explorer) == {"spectrum", "pairs", "distance"}
    # A walk is never told from a walk.
    assert "walk" in explorer.shown.comparison.plausible


def test_the_slider_marks_one_checkpoint_in_all_figures(explorer):
    assert explorer.row == 60
    explorer.row = 7
    score = explorer.shown.found.scores[7]
    panels = [(mark.x[0], mark.y[0]) for mark in marks(explorer, "pairs")]
    pairs = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    assert panels == [(score[a], score[b]) for a, b in pairs]
    (line,) = marks(explorer, "distance")
    assert list(line.x) == [7, 7]
    assert "checkpoint 8 of 61" in explorer._numbers.value


def test_three_components_in_space(explorer):
    explorer.view = VIEWS[1]
    assert seen(explorer) == {"spectrum", "space", "distance"}
    explorer.row = 5
    (mark,) = marks(explorer, "space")
    assert (mark.x[0], mark.y[0], mark.z[0]) == tuple(explorer.shown.found.scores[5, :3])


def test_a_run_that_ships_layer_by_layer():
    explorer = TrajectoryExplorer("minivgg")
    explorer.wait(30)
    assert "conv2_2" in explorer._layer.options
    whole = explorer.shown.found.parameters
    explorer.layer = "conv2_2"
    explorer.wait(30)
    assert explorer.shown.found.layer == "conv2_2"
    assert explorer.shown.found.parameters == 20736 < whole
    assert explorer.map() is None
    assert "needs checkpoints" in explorer.message
    explorer.close()


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def train(net, recorder, steps, seed=0):
    torch.manual_seed(seed)
    x = torch.randn(64, 4)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        recorder.step(loss=loss.item())
    return x, y


def test_a_training_is_followed_while_it_runs(tmp_path):
    net = small_net()
    recorder = Recorder(net, tmp_path / "run")

    async def watch():
        explorer = TrajectoryExplorer(recorder, follow=True)
        training = threading.Thread(target=train, args=(net, recorder, 40))
        training.start()
        counts = set()
        for _ in range(200):
            await asyncio.sleep(0.05)
            if explorer.shown is not None:
                counts.add(len(explorer.shown.found.steps))
            if 41 in counts:
                break
        training.join()
        message = explorer.message
        explorer.close()
        return explorer, counts, message

    explorer, counts, message = asyncio.run(watch())
    assert max(counts) == 41
    assert message == "41 checkpoints of 67 parameters."
    assert "loss" in explorer._numbers.value
    whole = pca(gram(recorder.source()))
    np.testing.assert_allclose(explorer.shown.found.ratios, whole.ratios, rtol=1e-9)


def test_what_is_new_is_added_to_what_is_known(tmp_path):
    net = small_net()
    recorder = Recorder(net, tmp_path / "run")
    train(net, recorder, 10)
    live = LiveTrajectory(tmp_path / "run")
    *_, first = live.steps()
    assert not live.grown()
    train(net, recorder, 5)
    assert live.grown()
    *_, second = live.steps()
    assert (len(first.found.steps), len(second.found.steps)) == (11, 16)
    np.testing.assert_allclose(second.products.products[:, :11, :11], first.products.products)
    np.testing.assert_allclose(second.products.products, gram(recorder.source()).products)


def test_one_checkpoint_is_no_trajectory_yet(tmp_path):
    recorder = Recorder(small_net(), tmp_path / "run")
    explorer = TrajectoryExplorer(recorder)
    explorer.wait(10)
    assert explorer.shown is None
    assert "has 1 checkpoint: a trajectory has at least 2" in explorer.message
    explorer.close()


def test_a_map_fills_and_stops(tmp_path):
    net = small_net()
    recorder = Recorder(net, tmp_path / "run")
    x, y = train(net, recorder, 30)
    explorer = TrajectoryExplorer(recorder, model=net, loss=loss_on(x, y))
    explorer.wait(30)
    job = explorer.map()
    explorer.wait(30)
    assert job.state is State.DONE
    assert np.isfinite(explorer.landscape.values).all()
    assert "landscape" in seen(explorer)
    # At the path's end the map knows the loss of the network that was there, almost.
    row = explorer.landscape.checked[-1]
    assert explorer.landscape.own_values[-1] == pytest.approx(float(loss_on(x, y)(net)), rel=1e-4)
    assert row == 30
    slow = TrajectoryExplorer(recorder, model=net, loss=lambda one: slowly(x, y, one))
    slow.wait(30)
    job = slow.map()
    while job.count < 3:
        assert not job.wait(0.01)
    slow.stop()
    assert job.wait(10)
    assert job.state is State.CANCELLED
    slow._show_progress()
    assert slow.message == "The map was stopped."
    for one in (slow, explorer):
        one.close()


def slowly(x, y, net):
    threading.Event().wait(0.02)
    return loss_on(x, y)(net)


def test_bad_input_is_told(tmp_path):
    with pytest.raises(InvisError, match=r"nowhere.*minivgg or miniresnet"):
        TrajectoryExplorer(tmp_path / "nowhere")
    still = ArraySource(np.ones((5, 10)))
    explorer = TrajectoryExplorer(still)
    explorer.wait(10)
    assert "is the same in all 5 checkpoints" in explorer.message
    explorer.close()
