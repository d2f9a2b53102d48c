"""A live figure that is told another scheme and width redraws everything, as a new one would."""

import json

import plotly.graph_objects as go
import pytest

from invis.views.base.theme import template
from invis.views.search.course_figure import course_figure, update_course
from invis.views.search.set_figure import set_figure, show_set
from tests.synthetic import complex_cell_result


def plain(figure):
    """The figure as it is drawn: what it keeps for itself and its widget's names left out."""
    shown = json.loads(figure.to_json())
    for trace in shown["data"]:
        trace.pop("uid", None)
    shown["layout"].pop("meta")
    return shown


def restyle(figure, dark, width):
    """As a widget does."""
    with figure.batch_update():
        figure.update_layout(
            meta=figure.layout.meta | {"dark": dark, "width": width},
            width=width,
            template=template(dark),
        )


@pytest.fixture(scope="module")
def result():
    return complex_cell_result(size=12)


@pytest.mark.parametrize("make", [go.Figure, go.FigureWidget])
def test_a_set_in_another_scheme_and_width(result, make):
    figure = make(set_figure(result))
    for dark, width in ((True, 1300), (True, 700), (False, 900), (False, None), (True, None)):
        restyle(figure, dark, width)
        show_set(figure, result)
        assert plain(figure) == plain(set_figure(result, dark, width)), (dark, width)


@pytest.mark.parametrize("make", [go.Figure, go.FigureWidget])
@pytest.mark.parametrize("count", [1, 3])
def test_a_course_in_another_scheme_and_width(result, make, count):
    figure = make(course_figure([result] * count))
    for dark, width in ((True, 1266), (False, 666), (True, None)):
        restyle(figure, dark, width)
        update_course(figure, [result] * count)
        assert plain(figure) == plain(course_figure([result] * count, dark, width)), (dark, width)
