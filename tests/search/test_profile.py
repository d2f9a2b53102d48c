"""Profiles of units whose sets are known in closed form at every floor."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import invis
from invis.errors import InvisError
from invis.search.geometry import index_in_pixels
from invis.search.null import null_distance
from invis.search.profile import FLOORS, profile, profile_steps
from invis.search.profile_result import set_at
from invis.search.tolerance import kappa
from tests.search.networks import affine, bump, gabor, noise

USUAL = FLOORS.index(0.9)


def geometry(unit):
    """Kappa of a ground-truth unit's best sets."""
    null = [null_distance(np.ones(8), 1.0, alpha) for alpha in FLOORS]
    return kappa(FLOORS, [index_in_pixels(unit, alpha, 8) for alpha in FLOORS] * np.array(null))


@pytest.fixture(scope="module")
def found():
    """The profile of a ground-truth unit, searched once."""
    done = {}

    def get(name):
        if name not in done:
            (done[name],) = profile(f"truth/{name}/0", metric="pixels")
        return done[name]

    return get


@pytest.mark.parametrize("name", ["simple_cell", "polarity_cell", "translation_cell"])
def test_kappa_of_ground_truth_is_that_of_geometry(found, name):
    assert found(name).attrs["kappa"] == pytest.approx(geometry(name), abs=0.05)


def test_kappa_of_an_orbit_is_that_of_geometry(found):
    assert found("complex_cell").attrs["kappa"] == pytest.approx(geometry("complex_cell"), abs=0.05)
    assert found("complex_cell").attrs["kappa_spread"] == pytest.approx(1, abs=0.05)


def test_heaps_of_separate_maxima_are_islands_and_places_on_an_orbit_are_not(found):
    assert found("simple_cell")["islands"].values.tolist() == [1] * 4
    assert found("polarity_cell")["islands"].values.tolist() == [2] * 4
    assert found("translation_cell")["islands"].values.tolist() == [8] * 4
    assert found("complex_cell")["heaps"].values[-1] == 8
    assert found("complex_cell")["islands"].values.tolist() == [1] * 4


def test_a_set_is_never_less_diverse_than_at_a_higher_floor(found):
    for name in ("simple_cell", "polarity_cell", "translation_cell", "complex_cell"):
        distance = found(name)["distance"].values
        # What is within the last gain of a search counts as equal.
        assert (distance[1:] <= distance[:-1] * 1.001).all()


def test_how_many_fit(found):
    # R apart are 60 degrees: a linear unit's cap at 0.9 is 52 degrees wide.
    assert found("simple_cell").attrs["packing_null"] == 1
    assert found("simple_cell").attrs["packing"] == 1
    assert found("polarity_cell").attrs["packing"] == 2
    # As many as maxima, or as fit on the circle of phases: 6, in turn above and below its plane.
    assert 8 <= found("translation_cell").attrs["packing"] <= 9
    assert 4 <= found("complex_cell").attrs["packing"] <= 7


def test_a_broad_smooth_maximum_has_an_index_and_no_kappa():
    filters = np.linalg.qr(noise(8).flatten(1).T.numpy())[0].T.reshape(8, 3, 8, 8)
    (ds,) = profile(bump(torch.from_numpy(filters), 0.75), metric="pixels", band="all")
    expected = [math.sqrt(4 / (1 + alpha)) for alpha in FLOORS]
    np.testing.assert_allclose(ds["index"].values, expected, rtol=0.03)
    assert ds.attrs["kappa"] == pytest.approx(
        kappa(FLOORS, np.sqrt(1 - np.array(FLOORS))), abs=0.03
    )
    assert ds["islands"].values.tolist() == [1] * 4


def test_random_affine_units_have_kappa_0():
    found = profile(affine(noise(10, seed=3), bias=0.3), images=4)
    assert np.abs([ds.attrs["kappa"] for ds in found]).max() < 0.05


def test_the_set_of_a_floor_is_a_result_as_others(found, tmp_path):
    whole = found("complex_cell")
    ds = set_at(whole, 0.9)
    assert ds.attrs["index"] == whole["index"].values[USUAL]
    assert ds.attrs["fraction_min"] >= 0.9 - 2e-3
    assert invis.gallery_html([ds])
    invis.save(ds, tmp_path / "one.nc")
    assert invis.load(tmp_path / "one.nc").attrs == ds.attrs
    with pytest.raises(InvisError, match=r"alpha is 0\.5: this profile has the floors 0\.8, 0\.9"):
        set_at(whole, 0.5)


def test_a_profile_comes_back_as_it_was_saved(found, tmp_path):
    whole = found("polarity_cell")
    invis.save(whole, tmp_path / "profile.nc")
    back = invis.load(tmp_path / "profile.nc")
    assert back.identical(whole)


def test_a_dead_unit_has_no_profile():
    filters = torch.cat([0 * gabor(8), gabor(8)])
    ds, living = profile(affine(filters), images=3)
    assert ds.attrs["dead"] and math.isnan(ds.attrs["kappa"])
    assert not living.attrs["dead"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"alphas": (0.9,)}, "alpha is 0.9: a profile needs at least two floors"),
        ({"alphas": (0.9, 1.0)}, "alpha is 1: use fractions between 0 and 1"),
        ({"apart": 3.0}, "apart is 3: use a distance from 0 to 2"),
        ({"objective": "paper"}, "leave objective and distance as they are"),
    ],
)
def test_a_profile_says_what_is_wrong(asked, message):
    with pytest.raises(InvisError, match=message):
        next(profile_steps("truth/simple_cell/0", **asked))
