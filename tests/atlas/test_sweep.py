"""Sweeps in this process: what they find, what they leave to the next one, what they refuse."""

import numpy as np
import pytest

from invis.atlas.store import Atlas
from invis.atlas.sweep import sweep, sweep_plan, sweep_steps
from invis.errors import InvisError
from invis.search import search

FAST = {"images": 2, "device": "cpu"}
LAYER = "minivgg@none:0/conv1_1"
MANY = "minivgg/conv1_2"


def only_layer(store):
    (layer,) = Atlas(store).layers()
    return layer


def stamps(store):
    """(layer, channel) -> how long its search took: no second search takes exactly as long."""
    return {
        (layer.path, channel): layer.read(channel).attrs["seconds"]
        for layer in Atlas(store).layers()
        for channel in layer.done()
    }


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """The truth, swept."""
    store = str(tmp_path_factory.mktemp("swept") / "atlas")
    snapshots = list(sweep_steps("truth/simple_cell..complex_cell", store, **FAST))
    return store, snapshots


def test_a_sweep_finds_what_a_search_finds(swept):
    store, _ = swept
    assert len(Atlas(store).layers()) == 2
    for layer in Atlas(store).layers():
        (found,) = search(f"truth/{layer.layer}/0", **FAST)
        kept = layer.read(0)
        assert kept.attrs["index"] == pytest.approx(found.attrs["index"], abs=0.03)
        np.testing.assert_allclose(kept["activation"], found["activation"], rtol=0.05)


def test_snapshots_tell_each_unit_once_and_run_to_the_end(swept):
    _, snapshots = swept
    told = [address for snapshot in snapshots for address in snapshot.finished]
    assert sorted(told) == ["truth/complex_cell/0", "truth/simple_cell/0"]
    last = snapshots[-1]
    assert (last.phase, last.done, last.total, last.before, last.failed) == ("done", 2, 2, 0, 0)
    shares = [snapshot.fraction_done for snapshot in snapshots]
    assert shares == sorted(shares) and shares[-1] == 1
    assert any(snapshot.seconds_left for snapshot in snapshots if snapshot.phase == "search")
    assert all(snapshot.summary for snapshot in snapshots)


def test_what_is_there_is_not_searched_again(swept):
    store, _ = swept
    before = stamps(store)
    again = sweep("truth/simple_cell..complex_cell", store, **FAST)
    assert (again.before, again.finished) == (2, [])
    assert stamps(store) == before


def test_other_settings_go_beside_and_never_over(swept):
    store, _ = swept
    before = stamps(store)
    sweep("truth/simple_cell", store, **FAST, alpha=0.8)
    after = stamps(store)
    assert len(after) == 3 and before.items() <= after.items()


def test_closing_keeps_what_was_finished_and_the_next_sweep_goes_on(tmp_path):
    store = str(tmp_path / "atlas")
    steps = sweep_steps(MANY, store, "0-5", **FAST)
    finished = []
    for snapshot in steps:
        finished += snapshot.finished
        if finished:
            break
    steps.close()
    kept = stamps(store)
    assert 0 < len(kept) < 6
    assert sorted(finished) == sorted(f"{MANY}/{channel}" for _, channel in kept)
    rest = sweep(MANY, store, "0-5", **FAST)
    assert rest.before == len(kept) and rest.done == 6
    assert kept.items() <= stamps(store).items()
    assert only_layer(store).done() == {0, 1, 2, 3, 4, 5}


def test_a_failed_unit_keeps_its_reason_and_is_tried_again(tmp_path, monkeypatch):
    store = str(tmp_path / "atlas")
    import invis.atlas.task as task

    real = task.search_steps

    def sick(units, settings):
        if "2" in units.labels:
            raise InvisError("unit 2 is sick")
        yield from real(units, settings)

    monkeypatch.setattr(task, "search_steps", sick)
    first = sweep(LAYER, store, "0-3", **FAST)
    assert (first.done, first.failed) == (3, 1)
    assert first.failures == {f"{LAYER}/2": "unit 2 is sick"}
    assert only_layer(store).done() == {0, 1, 3}
    assert only_layer(store).failed() == {2: "unit 2 is sick"}
    (planned,) = sweep_plan(LAYER, store, "0-3", **FAST).layers
    assert planned.todo == (2,) and planned.failed == {2: "unit 2 is sick"}
    monkeypatch.setattr(task, "search_steps", real)
    second = sweep(LAYER, store, "0-3", **FAST)
    assert (second.done, second.failed, second.finished) == (4, 0, [f"{LAYER}/2"])


def test_a_dry_run_creates_nothing_and_says_what_it_would_cost(tmp_path):
    store = tmp_path / "atlas"
    plan = sweep_plan("minivgg@none:0/conv1_1..conv1_2", str(store), "0-7", **FAST)
    assert not store.exists()
    assert (plan.units, plan.todo) == (16, 16)
    small, large = plan.layers
    assert 0 < small.cost.seconds < large.cost.seconds < 1
    assert 3 * 3 * 3 * 3 < small.cost.bytes < large.cost.bytes
    batched = [channel for task in plan.tasks for channel in task.address.channels]
    assert batched == [*range(8), *range(8)]


@pytest.mark.parametrize(
    "asked, word",
    [
        ({"pattern": "minivgg/conv9_9"}, "conv9_9"),
        ({"workers": 0}, "workers"),
        ({"workers": 2, "scheduler": "tcp://127.0.0.1:1"}, "at once"),
        ({"images": 1}, "images"),
        ({"device": "cuda:77"}, "cuda:77"),
        ({"weights": "nosuch.safetensors"}, "nosuch.safetensors"),
    ],
)
def test_bad_arguments_are_refused_and_nothing_is_made(tmp_path, asked, word):
    store = tmp_path / "atlas"
    asked = {"pattern": "minivgg/conv1_1", "store": str(store)} | asked
    with pytest.raises(InvisError, match=word):
        sweep(**asked)


def test_a_store_that_cannot_be_written_is_named(tmp_path):
    place = tmp_path / "file"
    place.write_text("no store")
    with pytest.raises(InvisError, match="file"):
        sweep("truth/simple_cell", str(place), **FAST)
