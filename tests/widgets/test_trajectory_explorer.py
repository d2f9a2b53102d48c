"""The explorer of trajectories: what it shows, that it grows, what it says of bad input."""

import asyncio
import threading
import time

import numpy as np
import pytest
import torch
from torch import nn

from invis.errors import InvisError
from invis.jobs import State
from invis.progress import until_done
from invis.trajectory import ArraySource, Recorder, gram, nulls, pca, simulate
from invis.trajectory.growing import LiveTrajectory
from invis.trajectory.landscape import loss_on
from invis.trajectory.matching import matched
from invis.views.trajectory.figures import NOW
from invis.widgets import TrajectoryExplorer, trajectory_explorer
from invis.widgets.trajectory_panels import VIEWS


def marks(explorer, name):
    return [trace for trace in explorer._panels.figures[name].data if trace.name == NOW]


def seen(explorer):
    boxes = explorer._panels._boxes
    return {name for name, box in boxes.items() if box.layout.display != "none"}


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    monkeypatch.setattr(trajectory_explorer, "SECONDS_BETWEEN_LOOKS", 0.3)


@pytest.fixture(scope="module")
def walk():
    return ArraySource(simulate(60, 3000, seed=1))


@pytest.fixture(scope="module")
def shared(walk):
    made = TrajectoryExplorer(walk)
    made.wait(30)
    yield made
    made.close()


@pytest.fixture
def explorer(shared):
    shared.view, shared.components, shared.row = VIEWS[0], 4, 60
    return shared


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
    assert "checkpoint 8 of 61" in explorer._slider.text
    found = explorer.shown.found
    size = np.sqrt((found.scores**2).sum() / 61)
    away = np.linalg.norm(found.scores[7, 2:]) / size
    assert f"off the plane {away:.2f} (random walk" in explorer._slider.text


def test_three_components_in_space(explorer):
    explorer.view = VIEWS[1]
    assert seen(explorer) == {"spectrum", "space", "distance"}
    explorer.row = 5
    (mark,) = marks(explorer, "space")
    assert (mark.x[0], mark.y[0], mark.z[0]) == tuple(explorer.shown.found.scores[5, :3])


def test_fewer_components_leave_nothing_of_the_others(explorer):
    explorer.components = 2
    figure = explorer._panels.figures["pairs"]
    assert {trace.xaxis for trace in figure.data} == {"x"}
    hidden = [axis for axis in ("xaxis2", "yaxis6") if figure.layout[axis].visible is False]
    assert hidden == ["xaxis2", "yaxis6"]
    assert figure.layout.xaxis.matches is None
    (mark,) = marks(explorer, "pairs")
    assert (mark.x[0], mark.y[0]) == tuple(explorer.shown.found.scores[60, :2])
    explorer.components = 5
    assert len({trace.xaxis for trace in figure.data}) == 10
    assert all(figure.layout[f"xaxis{k}"].visible is not False for k in range(2, 11))


def test_a_run_that_ships_layer_by_layer():
    explorer = TrajectoryExplorer()
    explorer.wait(30)
    assert "conv2_2" in explorer._layer.options
    whole = explorer.shown.found.parameters
    explorer.layer = "conv2_2"
    explorer.wait(30)
    assert explorer.shown.found.layer == "conv2_2"
    assert explorer.shown.found.parameters == 20736 < whole
    assert explorer.map() is None
    assert "needs checkpoints" in explorer.message
    assert explorer._follow.disabled
    with pytest.raises(InvisError, match=r"layer 'conv9' does not exist; there are bn1_1"):
        explorer.layer = "conv9"
    explorer.close()


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def train(net, recorder, steps, seed=0, pause=0.0):
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
        time.sleep(pause)
    return x, y


def test_a_training_is_followed_while_it_runs(tmp_path):
    net = small_net()
    recorder = Recorder(net, tmp_path / "run")
    train(net, recorder, 10)

    async def watch():
        explorer = TrajectoryExplorer(recorder, follow=True)
        training = threading.Thread(target=train, args=(net, recorder, 15, 0, 0.05))
        training.start()
        counts = set()
        for _ in range(200):
            await asyncio.sleep(0.05)
            if explorer.shown is not None:
                counts.add(len(explorer.shown.found.steps))
            if 26 in counts:
                break
        training.join()
        message = explorer.message
        explorer.close()
        return explorer, counts, message

    explorer, counts, message = asyncio.run(watch())
    assert max(counts) == 26
    assert len(counts) >= 2
    assert message == "Following: 26 checkpoints of 67 parameters so far."
    assert "loss" in explorer._slider.text
    assert explorer.row == 25
    assert [mark.x[0] for mark in marks(explorer, "distance")] == [25]
    whole = pca(gram(recorder.source()))
    np.testing.assert_allclose(explorer.shown.found.ratios, whole.ratios, rtol=1e-9, atol=1e-14)


