"""Anchors are inputs, all different, and each strategy keeps its promise."""

import numpy as np
import pytest

from invis.errors import InvisError
from invis.stitching.anchors import STRATEGIES, choose_anchors


@pytest.fixture
def blobs():
    """Five tight, far-apart clusters of unequal size."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), (100, 50, 20, 10, 5))
    centres = 100 * np.eye(5, 6)
    return centres[labels] + rng.normal(size=(len(labels), 6)), labels


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("count", [1, 7, 185])
def test_anchors_are_different_inputs_and_follow_the_seed(blobs, strategy, count):
    inputs, labels = blobs
    chosen = choose_anchors(inputs, count, strategy, labels=labels, seed=3)
    assert len(set(chosen.tolist())) == count
    assert set(chosen.tolist()) <= set(range(185))
    again = choose_anchors(inputs, count, strategy, labels=labels, seed=3)
    assert np.array_equal(chosen, again)


@pytest.mark.parametrize("strategy", ["kmeans", "farthest", "balanced"])
def test_five_anchors_find_five_clusters(blobs, strategy):
    inputs, labels = blobs
    chosen = choose_anchors(inputs, 5, strategy, labels=labels, seed=1)
    assert sorted(labels[chosen]) == [0, 1, 2, 3, 4]


def test_random_anchors_follow_the_classes_sizes(blobs):
    inputs, labels = blobs
    draws = [labels[choose_anchors(inputs, 20, seed=seed)] for seed in range(200)]
    shares = np.bincount(np.concatenate(draws)) / 4000
    assert shares == pytest.approx(np.array([100, 50, 20, 10, 5]) / 185, abs=0.03)


def test_balanced_counts_differ_by_one_until_a_class_runs_out(blobs):
    inputs, labels = blobs
    chosen = choose_anchors(inputs, 23, "balanced", labels=labels)
    counts = np.bincount(labels[chosen])
    assert counts.max() - counts.min() == 1
    everything = choose_anchors(inputs, 40, "balanced", labels=labels)
    assert np.bincount(labels[everything])[4] == 5


def test_farthest_is_greedy():
    line = np.array([[0.0], [1.0], [4.0], [10.0]])
    for seed in range(8):
        chosen = choose_anchors(line, 3, "farthest", seed=seed).tolist()
        gaps = [min(abs(line[c, 0] - line[p, 0]) for p in chosen[:2]) for c in range(4)]
        assert gaps[chosen[2]] == max(gaps)


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_duplicates_are_still_different_inputs():
    for strategy in STRATEGIES[:3]:
        chosen = choose_anchors(np.ones((6, 2)), 6, strategy)
        assert sorted(chosen.tolist()) == list(range(6))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0,), "count 0 is not possible: there are 185 inputs"),
        ((186,), "count 186 is not possible"),
        ((5, "k-means"), "did you mean kmeans"),
        ((5, "balanced"), "needs labels"),
    ],
)
def test_bad_input_is_told_in_one_sentence(blobs, arguments, sentence):
    with pytest.raises(InvisError, match=sentence):
        choose_anchors(blobs[0], *arguments)


def test_labels_must_fit(blobs):
    with pytest.raises(InvisError, match=r"labels has shape \(3,\); it must be \(185,\)"):
        choose_anchors(blobs[0], 5, "balanced", labels=[0, 1, 2])
