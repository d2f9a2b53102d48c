"""Sentences about a result say what its numbers say, and confess what they must."""

import math

import pytest
from torch import nn

from invis.models.unit import unit
from invis.views.base import words
from tests.synthetic import complex_cell_result


def test_verdict_counts_in_linear_units():
    ds = complex_cell_result()
    index = ds.attrs["index"]
    assert words.verdict(ds) == (
        f"Index {index:.2f}: these images are {index:.2f} times as far apart "
        "as a linear unit would allow."
    )


def test_verdict_of_a_linear_unit_claims_no_invariance():
    assert "no invariance" in words.verdict(complex_cell_result(linear=True))


@pytest.mark.parametrize("index", [0.4, 0.999, 1.0, 1.0005])
def test_no_affine_value_is_called_an_invariance(index):
    assert "no invariance" in words.verdict(complex_cell_result(index=index, spread=0.9))


def test_verdict_and_remark_do_not_contradict_each_other():
    ds = complex_cell_result(index=0.95, spread=1.3)
    assert words.verdict(ds) == (
        "Index 0.95: these images are no further apart than a linear unit would allow."
    )
    assert "1.30 times" in words.remark(ds)


def test_a_missing_index_gives_its_reason():
    ds = complex_cell_result(index=math.nan, index_reason="beta is 1.2, outside (0, 1)")
    assert words.verdict(ds) == "No index: beta is 1.2, outside (0, 1)."


def test_a_dead_unit_is_called_dead_and_nothing_else():
    ds = complex_cell_result(dead=True, converged=False, fraction_min=0.1)
    assert "dead" in words.verdict(ds)
    assert words.remark(ds) == ""
    assert words.warnings(ds) == []


def test_a_clean_result_has_no_warnings():
    assert words.warnings(complex_cell_result()) == []


@pytest.mark.parametrize(
    ("attrs", "start"),
    [
        ({"fraction_min": 0.84}, "Constraint not met: the weakest image reaches 84 %"),
        ({"converged": False}, "Not converged"),
        ({"converged": 0}, "Not converged"),
        ({"saturated": 0.031}, "Saturated: 3.1 %"),
        ({"beta": 0.985}, "The null is nearly zero: the images reach 98.5 %"),
        ({"free_reference": 1e5}, "The pixel range binds"),
        ({"full_model_error": 0.05}, "The full model differs"),
    ],
)
def test_each_doubt_is_told(attrs, start):
    told = words.warnings(complex_cell_result(**attrs))
    assert len(told) == 1
    assert told[0].startswith(start)


def test_a_fraction_just_below_the_floor_is_rounding():
    assert words.warnings(complex_cell_result(fraction_min=0.893)) == []


def test_titles():
    assert words.title(complex_cell_result()) == "Ground truth: complex cell, unit 0"
    real = {"model": "vgg19", "layer": "conv3_1", "channel": 12}
    assert words.title(complex_cell_result(**real)) == "Channel 12 of conv3_1 in vgg19"


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({3: 1.0, 8: -1.0}, "Channels 3, 8 (weights 1, −1)"),
        ({7: -1e-5}, "Channel 7 (weight −1e−05)"),
        ({0: -2.5, 1: 1e20}, "Channels 0, 1 (weights −2.5, 1e20)"),
        ({0: -2.5, 1: 1e20, 2: 3}, "Channels 0, 1, 2, weighted,"),
        (dict.fromkeys(range(32), 0.5), "A combination of 32 channels"),
    ],
)
def test_a_combination_of_channels_is_named_by_them(weights, said):
    (label,) = unit(nn.Sequential(nn.Conv2d(3, 32, 3)), "0", weights, input_size=8).labels
    real = {"model": "net", "layer": "conv", "channel": label}
    assert words.title(complex_cell_result(**real)) == f"{said} of conv in net"


def test_what_is_no_combination_keeps_its_name():
    for name in ("box 3x3", "1x2y", "x1"):
        real = {"model": "net", "layer": "conv", "channel": name}
        assert words.title(complex_cell_result(**real)) == f"{name} of conv in net"


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("none:3", "untrained control, seed 3"),
        ("none", "untrained control"),
        ("IMAGENET1K_V1", "weights IMAGENET1K_V1"),
    ],
)
def test_weights_in_words(weights, said):
    assert words.weights(complex_cell_result(model="vgg19", weights=weights)) == said


def test_the_metric_and_the_contrast_are_told():
    old = complex_cell_result()
    assert "distances in the metric of pixels" in words.settings(old)
    assert "RMS contrast 14.0 of 255" in words.settings(old)
    assert words.contrast_found(old.attrs) == ""
    new = complex_cell_result(metric="natural", contrast=8.0, pixel_contrast=13.2)
    assert "distances in the metric of natural images" in words.settings(new)
    assert "RMS contrast 8.0 of 255 over all images of the same norm" in words.settings(new)
    assert words.contrast_found(new.attrs) == "RMS contrast of these images: 13 grey levels"
    assert "1 to 8 cycles per image" in words.settings(new)
    own = {"metric": "natural:birds@12345678"}
    assert words.metric(own) == "the metric of birds@12345678"


@pytest.mark.parametrize(("told", "layer"), [("pixels", ""), ("images", ""), ("conv2", "conv2")])
def test_in_what_images_differ(told, layer):
    assert words.differ_in({"distance_space": told}) == layer
    assert words.differ_in({}) == ""
