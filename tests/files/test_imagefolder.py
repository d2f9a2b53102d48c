"""Folders of images, decoded once."""

import os

import numpy as np
import pytest
from PIL import Image

from invis.errors import InvisError
from invis.files.imagefolder import decode, list_folder, load_images, split_folder


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


def test_a_pipe_among_pictures_is_not_waited_for(tmp_path):
    (tmp_path / "cats").mkdir()
    os.mkfifo(tmp_path / "cats" / "f.png")
    with pytest.raises(InvisError, match="holds no image"):
        list_folder(tmp_path)
