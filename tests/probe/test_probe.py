"""Probes name what ground-truth units ignore, and nothing else; their curves are the unit's."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import invis
from invis.errors import InvisError
from invis.models.unit import units_at
from invis.probe import transform
from invis.probe.claims import sentence
from invis.probe.curves import explained
from invis.probe.families import FAMILIES
from invis.probe.gratings import Tuning, gratings, modulation
from invis.probe.probe import probe, probe_steps
from invis.probe.texture import crops, super_gaussian, texture
from invis.search.metric import metric_of

EXPECTED = {
    "simple_cell": (),
    "complex_cell": ("phase",),
    "polarity_cell": ("polarity",),
    "translation_cell": ("translation",),
    "rotation_cell": ("rotation",),
    "hue_cell": ("hue",),
}


@pytest.fixture(scope="module")
def truth():
    """Results and probes of all ground-truth units; all hues count alike in natural images only."""
    results = {cell: set_of(cell) for cell in EXPECTED}
    return {cell: (ds, probe(ds)) for cell, ds in results.items()}


def set_of(cell, seed=0):
    metric = "natural" if cell == "hue_cell" else "pixels"
    return invis.search(f"truth/{cell}/0", device="cpu", metric=metric, seed=seed)[0]


@pytest.mark.parametrize("cell", EXPECTED)
def test_a_ground_truth_unit_gets_its_name_and_no_other(truth, cell):
    _, found = truth[cell]
    assert found.names == EXPECTED[cell]
    if cell == "complex_cell":
        assert found.f1_f0 < 0.1
        assert found.sentence.startswith("phase-invariant grating, 0.13 c/px, tilted 30 degrees")
    if cell == "simple_cell":
        assert found.f1_f0 > 1
        assert "nothing claimed" in found.sentence


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("cell", EXPECTED)
def test_names_do_not_depend_on_the_seed(cell, seed):
    assert probe(set_of(cell, seed), seed=seed).names == EXPECTED[cell]


def test_the_family_that_a_unit_ignores_explains_its_set_best(truth):
    for cell, names in EXPECTED.items():
        _, found = truth[cell]
        shares = {name: one.explained for name, one in found.curves.items()}
        if not names:
            assert max(shares.values()) < 0.02
        elif cell != "polarity_cell":
            assert max(shares, key=shares.get) == names[0]
            assert shares[names[0]] > 0.85
        for one in found.curves.values():
            # Random noise is nobody's transformation.
            assert one.explained_null.max() < 0.01


def test_the_linear_unit_is_the_null_that_it_is_compared_with(truth):
    """A simple cell is that linear unit: all curves agree, but for 8 bits."""
    _, found = truth["simple_cell"]
    for name, one in found.curves.items():
        np.testing.assert_allclose(one.response, one.null, atol=0.03, err_msg=name)
    assert found.f1_f0 == pytest.approx(math.pi / 2, abs=0.05)


def test_curves_are_the_units_own_responses(truth):
    ds, found = truth["rotation_cell"]
    unit = units_at("truth/rotation_cell/0", device="cpu")
    grey = np.asarray(ds.attrs["grey"], dtype=np.float32)
    metric = metric_of(ds, (3, 24, 24))
    image = metric.image(torch.as_tensor(ds.reference_vector.values)[None])[0]
    turned = FAMILIES["rotation"].of(image, found.tuning.wave, place=metric.vectors)
    norms = metric.vectors(turned.images).norm(dim=1)
    torch.testing.assert_close(norms, torch.ones_like(norms), atol=1e-4, rtol=0)
    pixels = (turned.images.permute(0, 2, 3, 1).numpy() + grey).round().clip(0, 255)
    full = unit.full_responses(pixels.astype(np.uint8), [0] * len(pixels)).numpy()
    share = (full - ds.attrs["grey_response"]) / (ds.attrs["reference"] - ds.attrs["grey_response"])
    np.testing.assert_allclose(found.curves["rotation"].response, share, atol=1e-3)


def test_every_family_begins_with_the_image_itself_or_contains_it(truth):
    for _, found in truth.values():
        for name, one in found.curves.items():
            assert one.response.max() >= 0.97, name
            assert np.abs(one.null).max() <= 2.01


def test_modulation_of_a_rectified_and_a_constant_response():
    turn = 2 * np.pi * np.arange(64) / 64
    assert modulation(np.maximum(np.cos(turn), 0)) == pytest.approx(np.pi / 2, rel=1e-2)
    assert modulation(np.ones(16)) == pytest.approx(0, abs=1e-6)
    assert np.isnan(modulation(np.zeros(16)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 360))
def test_transformations_keep_what_they_must(seed, angle):
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(3, 12, 12, generator=generator)
    turn = torch.tensor([angle])
    (turned,) = transform.hue(image, turn)
    torch.testing.assert_close(turned.mean(0), image.mean(0), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(turned.norm(), image.norm(), atol=1e-3, rtol=1e-4)
    (still,) = transform.move(image, torch.zeros(1, 2))
    torch.testing.assert_close(still, image, atol=1e-4, rtol=1e-4)
    (moved,) = transform.move(image, torch.tensor([[2.0, -3.0]]))
    torch.testing.assert_close(moved[:, 2:, :-3], image[:, :-2, 3:], atol=1e-4, rtol=1e-4)
    (same,) = transform.deform(image, torch.zeros(1), seed)
    torch.testing.assert_close(same, image, atol=1e-4, rtol=1e-4)
    (sharp,) = transform.blur(image, torch.zeros(1))
    torch.testing.assert_close(sharp, image, atol=1e-4, rtol=1e-4)


def test_phase_turns_a_grating_by_that_phase():
    wave, colour = (0.125, 0.25), torch.tensor([1.0])
    image = gratings(torch.ones(1, 16, 16), wave, colour, 16)
    # A window as wide as the field's energy: the grating ends softly.
    (turned,) = transform.phase(image[0], torch.tensor([90.0]), wave)
    # 90 degrees are a quarter of sixteen; which way is the transform's choice.
    both = [float((turned * image[k]).sum() / image[k].square().sum()) for k in (4, 12)]
    assert max(both) == pytest.approx(1, abs=0.02)


def test_what_a_family_explains_in_closed_form():
    reference = torch.tensor([1.0, 0, 0, 0])
    image = torch.tensor([[0, 1.0, 0, 0]])
    half = torch.tensor([[0.5, 0.5, 0, 0]])
    assert explained(image, reference, reference[None]) == 0
    assert explained(image, reference, image) == 1
    assert explained(image, reference, half) == pytest.approx(1 - 0.5 / 2)


def test_sentences():
    rates = np.ones(16, np.float32)
    tuning = Tuning((0.0, 0.17), rates, 0.2, 0.9)
    weak = Tuning((0.0, 0.17), rates / 10, math.nan, 0.1)
    assert sentence(("phase",), tuning) == (
        "phase-invariant grating, 0.17 c/px, tilted 0 degrees, F1/F0 0.2"
    )
    assert sentence((), weak) == "nothing claimed; not tuned to gratings"
    assert sentence((), weak, {"hue": 0.1, "scale": 0.31}) == (
        "nothing claimed, nearest scale (31 % of the set); not tuned to gratings"
    )
    assert sentence(("hue", "phase", "scale"), weak) == (
        "hue-, phase- and scale-invariant; not tuned to gratings"
    )


def test_the_summary_is_json(truth):
    for _, found in truth.values():
        record = json.loads(json.dumps(found.summary(), allow_nan=False))
        assert record["names"] == list(found.names)
        assert set(record["explained"]) == set(found.curves)


def test_several_units_in_one_go_and_dead_ones_are_told():
    last = [snapshot for snapshot in probe_steps("minivgg/conv1_1/0-3", device="cpu")]
    fractions = [snapshot.fraction_done for snapshot in last]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    found = [one for snapshot in last for one in snapshot.finished]
    skipped = {k: v for snapshot in last for k, v in snapshot.skipped.items()}
    assert len(found) + len(skipped) == 4
    assert all("dead" in why for why in skipped.values())
    # The first layer is linear.
    assert all(one.names == () and one.f1_f0 > 1 for one in found)


def test_bad_input_is_told(truth):
    with pytest.raises(InvisError, match="names 2 units"):
        probe("minivgg/conv1_1/0-1")
    with pytest.raises(InvisError, match="source is empty"):
        list(probe_steps([]))
    ds, _ = truth["simple_cell"]
    with pytest.raises(InvisError, match=r"a dead unit|is dead"):
        probe(ds.assign_attrs(dead=True))


def test_the_package_is_the_function(truth):
    ds, found = truth["hue_cell"]
    assert invis.probe(ds).names == found.names
    assert invis.probe.probe_steps is probe_steps


class TestTexture:
    def test_a_phase_invariant_unit_takes_every_crop_and_a_linear_one_does_not(self, truth):
        complex_, simple = (texture(truth[cell][0]) for cell in ("complex_cell", "simple_cell"))
        assert complex_.ratio > 0.95
        assert simple.ratio < 0.65
        # The simple cell is the null itself.
        assert simple.ratio == pytest.approx(simple.null, abs=0.05)
        assert complex_.image.shape == (47, 47, 3)
        assert complex_.window.shape == (24, 24) and complex_.window.max() <= 1

    def test_crops_are_windows_of_the_texture_at_one_norm(self):
        pattern = torch.arange(2 * 7 * 9, dtype=torch.float32).view(2, 7, 9)
        flat = torch.ones(4, 5)
        found = crops(pattern, flat, torch.tensor([0, 7]), torch.tensor(3.0))
        assert found.shape == (2, 2, 4, 5)
        torch.testing.assert_close(found.flatten(1).norm(dim=1), torch.full((2,), 3.0))
        ratio = found[1] / pattern[:, 1:5, 2:7]
        torch.testing.assert_close(ratio, ratio[0, 0, 0].expand_as(ratio))

    def test_the_window_falls_from_the_centre(self):
        window = super_gaussian(9, 9, torch.tensor([0.0, 1.0]))
        assert float(window[4, 4]) == pytest.approx(1, abs=1e-2)
        assert window[4, 4] > window[4, 6] > window[4, 8] > 0
