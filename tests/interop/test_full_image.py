"""Whole images: what is shown was measured, chance is one's own, and several differ."""

from typing import Any

import numpy as np
import pytest
import torch
from lucent.optvis import param, transform

import invis
from invis.errors import InvisError
from invis.interop.full_image import full_image, full_image_steps
from invis.interop.maps import measure
from invis.interop.painting import fit, noise_like, usual_transforms
from invis.interop.require import lucent_on
from tests.interop.conftest import SIZE, WHERE, hooks, network, normalised
from tests.interop.test_objective import oracle


def units(channel: Any = 2, layer: str = "3") -> invis.Units:
    return invis.unit(network(True), layer, channel, **WHERE)


@pytest.mark.parametrize("positions", ["all", "center"])
@torch.no_grad()
def test_the_activation_is_that_of_the_8_bit_images_in_the_full_network(positions: Any) -> None:
    with torch.enable_grad():
        first, second = full_image(units([2, 4]), images=3, steps=24, positions=positions)
    assert first.attrs["address"].endswith("/3/2") and second.attrs["address"].endswith("/3/4")
    for ds, channel in ((first, 2), (second, 4)):
        assert ds.images.dtype == np.uint8 and ds.images.shape == (3, SIZE, SIZE, 3)
        pixels = torch.as_tensor(ds.images.values).permute(0, 3, 1, 2) / 255
        maps = oracle(network(), "3", normalised(pixels))[:, channel]
        expected = maps.mean((1, 2)) if positions == "all" else maps[:, 5, 5]
        assert ds.activation.values == pytest.approx(expected.numpy(), rel=1e-4)


def test_images_beat_grey_and_noise_of_their_contrast() -> None:
    one = units()
    (ds,) = full_image(one, steps=64)
    assert ds.activation.min() > ds.attrs["noise_response"] > ds.attrs["grey_response"]
    assert hooks(one.full) == 0


def test_a_seed_decides_all_and_the_worlds_own_chance_is_left_alone() -> None:
    both, single = units([4, 2]), units()
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = torch.rand(1), np.random.rand()  # noqa: NPY002
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    one, two, other = (full_image(single, steps=9, seed=seed)[0].images for seed in (1, 1, 2))
    assert np.array_equal(one, two) and not np.array_equal(one, other)
    assert (torch.rand(1), np.random.rand()) == expected  # noqa: NPY002
    # Neither does it matter what else is made with it.
    assert np.array_equal(full_image(both, steps=9, seed=1)[1].images, one)


def test_diversity_drives_images_apart() -> None:
    likeness = []
    for weight in (0.0, 3.0):
        (ds,) = full_image(units(), images=3, steps=48, diversity=weight, transforms=[])
        pixels = torch.as_tensor(ds.images.values).permute(0, 3, 1, 2) / 255
        with torch.no_grad():
            maps = oracle(network(), "3", normalised(pixels)).flatten(2)
        grams = torch.nn.functional.normalize((maps @ maps.mT).flatten(1))
        likeness.append(float((grams @ grams.T).fill_diagonal_(0).sum() / 6))
    assert likeness[1] < likeness[0] - 0.05


def test_any_parametrisation_of_lucent_paints() -> None:
    (painted,) = full_image(units(), steps=16, rate=0.005, parametrisation=lambda: param.cppn(SIZE))
    assert painted.images.shape == (1, SIZE, SIZE, 3)
    pixels = full_image(
        units(), steps=16, parametrisation=lambda: param.image(SIZE, batch=2, fft=False)
    )[0]
    assert pixels.sizes["image"] == 2
    with pytest.raises(InvisError, match="leave those out"):
        full_image(units(), images=2, parametrisation=lambda: param.cppn(SIZE))
    with pytest.raises(
        InvisError, match=r"shape \(1, 1, 16, 16\): Sequential takes \(B, 3, H, W\)"
    ):
        full_image(units(), parametrisation=lambda: param.image(SIZE, channels=1))


