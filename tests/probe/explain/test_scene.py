"""Compositions of transformations: each part does what it says, and together they are smooth."""

import math

import pytest
import torch

from invis.probe import transform
from invis.probe.explain.scene import Scene, cosines
from invis.search.band import Band, full_band
from invis.search.pixels import Pixels

SIDE = 16
WAVE = (0.1, 0.2)


@pytest.fixture(scope="module")
def scene():
    """Of a soft coloured pattern in the middle of a field, in the metric of pixels."""
    shape = (3, SIDE, SIDE)
    metric = Pixels.build(Band(shape, 0.0, full_band(shape)), 12.0, "pixels")
    y, x = torch.meshgrid(*(torch.arange(SIDE) - 7.5,) * 2, indexing="ij")
    window = torch.exp(-(y**2 + x**2) / (2 * 2.2**2))
    planes = [torch.cos(0.8 * x + phase) * window for phase in (0.0, 0.7, 2.0)]
    vector = metric.vectors(torch.stack(planes)[None])[0]
    return Scene(vector / vector.norm(), metric, WAVE)


def numbers(scene, **values):
    theta = torch.zeros(1, scene.size)
    for name, value in values.items():
        where = scene.where[name.replace("_", " ")]
        theta[0, where] = torch.as_tensor(value, dtype=torch.float32) / scene.scale[where]
    return theta


def test_no_numbers_change_nothing(scene):
    vectors = scene.vectors(torch.zeros(2, scene.size))
    torch.testing.assert_close(vectors, scene.reference.expand(2, -1), atol=2e-3, rtol=0)


def test_a_shift_by_whole_pixels_moves_the_image(scene):
    image = scene.image(numbers(scene, shift=(3 / SIDE, -2 / SIDE)))[0]
    torch.testing.assert_close(image[:, 3:, :-2], scene.image0[:, :-3, 2:], atol=0.02, rtol=0.01)


def test_half_a_turn_turns_the_image_about_its_centre(scene):
    row, column = transform.centre(scene.image0)
    assert (row, column) == pytest.approx((7.5, 7.5), abs=0.2)
    turned = scene.vectors(numbers(scene, rotation=math.pi))
    flipped = scene.metric.vectors(scene.image0.flip(1, 2)[None])
    overlap = float((turned @ flipped.T) / flipped.norm())
    assert overlap > 0.97


def test_hue_phase_and_polarity_are_those_of_the_curves(scene):
    for name, angle in (("hue", 70.0), ("phase", -50.0)):
        image = scene.image(numbers(scene, **{name: math.radians(angle)}))[0]
        turn = torch.tensor([angle])
        curves = transform.hue(scene.image0, turn)
        if name == "phase":
            curves = transform.phase(scene.image0, turn, WAVE)
        torch.testing.assert_close(image, curves[0], atol=0.15, rtol=0.01)
    torch.testing.assert_close(
        scene.vectors(numbers(scene, polarity=1.0))[0], -scene.vectors(numbers(scene))[0]
    )


def test_parts_share_the_field_and_blur_loses_the_finest_first(scene):
    whole = scene.image(numbers(scene, polarity_of_parts=[-0.5] * scene.grid**2))
    torch.testing.assert_close(whole[0], 0.5 * scene.image(numbers(scene))[0])
    blurred = scene.image(numbers(scene, blur=0.1))
    assert float(blurred.norm()) < 0.8 * float(scene.image0.norm())


def test_gradients_reach_every_number_but_the_sign(scene):
    generator = torch.Generator().manual_seed(0)
    theta = (0.2 * torch.randn(1, scene.size, generator=generator)).requires_grad_()
    target = torch.randn(scene.reference.shape, generator=generator)
    (scene.vectors(theta) @ target).sum().backward()
    flat = (theta.grad[0] == 0).nonzero()[:, 0].tolist()
    assert flat == list(range(scene.size))[scene.where["polarity"]]


def test_cosines_are_orthonormal_and_interpolate():
    basis = cosines(9, 9).double()
    torch.testing.assert_close(
        basis.T @ basis, torch.eye(9, dtype=torch.float64), atol=1e-6, rtol=0
    )
    fine = cosines(9, 27) @ basis.float().T @ torch.ones(9)
    torch.testing.assert_close(fine, torch.ones(27))
