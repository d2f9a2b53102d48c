"""Profiles on the scale where a linear unit is a flat line."""

import math

import numpy as np
import pytest

import invis
from invis.errors import InvisError
from invis.search.profile import profile
from invis.search.profile_result import set_at
from invis.views.atlas.layers_figure import layers_figure
from invis.views.base import words
from invis.views.search.profile_figure import profile_figure, profile_html


@pytest.fixture(scope="module")
def found():
    (ds,) = profile("truth/polarity_cell/0", (0.8, 0.9), images=4, metric="pixels")
    return ds


def test_index_and_spread_stand_over_the_floors_beside_the_linear_unit_and_the_ceiling(found):
    figure = profile_figure([found])
    null, ceiling, index, spread = figure.data
    assert null.y == (1, 1)
    np.testing.assert_allclose(np.square(ceiling.y) * ceiling.x, 1)
    np.testing.assert_allclose(index.x, 1 - np.array([0.8, 0.9]) ** 2)
    np.testing.assert_array_equal(index.y, found["index"].values)
    np.testing.assert_array_equal(spread.y, found["spread"].values)
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    left, right = figure.layout.xaxis.range
    assert left > math.log10(index.x[0]) > math.log10(index.x[1]) > right
    assert "2 islands" in index.hovertext[0]


def test_a_slope_is_half_of_kappa(found):
    index = profile_figure([found]).data[2]
    rise = -np.diff(np.log(index.y)) / np.diff(np.log(index.x))
    assert 2 * rise[0] == pytest.approx(found.attrs["kappa"], abs=0.02)


def test_a_page_asks_nobody_and_names_the_unit(found):
    page = profile_html([found])
    assert "truth/polarity_cell/0" in page
    assert 'src="http' not in page


def test_dead_units_are_not_drawn(found):
    dead = found.assign_attrs(dead=True)
    with pytest.raises(InvisError, match="dead units only"):
        profile_figure([dead])
    assert len(profile_figure([found, dead]).data) == 4
    assert "dead" in profile_html([dead])


def test_kappa_stands_in_the_gallery_of_a_floor(found):
    ds = set_at(found, 0.9)
    assert words.tolerance(ds.attrs) in invis.gallery_html([ds])
    assert "a tolerance would explain" in words.tolerance(ds.attrs)
    orbit = ds.assign_attrs(kappa=0.7, kappa_low=0.5, kappa_high=0.9)
    assert words.tolerance(orbit.attrs).startswith("Kappa 0.70 (0.50 to 0.90)")
    assert "something stays" in words.tolerance(orbit.attrs)


def test_layers_are_compared_by_kappa_with_the_null_at_0(found):
    figure = layers_figure([found], measure="kappa")
    assert figure.data[0].x == (0, 0)
    assert figure.data[1].x == (found.attrs["kappa"],)
    area = figure.layout.shapes[0]
    assert (area.x0, area.x1) == (-0.5, 0)
    axis = figure.layout.xaxis
    assert "a linear unit" in axis.ticktext[axis.tickvals.index(0)]
    assert "kappa" in figure.data[1].hovertext[0]
    with pytest.raises(InvisError, match="measure 'size' is unknown: use index, spread, kappa"):
        layers_figure([found], measure="size")