def test_grey_networks_and_other_sizes() -> None:
    grey = invis.unit(network(colours=1), "3", 1, input_size=SIZE)
    (ds,) = full_image(grey, steps=8, size=(24, 18))
    assert ds.images.shape == (1, 24, 18, 1)
    with pytest.raises(InvisError, match=r"cannot compute 7 for images of 24 x 24 .* 16 x 16"):
        full_image(units(layer="7"), steps=8, size=24)
    (ds,) = full_image(units(layer="7"), images=2, steps=8)
    assert ds.sizes["image"] == 2 and ds.attrs["positions"] == "none"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"images": 0}, "images is 0"),
        ({"steps": 0}, "steps is 0"),
        ({"diversity": -1.0}, "diversity is -1.0: use at least 0"),
        ({"rate": 0.0}, "rate is 0.0: use a small number above 0"),
        ({"size": 0}, "size 0 is wrong"),
        ({"positions": "here"}, "positions 'here' is wrong: use 'center' or 'all'"),
    ],
)
def test_bad_arguments_are_told_in_a_sentence(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InvisError, match=words):
        full_image(units(), **settings)


def test_it_tells_how_far_it_is_and_stops_when_closed() -> None:
    steps = full_image_steps(units([1, 2]), steps=2)
    seen = [next(steps) for _ in range(3)]
    assert [s.step for s in seen] == [1, 2, 1]
    assert [s.fraction_done for s in seen] == pytest.approx([0.25, 0.5, 0.75])
    assert [len(s.finished) for s in seen] == [0, 1, 0]
    assert seen[2].results()[0].attrs["steps"] == 1
    assert np.isnan(seen[2].results()[0].attrs["noise_response"])
    steps.close()
    assert list(steps) == []


def test_the_transforms_are_lucents_own_from_224_pixels_on() -> None:
    image = torch.rand(1, 3, 224, 224)
    seen = []
    for chosen in (transform.standard_transforms, usual_transforms((224, 300))):
        with lucent_on(torch.device("cpu"), np.random.RandomState(3)):
            seen.append(transform.compose(chosen)(image))
    assert torch.equal(*seen)
    with lucent_on(torch.device("cpu"), np.random.RandomState(3)):
        small = transform.compose(usual_transforms((8, 8)))(image[..., :8, :8])
    assert max(small.shape) <= 12


@pytest.mark.parametrize("contrast", [5.0, 60.0, 100.0])
def test_noise_has_the_contrast_of_the_images_though_it_clips(contrast: float) -> None:
    noise = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    grey = np.array([128.0, 100.0, 140.0])
    deviation = noise_like(noise, grey, contrast) - grey
    assert np.sqrt(np.mean(deviation**2, (1, 2, 3))) == pytest.approx(contrast, rel=0.01)


def test_fit_takes_the_middle() -> None:
    image = torch.arange(25.0).view(1, 1, 5, 5)
    assert fit(image, (1, 3)).tolist() == [[[[11.0, 12.0, 13.0]]]]
    larger = fit(image, (7, 5))
    assert torch.equal(larger[..., 1:6, :], image) and (larger[..., [0, 6], :] == 0.5).all()


def test_a_network_of_nan_is_told() -> None:
    net = network()
    net[3].bias.data[2] = float("nan")
    with pytest.raises(InvisError, match="Sequential/3/2 responds with NaN or infinity"):
        full_image(invis.unit(net, "3", 2, **WHERE), steps=1)
    # A channel that is not read spoils nothing.
    assert np.isfinite(full_image(invis.unit(net, "3", 1, **WHERE), steps=1)[0].activation).all()


@pytest.mark.parametrize(
    "images", [np.zeros((1, SIZE, SIZE, 3)), np.zeros((SIZE, SIZE, 3), np.uint8),
               np.zeros((1, SIZE, SIZE, 1), np.uint8), np.zeros((0, SIZE, SIZE, 3), np.uint8)],
)  # fmt: skip
def test_only_8_bit_images_are_measured(images: Any) -> None:
    with pytest.raises(InvisError, match=r"images have type .* give uint8 images \(B, H, W, 3\)"):
        measure(units(), images)
