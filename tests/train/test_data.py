import numpy as np

from invis.files.imagefolder import load_images
from invis.train.data import normalise, training_batches
from tests.train.conftest import CLASSES


def test_epoch_shows_every_image_once_when_the_batch_divides(dataset):
    images = load_images(dataset / "train", (64, 64))
    batches = list(training_batches(images, 30, 32, np.random.default_rng(0)))
    labels = np.concatenate([y.numpy() for _, y in batches])
    assert [tuple(x.shape) for x, _ in batches] == [(30, 3, 32, 32)] * 6
    assert np.bincount(labels).tolist() == [60] * CLASSES


def test_batches_follow_from_the_generator_alone(dataset):
    images = load_images(dataset / "train", (64, 64))
    first, second = (
        next(training_batches(images, 16, 48, np.random.default_rng(3)))[0] for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_large_crops_are_pieces_of_the_images_and_not_resized(dataset):
    images = load_images(dataset / "val", (64, 64))
    x, _ = next(training_batches(images, 1, 48, np.random.default_rng(0)))
    crop = x[0].permute(1, 2, 0).numpy()
    places = np.lib.stride_tricks.sliding_window_view(images.pixels, (48, 48), axis=(1, 2))
    places = np.moveaxis(places, 3, -1)
    assert any((places == piece).all(axis=(-3, -2, -1)).any() for piece in (crop, crop[:, ::-1]))


def test_normalisation_against_numpy(dataset):
    import torch

    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 4), dtype=np.uint8)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    expected = (pixels / 255 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    found = normalise(torch.from_numpy(pixels), mean, std)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
