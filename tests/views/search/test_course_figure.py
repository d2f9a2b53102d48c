"""The course of searches against the floor and the null."""

import json
import math

import numpy as np
import plotly.graph_objects as go
import pytest

from invis.errors import InvisError
from invis.views.search.course_figure import (
    FIRST,
    FLOOR,
    NULL,
    CourseLine,
    course_figure,
    course_of,
    null_at_floor,
    update_course,
)
from tests.synthetic import ALPHA, complex_cell_result


def as_plain(figure):
    plain = json.loads(figure.to_json())
    for trace in plain["data"]:
        trace.pop("uid", None)
    return plain


@pytest.fixture(scope="module")
def result():
    return complex_cell_result()


def test_the_lines_are_what_the_result_kept(result):
    figure = course_figure([result])
    assert len(figure.data) == FIRST + 2
    weakest, distance = figure.data[FIRST:]
    np.testing.assert_allclose(weakest.y, result["course_fraction_min"].values)
    expected = result["course_distance"].values / result.attrs["null_distance"]
    np.testing.assert_allclose(distance.y, expected, rtol=1e-6)
    assert distance.y[-1] == pytest.approx(result.attrs["index"], rel=0.02)
    np.testing.assert_array_equal(distance.x, result["step"].values)


def test_floor_and_null_are_drawn_over_all_steps(result):
    figure = course_figure([result])
    assert figure.data[FLOOR].y[:2] == (ALPHA, ALPHA)
    assert figure.data[NULL].y[:2] == (1, 1)
    assert figure.data[NULL].x[:2] == figure.layout.xaxis2.range == figure.layout.xaxis.range
    (shade,) = figure.layout.shapes
    assert (shade.y0, shade.y1, shade.yref) == (0, 1, "y2")
    low, high = figure.layout.yaxis.range
    assert low < ALPHA < high and low <= min(figure.data[FIRST].y)
    assert ALPHA in figure.layout.yaxis.tickvals


def test_without_the_weakest_image_only_the_distance_has_a_panel(result):
    figure = course_figure([result.drop_vars("course_fraction_min")])
    assert figure.layout.xaxis.visible is False and figure.layout.yaxis.visible is False
    assert figure.data[FIRST].y == () and len(figure.data[FIRST + 1].y) > 10
    assert figure.layout.height < course_figure([result]).layout.height


def test_without_a_null_there_is_no_distance_and_the_legend_says_so(result):
    dead = complex_cell_result(dead=True, null_distance=math.nan, index=math.nan)
    figure = course_figure([result, dead])
    assert figure.data[FIRST + 3].y == () and "no index" in figure.data[FIRST + 3].name
    assert "no index" not in figure.data[FIRST + 1].name
    alone = course_figure([dead])
    assert alone.data[FIRST + 1].y == () and len(alone.data[FIRST].y) > 10


def test_searches_overlay_with_their_own_colours_and_dashes(result):
    figure = course_figure([result, complex_cell_result(seed=1), complex_cell_result(linear=True)])
    styles = [(t.line.color, t.line.dash) for t in figure.data[FIRST:]]
    assert styles[0::2] == styles[1::2] and len(set(styles)) == 3
    assert [t.showlegend for t in figure.data[FIRST:]] == [False, True] * 3
    assert len({t.name for t in figure.data[FIRST:]}) == 3


@pytest.mark.parametrize("make", [go.Figure, go.FigureWidget])
def test_an_update_equals_a_new_figure(result, make):
    others = [complex_cell_result(seed=1), result.drop_vars("course_fraction_min")]
    figure = make(course_figure([result], dark=True))
    for shown in ([*others, result], [CourseLine("soon")], others[1:], [result, others[0]]):
        update_course(figure, shown)
        assert as_plain(figure) == as_plain(course_figure(shown, dark=True))


def test_a_running_search_has_both_panels_before_its_first_step(result):
    blank, running = course_figure([CourseLine("soon")]), course_figure([result])
    assert blank.layout.height == running.layout.height
    assert blank.layout.yaxis.visible is True


def test_gaps_stay_gaps():
    line = CourseLine("x", np.arange(3.0), np.array([1, np.nan, 2]), np.array([]), 2.0, 0.9)
    assert course_figure([line]).data[FIRST + 1].y == (0.5, None, 1.0)


@pytest.mark.parametrize("count", [2, 8, 32])
def test_the_null_at_the_floor_is_a_simplexs_edge(count):
    # N unit vectors alpha along one axis, the rest a simplex: all pairs are this far apart.
    simplex = np.eye(count) - 1 / count
    simplex /= np.linalg.norm(simplex, axis=1, keepdims=True)
    vectors = np.hstack([np.full((count, 1), ALPHA), math.sqrt(1 - ALPHA**2) * simplex])
    edge = np.linalg.norm(vectors[0] - vectors[1])
    assert null_at_floor(count, ALPHA) == pytest.approx(edge)


def test_names(result):
    assert course_of(result).name == "truth/complex_cell/0, seed 0"
    assert course_of(result, "mine").name == "mine"


def test_bad_input_is_refused(result):
    with pytest.raises(InvisError, match="empty"):
        course_figure([])
    with pytest.raises(InvisError, match="figure"):
        update_course(go.Figure(), [result])
    with pytest.raises(InvisError, match="images is 1"):
        null_at_floor(1, 0.9)
