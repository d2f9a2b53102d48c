"""The ground-truth units are what their formulas say."""

import numpy as np
import pytest
import torch

from invis.models.truth import GAIN, GroundTruth, orthonormal, unit_names

TRUTH = GroundTruth()


def respond(unit: str, x: torch.Tensor) -> float:
    column = unit_names().index(unit)
    return float(TRUTH(x.view(1, 3, 24, 24))[0, column])


@pytest.mark.parametrize("unit", unit_names())
def test_filters_are_orthonormal_but_for_the_weights_of_hue(unit: str) -> None:
    w = TRUTH.filters(unit)
    weights = [0.5, 1.0] if unit == "hue_cell" else np.ones(len(w))
    np.testing.assert_allclose(w @ w.T, np.diag(weights) ** 2, atol=1e-6)


@pytest.mark.parametrize("unit", unit_names())
def test_responses_are_the_formulas(unit: str) -> None:
    x = torch.randn(3 * 24 * 24, generator=torch.Generator().manual_seed(0))
    p = (TRUTH.filters(unit) @ x * GAIN).numpy()
    known = {
        "simple_cell": p[0],
        "complex_cell": (p**2).sum(),
        "polarity_cell": abs(p[0]),
        "translation_cell": p.max(),
        "rotation_cell": p.max(),
        "hue_cell": (p**2).sum(),
    }
    assert respond(unit, x) == pytest.approx(known[unit], rel=1e-4)


def test_one_grey_level_of_contrast_along_the_filter_gives_one() -> None:
    w = TRUTH.filters("simple_cell")[0]
    image = w * (3 * 24 * 24) ** 0.5 / 255
    assert float(image.square().mean().sqrt() * 255) == pytest.approx(1, rel=1e-5)
    assert respond("simple_cell", image) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("unit", ["complex_cell", "hue_cell"])
def test_the_angle_in_the_plane_is_ignored(unit: str) -> None:
    w = TRUTH.filters(unit)
    turns = torch.linspace(0, 6.28, 13)
    w = w / w.square().sum(1, keepdim=True)  # of which the filters see one component each
    found = [respond(unit, t.cos() * w[0] + t.sin() * w[1]) for t in turns]
    np.testing.assert_allclose(found, found[0], rtol=1e-4)


@pytest.mark.parametrize("unit", ["translation_cell", "rotation_cell"])
def test_every_member_of_the_orbit_excites_equally(unit: str) -> None:
    found = [respond(unit, w) for w in TRUTH.filters(unit)]
    np.testing.assert_allclose(found, found[0], rtol=1e-4)


def test_polarity_is_ignored_and_the_linear_unit_sees_it() -> None:
    x = torch.randn(3 * 24 * 24, generator=torch.Generator().manual_seed(1))
    assert respond("polarity_cell", x) == pytest.approx(respond("polarity_cell", -x), rel=1e-5)
    assert respond("simple_cell", x) == pytest.approx(-respond("simple_cell", -x), rel=1e-5)


def test_grey_gives_nothing() -> None:
    assert TRUTH(torch.zeros(1, 3, 24, 24)).abs().max() == 0


def test_orthonormal_vectors_stay_as_they_are() -> None:
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 3)))
    rows = torch.as_tensor(q.T, dtype=torch.float32).reshape(3, 3, 2, 2)
    np.testing.assert_allclose(orthonormal(rows), rows, atol=1e-6)
