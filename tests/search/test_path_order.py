"""A set is shown along a path of small steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invis.search.null import pairwise, path_order


def length(distances: np.ndarray, order: list[int]) -> float:
    return float(distances[order[:-1], order[1:]].sum())


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 4))
def test_it_visits_every_image_once_and_no_reversal_of_a_stretch_shortens_it(seed, count, size):
    distances = pairwise(np.random.default_rng(seed).normal(size=(count, size)))
    start = seed % count
    order = path_order(distances, start)
    assert order[0] == start
    assert sorted(order) == list(range(count))
    for i in range(1, count - 1):
        for j in range(i + 1, count):
            turned = order[:i] + order[i : j + 1][::-1] + order[j + 1 :]
            assert length(distances, order) <= length(distances, turned) + 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_points_on_a_line_are_walked_along_it_from_its_end(seed):
    places = np.random.default_rng(seed).normal(size=(8, 1))
    order = path_order(pairwise(places), int(places.argmin()))
    assert (np.diff(places[order, 0]) > 0).all()


def test_a_circle_is_walked_around():
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(8)
    angles = 2 * np.pi * shuffled / 8
    order = path_order(pairwise(np.stack([np.cos(angles), np.sin(angles)], 1)))
    steps = np.diff(shuffled[order]) % 8
    assert set(steps) in ({1}, {7})
