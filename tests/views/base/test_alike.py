"""Results that answer different questions are never compared without saying so."""

import pytest

from invis.views.base.alike import differing, doubt
from tests.synthetic import complex_cell_result

NATURAL = {"metric": "natural", "contrast": 8.0}


def test_results_of_one_question_raise_no_doubt():
    # A result of a version that knew no other metric is in that of pixels.
    assert doubt([complex_cell_result(), complex_cell_result(metric="pixels", seed=3)]) == ""
    old, new = complex_cell_result(), complex_cell_result(distance_space="images")
    assert differing([old, new]) == []


@pytest.mark.parametrize(
    ("attrs", "said"),
    [
        (NATURAL, ["metric"]),
        ({"alpha": 0.8}, ["activation floor"]),
        ({"images": 3}, ["number of images"]),
        ({"contrast": 9.0}, ["contrast"]),
        ({"objective": "paper"}, ["objective"]),
        ({"distance_space": "conv1"}, ["what differs"]),
    ],
)
def test_each_difference_is_told(attrs, said):
    both = [complex_cell_result(), complex_cell_result(**attrs)]
    assert differing(both) == said
    assert said[0] in doubt(both) and "must not be compared" in doubt(both)


def test_the_metrics_are_named():
    both = [complex_cell_result(), complex_cell_result(**NATURAL)]
    assert "metric (pixels, natural)" in doubt(both)


def test_natural_contrasts_go_by_the_size_of_the_field():
    small = complex_cell_result(size=8, **NATURAL)
    large = complex_cell_result(size=16, **(NATURAL | {"contrast": 5.7}))
    assert differing([small, large]) == []
    assert differing([small, large, complex_cell_result(size=8, metric="natural")]) == ["contrast"]
