"""Changing a figure by what differs."""

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invis.views.base.changes import apply, changes

leaves = st.one_of(st.integers(-3, 3), st.booleans(), st.text(max_size=2))
trees = st.recursive(
    leaves | st.lists(leaves, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)
dictionaries = st.dictionaries(st.sampled_from("abcd"), trees, max_size=4)


def merge(old, new):
    """As plotly does: dictionaries part by part, everything else replaced."""
    both = isinstance(old, dict) and isinstance(new, dict)
    return {**old, **{k: merge(old.get(k), v) for k, v in new.items()}} if both else new


@given(dictionaries, dictionaries)
def test_the_changes_do_what_the_whole_would(old, new):
    assert merge(old, changes(new, old)) == merge(old, new)


@given(dictionaries)
def test_what_is_equal_changes_nothing(tree):
    assert changes(tree, tree) == {}


def test_parts_of_lists_are_compared_one_by_one():
    old = {"notes": [{"text": "a", "x": 0}, {"text": "b", "x": 1}]}
    new = {"notes": [{"text": "a", "x": 0}, {"text": "c", "x": 1.0}]}
    assert changes(new, old) == {"notes": [{}, {"text": "c"}]}


@pytest.mark.parametrize("make", [go.Figure, go.FigureWidget])
def test_a_figure_gets_the_new_values_and_keeps_the_others(make):
    figure = make(go.Scatter(x=[1, 2], y=[3, 4], name="kept"))
    figure.update_layout(title="old", width=300, annotations=[{"text": "a"}, {"text": "b"}])
    apply(
        figure,
        [{"y": [5, 6], "marker": {"size": 7}}],
        {"title": {"text": "new"}, "annotations": [{"text": "a"}, {"text": "c"}]},
    )
    assert (figure.data[0].x, figure.data[0].y) == ((1, 2), (5, 6))
    assert (figure.data[0].name, figure.data[0].marker.size) == ("kept", 7)
    assert (figure.layout.title.text, figure.layout.width) == ("new", 300)
    assert [note.text for note in figure.layout.annotations] == ["a", "c"]


def test_other_traces_than_expected_are_refused():
    with pytest.raises(ValueError):
        apply(go.Figure(), [{"x": [1]}], {})
