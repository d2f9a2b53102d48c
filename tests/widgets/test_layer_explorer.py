"""The explorer of a layer: batches, order, and the way into a unit."""

import pytest

from invis.errors import InvisError
from invis.jobs import State
from invis.views.atlas.thumbnails_figure import thumbnails_figure
from invis.widgets import LayerExplorer
from tests.widgets.test_search_explorer import pictures

LAYER = "minivgg@none:0/conv1_2"


@pytest.fixture
def explorer():
    made = LayerExplorer(LAYER, units=4, images=3)
    yield made
    made.close()


def test_the_thumbnails_are_those_of_the_results_in_the_chosen_order(explorer):
    explorer.search()
    results = explorer.wait(60)
    assert [ds.attrs["channel"] for ds in results] == ["0", "1", "2", "3"]
    (figure,) = explorer._figure.children
    assert pictures(figure) == pictures(thumbnails_figure(results))
    explorer.order = "index, highest first"
    indices = [ds.attrs["index"] for ds in explorer.ordered()]
    assert indices == sorted(indices, reverse=True)
    assert explorer._figure.children == (figure,)
    assert pictures(figure) == pictures(thumbnails_figure(explorer.ordered()))
    assert figure.layout.height == thumbnails_figure(explorer.ordered()).layout.height


def test_more_units_are_searched_without_repeating_the_others(explorer):
    explorer.search()
    before = explorer.wait(60)
    explorer.units = 6
    explorer.search()
    after = explorer.wait(60)
    assert len(after) == 6
    assert all(a is b for a, b in zip(after, before, strict=False))
    assert explorer.search() is None
    assert "have been searched" in explorer.message


def test_a_click_opens_the_unit_with_its_result(explorer):
    explorer.order = "index, lowest first"
    explorer.search()
    lowest = explorer.wait(60)[0]
    assert explorer._below.layout.display == "none"
    explorer._clicked(None, type("Points", (), {"xs": [2], "ys": [2]}), None)
    assert explorer._below.layout.display == ""
    assert explorer.explorer.address == lowest.attrs["address"]
    assert explorer.explorer.result is lowest
    first = explorer.explorer
    explorer.open_unit(2)
    assert explorer.explorer is first
    assert first.address == f"{LAYER}/2"


def test_stop_keeps_the_units_that_ended_and_closing_cancels():
    explorer = LayerExplorer("minivgg@none:0/conv2_1", units=48)
    job = explorer.search()
    while not explorer.results:
        assert not job.wait(0.02)
        explorer._show_progress()
    explorer.stop()
    kept = explorer.wait(20)
    assert job.state is State.CANCELLED
    assert 0 < len(kept) < 48
    assert all(ds.attrs["converged"] or ds.attrs["steps"] == 600 for ds in kept)
    again = explorer.search()
    explorer.close()
    assert again.wait(20)
    assert again.state is State.CANCELLED


def test_another_layer_starts_anew_and_a_wrong_one_is_told(explorer):
    explorer.search()
    explorer.wait(60)
    explorer.layer = "minivgg@none:0/conv9_9"
    assert "conv9_9" in explorer.message
    assert explorer.search() is None
    explorer.layer = "minivgg@none:0/conv1_1"
    assert not explorer.results
    with pytest.raises(InvisError, match="conv9_9"):
        LayerExplorer("minivgg@none:0/conv9_9")
