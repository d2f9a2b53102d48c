"""Results are saved and loaded without loss, and broken files are told as such."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from invis.errors import InvisError
from invis.models.unit import unit
from invis.search import load, save, search
from tests.search.networks import affine, noise, small_units


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    return search(small_units([0]), images=5)[0]


@pytest.fixture(scope="module")
def dead() -> xr.Dataset:
    return search(affine(noise(1), -1e6), images=4)[0]


@pytest.fixture(scope="module")
def colourless() -> xr.Dataset:
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 5))
    combined = unit(net, "0", {0: 1.0, 1: -0.5}, mean=[0.13], std=[0.31], input_size=16)
    return search(combined, images=3)[0]


@pytest.mark.parametrize("which", ["found", "dead", "colourless"])
def test_a_saved_result_comes_back_as_it_was(which, request, tmp_path):
    ds = request.getfixturevalue(which)
    save(ds, tmp_path / "result.nc")
    back = load(tmp_path / "result.nc")
    xr.testing.assert_identical(back, ds)
    assert list(back.variables) == list(ds.variables)
    assert {k: v.dtype for k, v in back.variables.items()} == {
        k: v.dtype for k, v in ds.variables.items()
    }
    assert set(back.attrs) == set(ds.attrs)
    for key, value in ds.attrs.items():
        same = back.attrs[key] == value or (math.isnan(value) and math.isnan(back.attrs[key]))
        assert same, key
        assert type(back.attrs[key]) is type(value), key


def test_a_file_that_is_not_what_was_written_is_no_result(found, tmp_path):
    """Wherever bytes are overwritten, in numbers, names or attributes."""
    save(found, tmp_path / "result.nc")
    whole = (tmp_path / "result.nc").read_bytes()
    for start in np.linspace(8, len(whole) - 208, 12).astype(int):
        other = bytes(255 - byte for byte in whole[start : start + 200])
        (tmp_path / "result.nc").write_bytes(whole[:start] + other + whole[start + 200 :])
        with pytest.raises(InvisError, match="not a readable result"):
            load(tmp_path / "result.nc")
    for end in (100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "result.nc").write_bytes(whole[:end])
        with pytest.raises(InvisError):
            load(tmp_path / "result.nc")


def test_other_programs_read_a_result_and_one_without_a_hash_is_read(found, tmp_path):
    save(found, tmp_path / "result.nc")
    with xr.open_dataset(tmp_path / "result.nc", engine="h5netcdf") as opened:
        assert opened["images"].equals(found["images"])
        opened.load().to_netcdf(tmp_path / "again.nc", engine="h5netcdf")
    assert load(tmp_path / "again.nc")["images"].equals(found["images"])


@pytest.mark.parametrize("name", ["images", "activation", "reference_image", "address", "alpha"])
def test_a_result_without_a_part_is_none(found, tmp_path, name):
    part = found.copy()
    if name in part.attrs:
        del part.attrs[name]
    else:
        part = part.drop_vars(name)
    save(part, tmp_path / "result.nc")
    with pytest.raises(InvisError, match="not a readable result"):
        load(tmp_path / "result.nc")


def test_memory_is_asked_for_before_it_is_taken():
    with pytest.raises(InvisError, match=r"images 1000000 of 2 units need about .* GB free"):
        search(small_units([0, 1]), images=1_000_000)


def test_saving_leaves_the_result_itself_alone_and_may_be_done_again(found, tmp_path):
    before = found.copy(deep=True)
    save(found, tmp_path / "a.nc")
    xr.testing.assert_identical(found, before)
    save(load(tmp_path / "a.nc"), tmp_path / "b.nc")
    save(found, tmp_path / "b.nc")
    xr.testing.assert_identical(load(tmp_path / "b.nc"), before)


def test_the_images_are_sorted_by_a_path_that_starts_near_the_reference(found):
    x = found.images.values.reshape(5, -1).astype(float)
    reference = found.reference_image.values.flatten().astype(float)
    path = np.concatenate([reference[None], x])
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    rng = np.random.default_rng(0)
    for _ in range(200):
        other = np.concatenate([reference[None], x[rng.permutation(5)]])
        assert length <= np.linalg.norm(np.diff(other, axis=0), axis=1).sum() * 1.1


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_told_in_a_sentence(found, share, tmp_path):
    whole, cut = tmp_path / "whole.nc", tmp_path / "cut.nc"
    save(found, whole)
    content = whole.read_bytes()
    cut.write_bytes(content[: int(len(content) * share)])
    refused(cut, "is not a readable result")


def test_files_that_are_no_results_are_told_as_such(tmp_path):
    refused(tmp_path / "missing.nc", "is not a file")
    refused(tmp_path, "is not a file")
    text = tmp_path / "text.nc"
    text.write_text("not a result\n")
    refused(text, "is not a readable result")
    other = tmp_path / "other.nc"
    xr.Dataset({"x": ("t", np.arange(3))}).to_netcdf(other, engine="h5netcdf")
    refused(other, "is netCDF but no")


def refused(path: Path, why: str) -> None:
    with pytest.raises(InvisError) as told:
        load(path)
    assert why in str(told.value)
    assert path.name in str(told.value)
    assert "\n" not in str(told.value)


def test_a_path_that_cannot_be_written_is_told_in_a_sentence(found, tmp_path):
    for path in (tmp_path / "no" / "such" / "folder.nc", tmp_path):
        with pytest.raises(InvisError, match="cannot be written") as told:
            save(found, path)
        assert "\n" not in str(told.value)


def test_other_kinds_are_told_with_what_reads_them(tmp_path):
    for kind, told in (("invis-morph-1", "holds a morph"), ("invis-exemplars-1", "of exemplars")):
        path = tmp_path / f"{kind}.nc"
        xr.Dataset(attrs={"format": kind}).to_netcdf(path, engine="h5netcdf")
        refused(path, told)
        refused(path, "invis.load reads both")
