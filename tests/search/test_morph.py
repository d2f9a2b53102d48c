"""Morphs of units whose sets are known in closed form, and of a trained network."""

from __future__ import annotations

import math

import numpy as np
import pytest

import invis
from invis.errors import InvisError
from invis.models.truth import GroundTruth
from invis.search.morph import morph, morph_steps
from invis.search.morph_loop import loop
from invis.search.morph_result import ROUNDING, load_morph

ALPHA = 0.9


@pytest.fixture(scope="module")
def sets():
    """The set of a unit, searched once."""
    found = {}

    def get(address):
        if address not in found:
            found[address] = invis.search(address, metric="pixels")[0]
        return found[address]

    return get


def projections(frames, name):
    """(K, filters) of 8-bit frames on a unit's filters, in units of R."""
    filters = GroundTruth().filters(name).numpy()
    x = (frames.astype(float) - 128).transpose(0, 3, 1, 2).reshape(len(frames), -1)
    return x @ filters.T / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def around(sets):
    return morph(sets("truth/complex_cell/0"))


def test_complex_cell_morph_stays_above_alpha_where_the_straight_line_falls_to_nothing(
    around, sets
):
    ends = sets("truth/complex_cell/0")["fraction"].values[[around.first, around.second]]
    fraction = around["fraction"].values
    assert fraction[1:-1].min() >= ALPHA
    np.testing.assert_allclose(fraction[[0, -1]], ends, atol=1e-5)
    assert around.attrs["connected"] and around.attrs["path_fraction_min"] >= ALPHA
    assert around["straight_fraction"].values.min() < 0.01
    assert around["fade_fraction"].values.min() < 0.01


def test_complex_cell_morph_follows_the_circle_of_phases(around):
    # {f >= alpha} is |P x|^2 >= alpha: a shortest path turns at the radius sqrt(alpha) in the
    # plane of the quadrature pair, half a turn between opposite phases.
    plane = projections(around["frames"].values, "complex_cell")
    radius = np.linalg.norm(plane, axis=1)
    assert np.all(np.abs(radius - math.sqrt(ALPHA)) < 0.02)
    turned = np.unwrap(np.arctan2(plane[:, 1], plane[:, 0]))
    steps = np.diff(turned)
    assert abs(abs(turned[-1] - turned[0]) - math.pi) < 0.05
    assert np.all(steps * np.sign(steps.sum()) > 0)
    assert np.std(steps) < 0.1 * abs(steps.mean())
    shortest = math.pi * math.sqrt(ALPHA)
    assert shortest - 0.02 <= around.attrs["length"] < 1.03 * shortest


def test_fractions_are_those_of_the_formula_on_the_8_bit_frames(around):
    filters = GroundTruth().filters("complex_cell").numpy()
    for frames, told in (
        ("frames", "fraction"),
        ("straight_frames", "straight_fraction"),
        ("fade_frames", "fade_fraction"),
    ):
        x = (around[frames].values.astype(float) - 128).transpose(0, 3, 1, 2)
        x = x.reshape(len(x), -1) / (math.sqrt(3) * 24)
        f = ((x @ filters.T) ** 2).sum(1)
        np.testing.assert_allclose(around[told].values, f / around.attrs["reference"], atol=1e-4)


def test_every_frame_keeps_the_contrast_and_the_straight_line_too(around):
    for name in ("frames", "straight_frames"):
        x = around[name].values.astype(float) - 128
        contrast = np.sqrt((x**2).mean((1, 2, 3)))
        np.testing.assert_allclose(contrast, around.attrs["contrast"], rtol=0.01)
    faded = np.sqrt(((around["fade_frames"].values.astype(float) - 128) ** 2).mean((1, 2, 3)))
    assert faded.min() < 0.5 * around.attrs["contrast"]
    assert np.all(np.diff(around["position"].values) > 0)


def test_loop_goes_once_around_the_circle_of_phases(sets):
    found = loop(sets("truth/complex_cell/0"), frames=65)
    plane = projections(found["frames"].values, "complex_cell")
    turned = np.unwrap(np.arctan2(plane[:, 1], plane[:, 0]))
    assert abs(turned[-1] - turned[0]) == pytest.approx(2 * math.pi, abs=1e-3)
    assert sorted(found.attrs["order"]) == [0, 0, 1, 2, 3, 4, 5, 6, 7]
    assert found.attrs["connected"] and found["fraction"].values[1:-1].min() >= ALPHA - ROUNDING
    np.testing.assert_array_equal(found["frames"].values[0], found["frames"].values[-1])


