"""The layer overview: every unit is a dot or a count."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invis.errors import InvisError
from invis.views.atlas.layer_table import groups
from invis.views.atlas.layers_figure import layers_figure, table_of
from invis.views.atlas.swarm import swarm
from tests.synthetic import complex_cell_result


def rows(layer, values, group="", **more):
    return [
        {"layer": layer, "channel": i, "index": v, "spread": v, "group": group, **more}
        for i, v in enumerate(values)
    ]


def test_dots_are_the_units_in_the_order_of_the_layers():
    table = rows("late", [1.5, 2.0, 1.0]) + rows("early", [0.9, 0.95])
    figure = layers_figure(table)
    null, dots, marks, numbers = figure.data
    assert null.x == (1, 1)
    assert dots.x == (1.5, 2.0, 1.0, 0.9, 0.95)
    assert dots.customdata == ("late/0", "late/1", "late/2", "early/0", "early/1")
    assert [round(y) for y in dots.y] == [0, 0, 0, 1, 1]
    assert [text.split("<br>")[0] for text in figure.layout.yaxis.ticktext] == ["late", "early"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert marks.x[0] == 1.5 and marks.x[3] == 0.925
    assert "1.50" in numbers.text[0] and "0.93" in numbers.text[1].replace("0.92", "0.93")


def test_the_null_is_a_line_and_an_area_at_one():
    figure = layers_figure(rows("a", [1.2]))
    area = figure.layout.shapes[0]
    assert (area.x0, area.x1, area.xref, area.yref) == (0, 1, "x", "y domain")
    axis = figure.layout.xaxis
    assert "a linear unit" in axis.ticktext[axis.tickvals.index(1)]


def test_units_without_an_index_are_counted():
    table = (
        rows("a", [1.2, 1.3])
        + rows("a", [None, 5.0, math.nan], dead=True)
        + rows("a", [math.nan])
        + rows("b", [None], dead=True)
    )
    figure = layers_figure(table)
    first, second = figure.layout.yaxis.ticktext
    assert "3 dead, 1 without index" in first
    assert "1 dead" in second and "without" not in second
    assert figure.data[1].x == (1.2, 1.3)
    assert figure.layout.xaxis.range[1] == 2  # A dead unit's number does not stretch the axis.


def test_groups_lie_side_by_side_on_one_axis():
    table = rows("a", [1.2, 1.4], "trained") + rows("a", [2.0], "untrained")
    table += rows("b", [1.1], "trained") + rows("a", [None], "untrained", dead=True)
    figure = layers_figure(table)
    assert len(figure.data) == 1 + 3 * 2
    trained, untrained = figure.data[1], figure.data[4]
    assert (trained.name, untrained.name) == ("trained", "untrained")
    assert max(trained.y[:2]) < untrained.y[0] < 0.5
    assert trained.y[2] == pytest.approx(1.0)  # The only group of its layer stands in the middle.
    assert trained.marker.color != untrained.marker.color
    assert trained.marker.symbol != untrained.marker.symbol
    assert "■ 1 dead" in figure.layout.yaxis.ticktext[0]


def test_results_form_groups_of_their_own():
    trained = complex_cell_result(model="vgg", layer="conv1", weights="W")
    control = complex_cell_result(model="vgg", layer="conv1", weights="none:0", index=1.5)
    other = complex_cell_result(model="resnet", layer="conv1", weights="W")
    assert [r["group"] for r in table_of([trained, trained])] == ["", ""]
    assert [r["group"] for r in table_of([trained, other])] == ["vgg", "resnet"]
    assert [r["group"] for r in table_of([trained, control])] == [
        "weights W",
        "untrained control, seed 0",
    ]
    assert [r["group"] for r in table_of([trained, control], ["a", "b"])] == ["a", "b"]
    figure = layers_figure([trained, control])
    assert figure.data[1].x == (trained.attrs["index"],) and figure.data[4].x == (1.5,)
    assert trained.attrs["address"] in figure.data[1].hovertext[0]
    assert f"{trained.attrs['index']:.2f}" in figure.data[1].hovertext[0]


def test_metrics_are_told_apart_among_results_and_in_an_atlas():
    natural = complex_cell_result(model="vgg", layer="conv1", weights="W", metric="natural")
    pixels = complex_cell_result(model="vgg", layer="conv2", weights="W")
    assert [r["group"] for r in table_of([natural, pixels])] == ["natural", "pixels"]
    layers = [
        SimpleNamespace(
            path=f"{layer}/{metric}", model="vgg", weights="W", weights_hash="cafe",
            layer=layer, settings={"alpha": 0.9, "metric": metric},
        )
        for layer, metric in (("conv1", "natural"), ("conv2", "pixels"))
    ]  # fmt: skip
    assert groups(layers) == {
        "conv1/natural": "weights W, metric natural",
        "conv2/pixels": "weights W, metric pixels",
    }
    assert groups(layers[:1]) == {"conv1/natural": "weights W"}


def test_dots_stay_in_their_row():
    figure = layers_figure(rows("a", [1.0] * 60, "x") + rows("a", [1.0] * 60, "y"))
    first, second = np.array(figure.data[1].y), np.array(figure.data[4].y)
    assert first.min() > -0.5 and first.max() < 0 < second.min() and second.max() < 0.5


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_a_swarm_does_not_overlap_and_is_the_same_every_time(positions):
    x = np.array(positions)
    y = swarm(x, 5.0)
    apart = np.hypot(x[:, None] - x, y[:, None] - y) + 1e9 * np.eye(len(x))
    assert apart.min() >= 5.0 - 1e-6
    np.testing.assert_array_equal(y, swarm(x, 5.0))
    assert np.abs(y).min() == 0


@pytest.mark.parametrize("table", [[], [{"channel": 1}], [complex_cell_result(), {"layer": "a"}]])
def test_bad_input_is_refused(table):
    with pytest.raises(InvisError, match="table"):
        layers_figure(table)


def test_groups_of_another_number_are_refused():
    with pytest.raises(InvisError, match="groups has 1"):
        table_of([complex_cell_result()] * 2, ["a"])
