"""What invariance costs: the null's curve is the closed form, the dots are the results."""

import math

import numpy as np
import pytest

from invis.errors import InvisError
from invis.views.search.cost_figure import GAPS, MEANS, NULL, NUMBERS, OWN, SETS, cost_figure
from tests.synthetic import complex_cell_result


def at(alpha, distance, null, **attrs):
    measured = {"distance": distance, "null_distance": null, "index": distance / null}
    return complex_cell_result(size=8, alpha=alpha, **(measured | attrs))


@pytest.fixture(scope="module")
def sweep():
    return [at(0.9, 0.93, 0.66), at(0.5, 1.4, 1.31), at(0.7, 1.2, 1.08)]


@pytest.mark.parametrize("count", [2, 3, 8, 32])
def test_the_null_is_the_closed_form_over_the_whole_range(count):
    curve = cost_figure([complex_cell_result(size=8, images=count)]).data[NULL]
    alphas = np.array(curve.x)
    assert alphas[0] == 0 and alphas[-1] == pytest.approx(1)
    expected = np.sqrt(2 * count / (count - 1)) * np.sqrt(np.maximum(1 - alphas**2, 0))
    np.testing.assert_allclose(curve.y, expected, atol=1e-7)
    assert np.abs(np.diff(curve.y)).max() < 0.05


@pytest.mark.parametrize("count", [2, 8])
def test_where_nothing_is_asked_the_null_is_the_simplex(count):
    corners = np.eye(count) - 1 / count
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    side = np.linalg.norm(corners[0] - corners[1])
    assert cost_figure([complex_cell_result(size=8, images=count)]).data[NULL].y[0] == (
        pytest.approx(side)
    )


def test_dots_are_the_results_in_the_order_of_alpha(sweep):
    figure = cost_figure(sweep)
    dots = figure.data[SETS]
    assert dots.x == (0.5, 0.7, 0.9) and dots.y == (1.4, 1.2, 0.93)
    assert dots.customdata == (1, 2, 0)
    assert figure.data[OWN].x == dots.x and figure.data[OWN].y == (1.31, 1.08, 0.66)
    assert figure.data[GAPS].y == (1.31, 1.4, None, 1.08, 1.2, None, 0.66, 0.93, None)
    assert figure.data[NUMBERS].text == tuple(
        f"<b>{far / null:.2f}</b>" for far, null in ((1.4, 1.31), (1.2, 1.08), (0.93, 0.66))
    )
    low, high = figure.layout.yaxis.range
    assert low == 0 and high > max(*figure.data[NULL].y, *dots.y)


def test_a_real_set_has_its_index_above_the_null_and_a_linear_one_does_not():
    cell, line = complex_cell_result(), complex_cell_result(linear=True)
    gaps = [cost_figure([ds]).data[GAPS].y[:2] for ds in (cell, line)]
    assert gaps[0][1] > 1.2 * gaps[0][0]
    assert gaps[1][1] <= gaps[1][0]


def test_seeds_at_one_alpha_share_a_line_and_a_number():
    seeds = [at(0.9, 0.8, 0.66, seed=0), at(0.9, 1.0, 0.66, seed=1), at(0.5, 1.4, 1.31)]
    figure = cost_figure(seeds)
    assert len(figure.data[SETS].x) == 3 and figure.data[MEANS].x == (0.5, 0.9)
    assert figure.data[MEANS].y == pytest.approx((1.4, 0.9))
    assert figure.data[NUMBERS].text[1] == f"<b>{0.9 / 0.66:.2f}</b>"


@pytest.mark.parametrize("distance", [math.nan, 0.7])
def test_a_dead_unit_has_no_dot_and_is_told(distance):
    dead = {"distance": distance, "null_distance": math.nan, "index": math.nan, "dead": True}
    figure = cost_figure([complex_cell_result(size=8, **dead)])
    assert figure.data[SETS].x == () and len(figure.data[NULL].x) > 10
    assert "1 of 1 searches found no set" in figure.layout.annotations[0].text


def test_a_set_without_index_has_a_dot_and_a_dash():
    nothing = {"null_distance": math.nan, "index": math.nan}
    figure = cost_figure([complex_cell_result(size=8, **nothing)])
    assert len(figure.data[SETS].x) == 1 and figure.data[OWN].x == ()
    assert figure.data[NUMBERS].text == ("<b>–</b>",)


@pytest.mark.parametrize(
    "attrs",
    [
        {"address": "truth/other/0"},
        {"weights_hash": "f"},
        {"contrast": 20.0},
        {"band_high": 9.0},
        {"objective": "each"},
        {"distance_space": "features"},
    ],
)
def test_what_cannot_be_compared_is_refused(sweep, attrs):
    (key, value) = next(iter(attrs.items()))
    with pytest.raises(InvisError, match=f"{key} .* and {value}"):
        cost_figure([*sweep, at(0.8, 1.0, 0.9, **attrs)])


def test_bad_input_is_refused(sweep):
    with pytest.raises(InvisError, match="empty"):
        cost_figure([])
    with pytest.raises(InvisError, match="images 8 and 4"):
        cost_figure([*sweep, complex_cell_result(size=8, images=4)])
    for alpha in (math.nan, 1.5):
        with pytest.raises(InvisError, match=r"results\[0\] has alpha"):
            cost_figure([at(alpha, 1.0, 0.9)])


def test_addresses_are_text_and_not_markup():
    figure = cost_figure([complex_cell_result(size=8, address="a<b>c/x/0")])
    assert "a&lt;b&gt;c" in figure.layout.annotations[0].text


@pytest.mark.parametrize("dark", [False, True])
def test_it_keeps_the_look_and_the_width(sweep, dark):
    figure = cost_figure(sweep, dark, 900)
    assert figure.layout.width == 900
    assert figure.layout.paper_bgcolor is None and figure.layout.template.layout.paper_bgcolor