def test_loop_stays_on_one_island_and_needs_three_images(sets):
    ds = sets("truth/polarity_cell/0")
    found = loop(ds, frames=17)
    signs = np.sign(projections(found["frames"].values, "polarity_cell")[:, 0])
    assert len(set(signs)) == 1 and len(found.attrs["order"]) == 5
    with pytest.raises(InvisError, match="holds no loop"):
        loop(sets("truth/rotation_cell/0"))


def test_linear_unit_needs_no_way_around(sets):
    # {w.x >= alpha} is convex, and bringing a mixture back to the norm only raises the response.
    found = morph(sets("truth/simple_cell/0"), 0, 5)
    ends = min(found["fraction"].values[[0, -1]])
    assert found["straight_fraction"].values.min() >= ends - 1e-6
    assert found.attrs["length"] == pytest.approx(found.attrs["straight_length"], rel=1e-3)
    np.testing.assert_array_equal(found["frames"].values, found["straight_frames"].values)


def test_opposite_polarities_are_two_islands_with_nothing_between(sets):
    # |w.x| is continuous and w.x changes sign on the way: every path passes 0.
    ds = sets("truth/polarity_cell/0")
    signs = np.sign(projections(ds["images"].values, "polarity_cell")[:, 0])
    a, b = int(np.flatnonzero(signs > 0)[0]), int(np.flatnonzero(signs < 0)[0])
    found = morph(ds, a, b)
    assert not found.attrs["connected"]
    assert min(found.attrs["path_fraction_min"], found.attrs["fraction_min"]) < 0.03
    islands = np.array(found.attrs["islands"])
    assert len(set(islands)) == 2
    assert len(set(islands[signs > 0])) == len(set(islands[signs < 0])) == 1


def test_pass_between_two_orientations_is_as_high_as_geometry_allows(sets):
    # f = max w_k.x with orthonormal w_k: crossing from k to l needs w_k.x = w_l.x <= 1 / sqrt(2).
    ds = sets("truth/rotation_cell/0")
    found = morph(ds, 0, 4)
    high = ds.attrs["free_reference"] / ds.attrs["reference"] / math.sqrt(2)
    assert not found.attrs["connected"]
    assert high - 0.03 < found.attrs["path_fraction_min"] < high + 0.01
    assert found.attrs["path_fraction_min"] > found.attrs["straight_fraction_min"] + 0.05


def test_trained_network(sets):
    found = morph(sets("minivgg/conv2_2/31"), frames=17)
    assert found.sizes["frame"] == 17
    assert found.attrs["connected"]
    assert found["fraction"].values.min() >= ALPHA - ROUNDING
    assert found["straight_fraction"].values.min() < 0.85
    assert found.attrs["straight_length"] < found.attrs["length"] < 2 * found.attrs["chord"]


def test_same_morph_twice_and_a_file_that_reads_back(sets, around, tmp_path):
    ds = sets("truth/complex_cell/0")
    again = morph(ds)
    np.testing.assert_array_equal(around["frames"].values, again["frames"].values)
    invis.save(around, tmp_path / "morph.nc")
    back = load_morph(tmp_path / "morph.nc")
    assert back.equals(around)
    assert back.attrs == around.attrs
    (tmp_path / "half.nc").write_bytes((tmp_path / "morph.nc").read_bytes()[:2000])
    invis.save(ds, tmp_path / "set.nc")
    for name in ("half.nc", "set.nc", "none.nc"):
        with pytest.raises(InvisError, match=name):
            load_morph(tmp_path / name)


def test_closing_the_generator_stops_it(sets):
    steps = morph_steps(sets("truth/complex_cell/0"))
    assert next(steps).finished == []
    steps.close()
    assert list(steps) == []


def test_bad_input_is_told_in_a_sentence(sets):
    ds = sets("truth/simple_cell/0")
    for asked, said in (
        ({"first": 8}, "first is 8"),
        ({"second": -1}, "second is -1"),
        ({"first": 2, "second": 2}, "both 2"),
        ({"frames": 2}, "frames is 2"),
    ):
        with pytest.raises(InvisError, match=said):
            morph(ds, **asked)
    with pytest.raises(InvisError, match="dead unit"):
        morph(ds.assign_attrs(dead=True))
    with pytest.raises(InvisError, match="hash"):
        morph(ds.assign_attrs(weights_hash="0" * 12))
    with pytest.raises(InvisError, match="sees 14 x 14 px"):
        morph(ds, units=invis.units_at("minivgg/conv2_2/31"))
    with pytest.raises(InvisError, match="2 units"):
        morph(ds, units=invis.units_at("minivgg/conv2_2/30,31"))
    with pytest.raises(InvisError, match="images and reference_image"):
        morph(ds.drop_vars("images"))
