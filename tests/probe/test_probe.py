"""Probes name what ground-truth units ignore, and nothing else."""

import numpy as np
import pytest

from invis.errors import InvisError
from invis.probe.probe import modulation, probe

EXPECTED = {
    "simple_cell": (),
    "complex_cell": ("phase",),
    "polarity_cell": ("polarity",),
    "translation_cell": ("translation",),
    "rotation_cell": ("rotation",),
    "hue_cell": ("hue",),
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("cell", EXPECTED)
def test_a_ground_truth_unit_gets_its_name_and_no_other(cell, seed):
    found = probe(f"truth/{cell}/0", seed=seed)
    assert found.names == EXPECTED[cell]
    if cell == "complex_cell":
        assert found.f1_f0 < 0.1
    if cell == "simple_cell":
        assert found.f1_f0 > 1
        assert "nothing claimed" in found.sentence


def test_modulation_of_a_rectified_and_a_constant_response():
    turn = 2 * np.pi * np.arange(64) / 64
    assert modulation(np.maximum(np.cos(turn), 0)) == pytest.approx(np.pi / 2, rel=1e-2)
    assert modulation(np.ones(16)) == pytest.approx(0, abs=1e-6)
    assert np.isnan(modulation(np.zeros(16)))


def test_several_units_are_refused():
    with pytest.raises(InvisError, match="names 2 units"):
        probe("minivgg/conv1_1/0-1")


def test_nothing_is_claimed_of_a_linear_unit_of_a_network():
    found = probe("minivgg/conv1_1/1")
    assert found.names == ()
    assert found.f1_f0 > 1
    assert all(abs(c.response[0] - 1) < 0.1 for k, c in found.curves.items() if k == "hue")
