"""Ways through the graph of a set."""

import numpy as np

from invis.search.routes import cheapest

INF = np.inf
# 0 - 1 - 2 - 3 in a row, a dear way from 0 to 3, and 4 alone.
COSTS = np.array(
    [
        [INF, 1, INF, 4, INF],
        [1, INF, 1, INF, INF],
        [INF, 1, INF, 1, INF],
        [4, INF, 1, INF, INF],
        [INF, INF, INF, INF, INF],
    ]
)


def test_many_cheap_steps_beat_a_dear_one():
    assert cheapest(COSTS, 0, 3) == [0, 1, 2, 3]
    assert cheapest(COSTS, 3, 0) == [3, 2, 1, 0]


def test_a_dear_step_is_taken_where_it_is_less():
    assert cheapest(np.where(COSTS == 4, 2.5, COSTS), 0, 3) == [0, 3]


def test_there_and_nowhere():
    assert cheapest(COSTS, 2, 2) == [2]
    assert cheapest(COSTS, 0, 4) is None


def test_the_same_image_twice_is_joined_at_no_cost():
    costs = np.array([[INF, 0.0, INF], [0.0, INF, 2.0], [INF, 2.0, INF]])
    assert cheapest(costs, 0, 2) == [0, 1, 2]
