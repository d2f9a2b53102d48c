"""The ground truth in both metrics, and the search that must find it."""

import numpy as np
import pytest
import torch

from invis.models.truth import GroundTruth, unit_names
from invis.search.check import coverage_of_circle, coverage_of_members, run_checks
from invis.search.metric import METRICS, metric_for
from invis.search.settings import Settings


def pulled(unit: str, metric: str) -> np.ndarray:
    """(K, D) the filters of a unit in the coordinates of a metric."""
    shape = (3, 24, 24)
    space = metric_for(Settings(metric=metric), shape)
    return space.pull(GroundTruth().filters(unit).view(-1, *shape)).double().numpy()


@pytest.mark.parametrize("unit", unit_names())
def test_in_pixels_filters_keep_their_lengths_and_angles(unit):
    w = GroundTruth().filters(unit).double().numpy()
    s = pulled(unit, "pixels")
    gram = s @ s.T / (s[-1] @ s[-1])
    # The band leaves the finest diagonals out.
    np.testing.assert_allclose(gram, w @ w.T / (w[-1] @ w[-1]), atol=2e-3)


@pytest.mark.parametrize("unit", ["complex_cell", "hue_cell"])
def test_in_natural_images_every_phase_and_hue_counts_alike(unit):
    squares = np.linalg.eigvalsh(pulled(unit, "natural") @ pulled(unit, "natural").T)
    assert squares[0] > 0.95 * squares[1]


@pytest.mark.parametrize("unit", ["translation_cell", "rotation_cell"])
def test_in_natural_images_the_floor_reaches_every_member(unit):
    lengths = np.linalg.norm(pulled(unit, "natural"), axis=1)
    assert lengths.min() > 0.95 * lengths.max()


@pytest.mark.parametrize("unit", unit_names())
@pytest.mark.parametrize("metric", METRICS)
def test_the_strongest_images_lie_inside_the_pixel_range(metric, unit):
    space = metric_for(Settings(metric=metric), (3, 24, 24))
    best = torch.from_numpy(pulled(unit, metric)).float()
    best = best / best.norm(dim=1, keepdim=True)
    assert space.image(best).abs().max() < 127


def test_coverage_of_a_circle():
    even = 2 * np.pi * np.arange(8) / 8
    assert coverage_of_circle(
        np.eye(2), np.stack([np.cos(even), np.sin(even)], 1), 0.9
    ) == pytest.approx(1)
    same = np.tile([[1.0, 0.0]], (8, 1))
    assert coverage_of_circle(np.eye(2), same, 0.9) == pytest.approx(1 / 8)


def test_coverage_of_what_is_left_of_a_circle():
    gram = np.diag([1.0, 0.5])
    assert coverage_of_circle(gram, np.array([[1.0, 0.1], [-1.0, 0.1], [1.0, 0.0]]), 0.9) == 1
    assert coverage_of_circle(gram, np.array([[1.0, 0.1], [1.0, -0.1]]), 0.9) == 0.5


def test_coverage_of_members():
    poles = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert coverage_of_members(poles, np.array([[1.0], [-1.0]]) @ [[1.0, -1.0]], 0.9) == 1
    assert coverage_of_members(poles, np.ones((4, 1)) @ [[1.0, -1.0]], 0.9) == 0.5
    assert coverage_of_members(np.eye(8), np.eye(8)[[0, 1, 2, 3]], 0.9) == 1
    assert coverage_of_members(np.eye(8), np.eye(8)[[0, 0, 0, 3]], 0.9) == 0.5
    weak = np.diag([1.0, 0.64, 0.9])
    assert coverage_of_members(weak, np.eye(3)[[0, 0, 2, 0]], 0.9) == 1


@pytest.mark.parametrize("metric", METRICS)
def test_the_search_finds_what_is_there_and_claims_nothing_else(metric):
    rows = run_checks(metric=metric)
    assert [row["unit"] for row in rows] == unit_names()
    for row in rows:
        assert row["metric"] == metric
        assert row["passed"], row
