"""Encoders, features and their cache, and the small networks."""

import numpy as np
import pytest
import torch
from torch import nn

from invis.errors import InvisError
from invis.stitching import training
from invis.stitching.cache import cache_folder, recall, remember
from invis.stitching.encoder import Encoder
from invis.stitching.features import features, features_steps
from invis.stitching.networks import SMALL, build
from invis.stitching.specs import parse_encoders
from invis.stitching.training import small_encoder


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(inplace=True), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(5 * 36, 7), nn.ReLU(inplace=True), nn.Linear(7, 2),
    )  # fmt: skip


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, size=(30, 8, 8, 3), dtype=np.uint8)


def test_features_are_the_layer_s_output_in_evaluation_mode(network, images):
    network.train()
    encoder = Encoder("n", network, "1", (0.5,) * 3, (0.25,) * 3, channels=3)
    found = features(encoder, images, batch=7)
    assert all(part.training for part in network.modules())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())
    network.eval()
    x = (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
    with torch.no_grad():
        oracle = network[1](network[0](x)).mean(dim=(2, 3))
    assert found == pytest.approx(oracle.numpy(), abs=1e-5)
    # The in-place ReLU that follows has not touched it.
    assert found.min() < 0


def test_the_default_is_what_enters_the_last_linear_layer(network, images):
    found = features(Encoder("n", network, None, (0.5,) * 3, (0.5,) * 3, channels=3), images)
    assert found.shape == (30, 7) and found.min() == 0


def test_a_width_is_a_projection_of_its_own(network, images):
    wide, *narrow = (
        features(Encoder(name, network, "1", channels=3, width=width), images)
        for name, width in (("a", None), ("a", 4), ("b", 4))
    )
    assert narrow[0].shape == (30, 4)
    solved, residual, *_ = np.linalg.lstsq(wide, narrow[0], rcond=None)
    assert residual.max() < 1e-6
    assert solved.T @ solved == pytest.approx(np.eye(4), abs=1e-3)
    assert np.abs(narrow[0] - narrow[1]).max() > 0.01


def test_grey_and_colour_fit_either_network(images):
    grey = Encoder("g", nn.Flatten(), "", channels=1)
    colour = Encoder("c", nn.Flatten(), "", (0.5,) * 3, (0.5,) * 3, (4, 4), 3)
    assert features(grey, images).shape == (30, 64)
    assert features(colour, images[..., :1]).shape == (30, 48)
    flat = np.full((1, 8, 8, 3), 200, dtype=np.uint8)
    assert features(grey, flat) == pytest.approx(2 * 200 / 255 - 1, abs=1e-5)


def test_the_cache_follows_the_content(network, images):
    encoder = Encoder("n", network, "5", channels=3)
    first = features(encoder, images)
    assert len(list(features_steps(encoder, images, batch=10))) == 1
    (file,) = (cache_folder() / "features").iterdir()
    with torch.no_grad():
        network[5].weight.mul_(2)
        network[5].bias.mul_(2)
    assert features(encoder, images) == pytest.approx(2 * first, abs=1e-4)
    assert len(list((cache_folder() / "features").iterdir())) == 2
    with torch.no_grad():
        network[5].weight.div_(2)
        network[5].bias.div_(2)
    file.write_bytes(b"damaged")
    assert features(encoder, images) == pytest.approx(first, abs=1e-5)
    assert recall("features", file.stem) is not None


def test_two_codes_with_the_same_weights_are_told_apart(images):
    class Twice(nn.Module):
        def forward(self, x):
            return 2 * x.flatten(1)

    class Once(nn.Module):
        def forward(self, x):
            return x.flatten(1)

    once, twice = (
        features(Encoder("same", module(), "", (0.0,) * 3, (1.0,) * 3, channels=3), images)
        for module in (Once, Twice)
    )
    assert twice == pytest.approx(2 * once)


def test_an_unwritable_cache_is_no_failure(network, images, monkeypatch):
    monkeypatch.setenv("INVIS_CACHE", "/dev/null/cache")
    remember("features", "x", {"a": torch.ones(2)})
    assert recall("features", "x") is None
    assert features(Encoder("n", network, "5", channels=3), images).shape == (30, 7)


def test_progress_and_closing(network, images):
    encoder = Encoder("n", network, "5", channels=3)
    steps = list(features_steps(encoder, images, batch=10))
    assert [round(s.fraction_done, 2) for s in steps] == [0.33, 0.67, 1]
    assert [len(step.finished) for step in steps] == [0, 0, 1]


def test_untrained_twins_share_the_architecture_only(network, images):
    encoder = Encoder("n", network, "5", channels=3)
    a, b = encoder.untrained(1), encoder.untrained(1)
    assert np.array_equal(features(a, images), features(b, images))
    assert np.abs(features(a, images) - features(encoder, images)).max() > 0.01
    with pytest.raises(InvisError, match="no untrained twin"):
        Encoder("f", nn.Flatten()).untrained()


@pytest.mark.parametrize(
    ("layer", "width", "sentence"),
    [
        ("9", None, "layer '9' is not one of"),
        ("1", 6, "width 6 is not possible .* has 5 dimensions"),
    ],
)
def test_wrong_layers_and_widths_are_told(network, images, layer, width, sentence):
    with pytest.raises(InvisError, match=sentence):
        features(Encoder("n", network, layer, channels=3, width=width), images)


def test_wrong_images_are_told(network, images):
    encoder = Encoder("n", network, "5", channels=3)
    for wrong in (images.astype(float), images[0], images[..., :2]):
        with pytest.raises(InvisError, match=r"it must be \(N, H, W, C\) of uint8"):
            features(encoder, wrong)
    with pytest.raises(InvisError, match="images is empty"):
        features(encoder, images[:0])
    with torch.no_grad():
        network[0].bias.fill_(float("nan"))
    with pytest.raises(InvisError, match="gives NaN or infinity for images 0 to 29"):
        features(encoder, images)


@pytest.mark.parametrize("name", SMALL)
def test_a_dozen_small_encoders_share_one_latent_width(name):
    assert len(SMALL) == 12
    for shape in ((1, 8, 8), (3, 32, 32)):
        module = build(name, shape, 24, seed=0).eval()
        assert module(torch.zeros(2, *shape)).shape == (2, 24)
    first, again, other = (next(build(name, (1, 8, 8), 24, s).parameters()) for s in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_training_is_cached_and_learns(data, monkeypatch):
    encoder = small_encoder("mlp", data, latent=8)
    latent = features(encoder, data.test_images, cache=False)
    monkeypatch.setattr(training, "build_head", None)
    again = small_encoder("mlp", data, latent=8)
    assert np.array_equal(latent, features(again, data.test_images, cache=False))
    centres = np.stack(
        [
            features(encoder, data.train_images)[data.train_labels == c].mean(axis=0)
            for c in range(10)
        ]
    )
    nearest = np.linalg.norm(latent[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == data.test_labels).mean() > 0.8


def test_encoders_by_name(images):
    assert parse_encoders([]) == ["mlp", "cnn", "vgg", "resnet", "autoencoder", "autoencoder-cnn"]
    assert parse_encoders(["all"]) == list(SMALL)
    (zoo,) = parse_encoders(["minivgg@none:0"])
    assert features(zoo, images[:2]).shape == (2, 192)
    (layer,) = parse_encoders(["minivgg@none:0/conv2_2"], width=16)
    assert features(layer, images[:2]).shape == (2, 16)
    with pytest.raises(InvisError, match="encoder 'nosuch' is neither"):
        parse_encoders(["nosuch"])
