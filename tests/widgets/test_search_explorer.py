"""The explorer without a browser: traits are set, jobs run, figures are compared with results."""

import asyncio
import threading

import numpy as np
import pytest
import torch
from torch import nn

import invis
from invis.errors import InvisError
from invis.jobs import State
from invis.views.base.mosaic import tiling_of
from invis.views.search.set_figure import set_figure
from invis.widgets import SearchExplorer, lifetime
from invis.widgets.history import label

UNIT = "truth/complex_cell/0"
OTHER = "minivgg@none:0/conv1_2/3"


@pytest.fixture
def make():
    made = []

    def explorer(*args, **settings):
        made.append(SearchExplorer(*args, **settings))
        return made[-1]

    yield explorer
    for one in made:
        one.close()


def pictures(figure):
    """The traces of a figure but for the names that its widget gives them."""
    traces = [trace.to_plotly_json() for trace in figure.data]
    return [{key: value for key, value in trace.items() if key != "uid"} for trace in traces]


def test_a_search_ends_with_the_figure_of_its_result(make):
    explorer = make(UNIT, images=4, seed=3)
    job = explorer.search()
    ds = explorer.wait(60)
    assert job.state is State.DONE
    assert ds.attrs["address"] == UNIT
    assert (ds.attrs["images"], ds.attrs["seed"]) == (4, 3)
    assert pictures(explorer.stage.images) == pictures(set_figure(ds))
    (expected,) = invis.search(UNIT, images=4, seed=3)
    np.testing.assert_array_equal(ds["images"], expected["images"])
    course = explorer.stage.course.data[-1]
    assert list(course.x) == ds["step"].values.tolist()
    np.testing.assert_allclose(
        course.y, ds["course_distance"] / ds.attrs["null_distance"], rtol=1e-6
    )
    assert explorer.message.startswith("Done")


def test_pictures_change_while_it_runs_on_the_callers_thread_only(make):
    explorer = make("minivgg@none:0/conv2_2/3")
    seen, threads = [], set()

    def note(change):
        seen.append(change["new"])
        threads.add(threading.current_thread())

    async def use():
        explorer._progress.observe(note, "value")
        first = explorer.stage.images.data[0].source
        explorer.search()
        sources = {first}
        while explorer._job is not None:
            sources.add(explorer.stage.images.data[0].source)
            await asyncio.sleep(0.02)
        return sources

    sources = asyncio.run(use())
    assert len(sources) > 4
    assert threads == {threading.current_thread()}
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert explorer.result is not None


def test_stop_keeps_the_set_as_it_stood(make):
    explorer = make("minivgg@none:0/conv3_2/3")
    job = explorer.search()
    while job.latest is None or job.latest.phase != "set":
        assert not job.wait(0.005)
    explorer.stop()
    ds = explorer.wait(10)
    assert job.state is State.CANCELLED
    assert not ds.attrs["converged"]
    assert explorer.message.startswith("Stopped after")
    assert "stopped early" in label(ds)


def test_a_new_search_replaces_one_that_runs_and_keeps_what_it_found(make):
    explorer = make("minivgg@none:0/conv3_2/3")
    first = explorer.search()
    while first.latest is None or first.latest.phase != "set":
        assert not first.wait(0.005)
    explorer.address = UNIT
    explorer.search()
    first.wait(10)
    ds = explorer.wait(60)
    assert ds.attrs["address"] == UNIT
    assert [one.attrs["address"] for one in explorer.history.results] == [
        "minivgg@none:0/conv3_2/3", UNIT,
    ]  # fmt: skip


def test_two_explorers_do_not_interfere(make):
    one, two = make(UNIT, images=4), make(OTHER, images=3)
    one.search(), two.search()
    assert two.wait(60).attrs["address"] == OTHER
    assert one.wait(60).attrs["address"] == UNIT
    assert one.result["images"].shape[0] == 4
    assert two.result["images"].shape[0] == 3
    assert len(one.history.results) == len(two.history.results) == 1


def test_closing_cancels_the_job(make):
    explorer = make("minivgg@none:0/conv3_2/3")
    job = explorer.search()
    explorer.close()
    assert job.wait(10)
    assert job.state is State.CANCELLED


def test_the_code_repeats_the_search(make):
    explorer = make(OTHER, images=3, alpha=0.8, seed=5)
    explorer.search()
    ds = explorer.wait(60)
    names = {}
    exec(explorer.code.rpartition("\n")[0], names)
    np.testing.assert_array_equal(names["result"]["images"], ds["images"])
    assert explorer.code.splitlines()[2] == (
        f'(result,) = invis.search("{OTHER}", images=3, alpha=0.8, seed=5)'
    )


def test_a_setting_starts_a_search_when_followed(make):
    explorer = make(UNIT, images=3)
    explorer.settings.alpha = 0.85
    assert explorer._job is None
    explorer.follow = True
    explorer.settings.alpha = 0.8
    assert explorer.wait(60).attrs["alpha"] == 0.8


