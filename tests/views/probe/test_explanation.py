"""The pictures of an explanation hold its numbers."""

import numpy as np
import pytest

import invis
from invis.probe.explain.explanation import explain
from invis.views.probe.explanation import (
    explanation_figures,
    explanation_html,
    maps_figure,
    shares_figure,
)


@pytest.fixture(scope="module")
def found():
    (ds,) = invis.search("truth/hue_cell/0", device="cpu")
    return explain(ds, device="cpu", photographs=False)


def test_bars_are_the_shares_and_the_claimed_one_stands_out(found):
    bars, marks, _ = shares_figure(found).data
    shares = dict(zip(bars.y, bars.x, strict=True))
    assert shares == {name: one["share"] for name, one in found.families.items()}
    colours = dict(zip(bars.y, bars.marker.color, strict=True))
    assert [name for name, one in colours.items() if one == colours["hue"]] == ["hue"]
    for name, x in zip(marks.y, marks.x, strict=True):
        assert x == pytest.approx(found.null.threshold(name))


def test_maps_are_those_of_the_set_above_those_of_the_linear_unit(found):
    figure = maps_figure(found)
    np.testing.assert_array_equal(figure.data[0].z, found.maps.varies)
    np.testing.assert_array_equal(figure.data[4].z, found.maps_null.varies)
    # A pattern without luminance has no polarity to turn; its colour turns.
    strong = found.maps.energy > 0.5
    assert found.maps.colour[strong].mean() > 0.3 > found.maps_null.colour[strong].mean()


def test_the_page_asks_for_nothing_and_holds_both_schemes(found):
    html = explanation_html([found])
    assert "What varies in truth/hue_cell/0" in html
    assert 'src="http' not in html
    assert len(explanation_figures(found)) == len(explanation_figures(found, dark=True)) == 4
