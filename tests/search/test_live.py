"""Searches for a screen: glimpses, and stops that lose nothing."""

import pytest

from invis.search import search
from invis.search.live import LiveSearch
from tests.search.networks import small_units


def test_to_the_end_it_is_the_search():
    live = LiveSearch(lambda: small_units([0]), images=4)
    glimpses = list(live.steps())
    (expected,) = search(small_units([0]), images=4)
    (found,) = live.results
    assert found["images"].equals(expected["images"])
    assert found.attrs["index"] == expected.attrs["index"]
    assert live.updates == len(glimpses)
    assert [ds for glimpse in glimpses for ds in glimpse.finished] == live.results
    assert glimpses[0].previews[0].address == expected.attrs["address"]


def test_a_stop_measures_the_sets_as_they_stand():
    live = LiveSearch(lambda: small_units([0, 1]), images=4)
    steps = live.steps()
    seen = next(g for g in steps if g.phase == "set")
    assert not live.results
    steps.close()
    assert [ds.attrs["address"] for ds in live.results] == list(small_units([0, 1]).addresses)
    for ds, preview in zip(live.results, seen.previews, strict=True):
        assert not ds.attrs["converged"]
        assert ds.attrs["fraction_min"] == pytest.approx(preview.fractions.min(), abs=0.03)


def test_a_stop_before_there_is_a_set_leaves_no_result():
    live = LiveSearch(lambda: small_units([0]), images=4)
    steps = live.steps()
    assert next(steps).phase == "reference"
    steps.close()
    assert live.results == []


def test_without_the_unfinished_nothing_is_drawn_and_a_stop_keeps_what_had_ended():
    live = LiveSearch(lambda: small_units([0, 1]), unfinished=False, images=4)
    steps = live.steps()
    assert not next(g for g in steps if g.phase == "set").previews
    steps.close()
    assert live.results == []