def test_a_failure_is_a_sentence_and_the_next_search_works(make):
    explorer = make(OTHER, images=3)
    explorer.chooser._weights.value = "nosuch.safetensors"
    explorer.search()
    assert explorer.wait(60) is None
    assert "nosuch.safetensors" in explorer.message
    assert "Traceback" not in explorer._status.value
    explorer.chooser._weights.value = "none:1"
    explorer.search()
    assert explorer.wait(60).attrs["weights"] == "none:1"


def test_what_cannot_be_is_refused_when_it_is_made(make):
    with pytest.raises(InvisError, match="'vgg61'"):
        make("vgg61/conv1_1/0")
    with pytest.raises(InvisError, match="channels 0 to 15"):
        make("minivgg@none/conv1_1/16")
    with pytest.raises(InvisError, match="'steps' is unknown"):
        make(UNIT, steps=5)
    with pytest.raises(InvisError, match="several"):
        make("minivgg@none/conv1_1/0-3")


def test_units_of_ones_own_network(make):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    units = invis.unit(net, "2", range(4), input_size=12, name="mine")
    explorer = make(units, images=3)
    explorer.address = "mine/2/2"
    explorer.search()
    ds = explorer.wait(60)
    assert ds.attrs["address"] == "mine/2/2"
    assert explorer.settings._controls["distance"].options == ("images", "0")
    names = {"units": units}
    exec(explorer.code.rpartition("\n")[0], names)
    np.testing.assert_array_equal(names["result"]["images"], ds["images"])


def test_saving_and_its_failures_are_told(make, tmp_path):
    explorer = make(UNIT, images=3)
    assert explorer.save(str(tmp_path / "a.nc")) is None
    explorer.search()
    ds = explorer.wait(60)
    path = explorer.save(str(tmp_path / "a.nc"))
    np.testing.assert_array_equal(invis.load(path)["images"], ds["images"])
    assert explorer.save(str(tmp_path / "nosuch" / "a.nc")) is None
    assert "cannot be written" in explorer._saved.value


def test_a_click_enlarges_an_image_with_its_measured_activation(make):
    explorer = make(UNIT, images=4)
    explorer.search()
    ds = explorer.wait(60)
    layout = tiling_of(explorer.stage.images)
    x, y = layout.corner(2)
    points = type("Points", (), {"xs": [x + 3], "ys": [y + 3]})
    explorer.stage._clicked(None, points, None)
    assert explorer.detail.tile == 2
    assert f"{float(ds['activation'][2]):.3f}" in explorer.detail._view.value
    assert explorer._tabs.selected_index == 1


def test_compared_searches_share_the_figure_of_the_course(make):
    explorer = make(UNIT, images=3)
    for alpha in (0.9, 0.7):
        explorer.settings.alpha = alpha
        explorer.search()
        explorer.wait(60)
    explorer.history.choose((0, 1))
    assert "alpha 0.90" in explorer.history._list.options[0][0]
    assert explorer.history._side_by_side.value.count('class="invis-result"') == 2
    drawn = [trace for trace in explorer.stage.course.data if trace.yaxis == "y2"]
    assert len(drawn) == 3  # the null and both


def test_dark_and_width_redraw_what_is_shown(make):
    explorer = make(UNIT, images=3)
    explorer.search()
    ds = explorer.wait(60)
    explorer.dark = True
    explorer.stage.screen._field.value = "1240 light"
    assert pictures(explorer.stage.images) == pictures(set_figure(ds, dark=True, width=1240))
    assert explorer.stage.images.layout.width == 1240


def test_running_a_cell_again_closes_what_it_made_before(make, monkeypatch):
    monkeypatch.setattr(lifetime, "_where", lambda: ("cell", "run 1"))
    first, beside = make(UNIT), make("minivgg@none:0/conv3_2/3")
    job = beside.search()
    monkeypatch.setattr(lifetime, "_where", lambda: ("another cell", "run 2"))
    elsewhere = make(UNIT)
    assert first.comm is not None
    monkeypatch.setattr(lifetime, "_where", lambda: ("cell", "run 3"))
    again = make(UNIT)
    assert job.wait(10)
    assert job.state is State.CANCELLED
    assert first.comm is None
    assert elsewhere.comm is not None
    assert again.comm is not None


def test_search_refuses_a_typed_address_that_names_no_unit_and_keeps_the_last_one(make):
    explorer = make(UNIT, images=2)
    field = explorer.chooser._field
    for typed in ("truth/no_such_cell/0", "truth/compl"):
        field.value = typed
        assert explorer.search() is None
        assert typed in explorer.message
    field.value = UNIT
    assert explorer.chooser.wrong() == ""
    assert explorer.search() is not None
    assert explorer.wait(60).attrs["address"] == UNIT
