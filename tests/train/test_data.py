import numpy as np
import pytest
from PIL import Image

from invis.errors import InvisError
from invis.train.data import decode, load_images, normalise, split_folder, training_batches
from tests.train.conftest import CLASSES


def test_classes_are_numbered_in_the_order_of_their_sorted_names(dataset):
    images = load_images(dataset / "val", (64, 64))
    assert images.classes == ("class0", "class1", "class2")
    brightest = images.pixels.mean(axis=(1, 2)).argmax(axis=1)
    np.testing.assert_array_equal(brightest, images.labels)


def test_cached_images_equal_decoded_ones_and_are_read_from_disk(dataset, tmp_path):
    plain = load_images(dataset / "val", (64, 64))
    load_images(dataset / "val", (64, 64), cache=tmp_path)
    again = load_images(dataset / "val", (64, 64), cache=tmp_path)
    assert isinstance(again.pixels, np.memmap)
    np.testing.assert_array_equal(again.pixels, plain.pixels)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_changed_image_is_decoded_again(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), "black").save(tmp_path / "data" / name / "0.png")
    load_images(tmp_path / "data", (8, 8), cache=tmp_path / "cache")
    Image.new("RGB", (8, 8), "white").save(tmp_path / "data" / "b" / "0.png", compress_level=0)
    pixels = load_images(tmp_path / "data", (8, 8), cache=tmp_path / "cache").pixels
    assert pixels[1].min() == 255


def test_decoding_keeps_the_centre_of_a_wide_image_without_stretching(tmp_path):
    pixels = np.zeros((10, 30, 3), dtype=np.uint8)
    pixels[:, 10:20] = 255
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    assert decode(tmp_path / "wide.png", (10, 10)).min() == 255


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


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(InvisError, match="no such folder"):
        split_folder(tmp_path / "nothing")


def test_images_without_class_folders_are_refused(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "0.png")
    with pytest.raises(InvisError, match="one folder of images per class"):
        load_images(tmp_path, (8, 8))


def test_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "fake.png").write_text("not an image")
    with pytest.raises(InvisError, match=r"fake\.png"):
        load_images(tmp_path, (8, 8))


def test_a_cache_that_cannot_be_written_costs_only_time(dataset, tmp_path):
    (tmp_path / "file").write_text("in the way")
    images = load_images(dataset / "val", (64, 64), cache=tmp_path / "file" / "cache")
    np.testing.assert_array_equal(images.pixels, load_images(dataset / "val", (64, 64)).pixels)


def test_a_damaged_image_and_one_that_is_too_large_are_named(tmp_path, monkeypatch):
    whole = tmp_path / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)).save(whole)
    for share in (0.3, 0.6, 0.9):
        cut = tmp_path / "cut.png"
        cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
        with pytest.raises(InvisError, match=r"cut\.png"):
            decode(cut, (8, 8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InvisError, match=r"whole\.png"):
        decode(whole, (8, 8))