def test_what_a_job_found_is_shown_before_the_next_begins(tmp_path, monkeypatch):
    """Checkpoints may come faster than the page looks at jobs."""
    monkeypatch.setattr(TrajectoryExplorer, "LOOKS_PER_SECOND", 0.1)
    monkeypatch.setattr(trajectory_explorer, "SECONDS_BETWEEN_LOOKS", 0.02)
    net = small_net()
    recorder = Recorder(net, tmp_path / "run")
    train(net, recorder, 10)

    async def watch():
        explorer = TrajectoryExplorer(recorder, follow=True)
        first = explorer._job
        assert await asyncio.to_thread(first.wait, 10)
        train(net, recorder, 5)
        while explorer._job is first:
            await asyncio.sleep(0.01)
        shown = explorer.shown
        explorer.close()
        return shown

    assert len(asyncio.run(watch()).found.steps) == 11


def test_what_is_new_is_added_to_what_is_known(tmp_path):
    net = small_net()
    recorder = Recorder(net, tmp_path / "run")
    train(net, recorder, 10)
    live = LiveTrajectory(tmp_path / "run")
    (first,) = until_done(live.steps())
    assert not live.grown()
    train(net, recorder, 5)
    assert live.grown()
    (second,) = until_done(live.steps())
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
    explorer = TrajectoryExplorer(recorder, model=net, loss=loss_on(x, y), layer="0")
    explorer.wait(30)
    assert explorer.shown.found.layer == "0"
    job = explorer.map()
    explorer.wait(30)
    assert job.state is State.DONE
    assert np.isfinite(explorer.landscape.values).all()
    assert "landscape" in seen(explorer)
    # At the path's end the map knows the loss of the network that was there, almost.
    row = explorer.landscape.checked[-1]
    assert explorer.landscape.own_values[-1] == pytest.approx(float(loss_on(x, y)(net)), rel=1e-4)
    assert row == 30
    # The map is of the whole network, whatever layer is on the screen, and so are mark and null.
    whole = pca(gram(recorder.source()))
    explorer.row = 3
    (mark,) = marks(explorer, "landscape")
    assert (mark.x[0], mark.y[0]) == pytest.approx(tuple(whole.scores[3, :2]))
    curve = next(t for t in explorer._panels.figures["landscape"].data if t.name == "random walk")
    expected = matched(whole, nulls.walk(whole.steps)).curves[:, 0]
    np.testing.assert_allclose(curve.x, expected)
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
    time.sleep(0.02)
    return loss_on(x, y)(net)


class Slow(ArraySource):
    """A disk that takes a while."""

    def read(self, rows, start, stop):
        time.sleep(0.05)
        return super().read(rows, start, stop)


def test_reading_is_stopped_and_begun_again():
    explorer = TrajectoryExplorer(Slow(simulate(20, 600_000, seed=0)))
    first = explorer._job
    while not first.count:
        assert not first.wait(0.005)
    explorer.stop()
    assert first.wait(10)
    assert first.state is State.CANCELLED
    assert explorer.shown is None
    again = explorer.search()
    explorer.wait(30)
    assert again.state is State.DONE
    assert explorer.message == "21 checkpoints of 600,000 parameters."
    explorer.close()


def test_a_recording_that_lost_a_part_is_told(tmp_path):
    net = small_net()
    recorder = Recorder(net, tmp_path / "run")
    train(net, recorder, 6)
    explorer = TrajectoryExplorer(recorder)
    explorer.wait(10)
    assert explorer.message == "7 checkpoints of 67 parameters."
    train(net, recorder, 4)
    last = tmp_path / "run" / "parameters" / "c" / "9" / "0"
    last.write_bytes(last.read_bytes()[:50])
    explorer.search()
    explorer.wait(10)
    assert "is damaged: the checkpoint of step 9 is missing or cut off" in explorer.message
    assert "alert" in explorer._status.value
    assert len(explorer.shown.found.steps) == 7
    explorer.close()


def test_a_recording_that_is_gone_is_told_while_it_is_followed(tmp_path):
    net = small_net()
    recorder = Recorder(net, tmp_path / "run")
    train(net, recorder, 6)

    async def watch():
        explorer = TrajectoryExplorer(recorder, follow=True)
        while explorer.shown is None:
            await asyncio.sleep(0.02)
        (tmp_path / "run").rename(tmp_path / "elsewhere")
        for _ in range(100):
            await asyncio.sleep(0.05)
            if "is no folder" in explorer.message:
                break
        message = explorer.message
        explorer.stop()
        following = explorer.follow
        explorer.close()
        return message, following

    message, following = asyncio.run(watch())
    assert "is no folder" in message
    assert not following


def test_bad_input_is_told(tmp_path):
    with pytest.raises(InvisError, match=r"nowhere.*minivgg or miniresnet"):
        TrajectoryExplorer(tmp_path / "nowhere")
    still = ArraySource(np.ones((5, 10)))
    explorer = TrajectoryExplorer(still)
    explorer.wait(10)
    assert "is the same in all 5 checkpoints" in explorer.message
    explorer.close()
