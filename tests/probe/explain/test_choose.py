"""What is explained is shared out fairly, and what chance explains has no name."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from invis.probe.explain.answer import LinearAnswer, around
from invis.probe.explain.choose import shapley
from invis.probe.explain.generators import flattest, run
from invis.probe.explain.hold import Held, Region
from invis.probe.explain.moves import MOVES, grid_for
from invis.probe.explain.null import CONFIDENCE, calibrate

NAMES = ("hue", "shift", "bend")


def groups(names):
    return [frozenset(g) for n in range(len(names) + 1) for g in itertools.combinations(names, n)]


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_shares_add_up_to_what_all_explain(values):
    value = dict(zip(groups(NAMES), [0.0, *values[1:]], strict=True))
    shares = shapley(NAMES, value)
    assert sum(shares.values()) == pytest.approx(value[frozenset(NAMES)], abs=1e-9)


def test_shares_of_independent_and_of_interchangeable_families():
    alone = {"hue": 0.3, "shift": 0.2, "bend": 0.1}
    added = {group: sum(alone[name] for name in group) for group in groups(NAMES)}
    assert shapley(NAMES, added) == pytest.approx(alone)
    same = {group: 0.6 * bool(group) for group in groups(NAMES)}
    assert shapley(NAMES, same) == pytest.approx(dict.fromkeys(NAMES, 0.2))


def test_one_in_twenty_linear_sets_has_a_family_beyond_chance():
    rng = np.random.default_rng(0)
    sets = {name: rng.normal(0.1 * k, 0.02, 4000) for k, name in enumerate("abcdefgh")}
    null = calibrate(None, sets)
    fresh = {name: rng.normal(0.1 * k, 0.02, 4000) for k, name in enumerate("abcdefgh")}
    named = np.any([fresh[name] > null.threshold(name) for name in fresh], axis=0)
    assert named.mean() == pytest.approx(1 - CONFIDENCE, abs=0.015)


def test_random_images_have_the_overlap_that_is_asked_for():
    reference = torch.nn.functional.normalize(torch.arange(40.0) - 11, dim=0)
    overlap = torch.tensor([0.9, 0.0, -0.5])
    vectors = around(reference, overlap, torch.Generator().manual_seed(0))
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(LinearAnswer(reference).value(vectors), overlap)


def test_to_a_linear_unit_all_directions_curve_alike():
    generator = torch.Generator().manual_seed(0)
    slope = torch.randn(4, 20, generator=generator, dtype=torch.float64)
    speed = slope @ slope.T
    assert [k for _, k in flattest(speed, speed, 4)] == pytest.approx([1.0] * 4)
    # One flat direction is found as it is.
    flat = speed - 0.9 * torch.outer(speed[:, 0], speed[:, 0]) / speed[0, 0]
    direction, curvature = flattest(flat, speed, 1)[0]
    assert curvature == pytest.approx(0.1)
    torch.testing.assert_close(direction[1:], torch.zeros(3, dtype=torch.float64))


def test_the_run_around_the_middle_ends_at_the_first_gap():
    assert run(torch.tensor([True, False, True, True, True, True, False])) == (2, 5)
    assert run(torch.ones(5, dtype=torch.bool)) == (0, 4)


def test_a_range_of_fits_ends_where_images_fall_below_the_floor():
    within = torch.linspace(0.05, 1, 20)
    region = Region(MOVES[0], torch.zeros(20, 1), 0.0, 1.2 - 0.5 * within, within)
    kept = within[region.kept(0.9)]
    # Above 0.6 images fall below; nine in ten within the range still keep it.
    assert 0.6 <= float(kept.max()) <= 0.67
    assert not region.kept(2.0).any()


def test_a_range_that_holds_nothing_but_the_reference_is_no_range():
    values = torch.tensor([[-0.5], [2e-8], [0.5]])
    fraction = torch.tensor([0.8, 1.0, 0.92])
    region = Region(MOVES[0], values, 0.5, fraction, torch.zeros(0))
    assert region.moves(0.9) and not region.moves(0.95)


def test_a_sentence_holds_where_it_does_better_than_chance_and_than_a_linear_unit():
    assert Held(0.9, 0.2, 0.3, 0.95, 1.0, 256).holds
    assert not Held(0.9, 0.2, 0.88, 0.95, 1.0, 256).holds
    assert not Held(0.3, 0.3, 0.1, 0.8, 1.0, 256).holds


def test_larger_fields_have_more_parts():
    assert [grid_for(side) for side in (5, 14, 24, 32, 68)] == [2, 2, 3, 3, 4]
