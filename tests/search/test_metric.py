"""A metric is a linear map with its adjoint and left inverse, and a result says which it was."""

import math

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from invis.errors import InvisError
from invis.search import load, save, search
from invis.search.metric import METRICS, Metric, metric_for, metric_name, metric_of
from invis.search.settings import Settings
from invis.search.statistics import natural, one_over_f, write_statistics
from tests.search.networks import affine, noise

SHAPES = [(1, 9, 9), (2, 8, 8), (3, 12, 12), (3, 7, 16), (5, 6, 9), (3, 1, 8), (1, 3, 3)]
BANDS = [None, "0:2", "all"]

every_metric = pytest.mark.parametrize("name", METRICS)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def made(name: str, shape: tuple[int, int, int], **settings: object) -> Metric:
    return metric_for(Settings.of(metric=name, **settings), shape)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def largest(x: torch.Tensor) -> float:
    return float(x.abs().max())


@every_metric
@every_shape
@pytest.mark.parametrize("band", BANDS)
def test_an_image_is_linear_in_its_vector_and_gives_it_back(name, shape, band):
    space = made(name, shape, band=band)
    v = draw(3, space.size)
    a, b, both = space.image(torch.stack([v[0], v[1], 2 * v[0] - 3 * v[1]]))
    assert a.shape == shape
    assert largest(both - (2 * a - 3 * b)) < 1e-5 * largest(both)
    assert largest(space.image(torch.zeros(1, space.size))) == 0
    assert largest(space.vectors(space.image(v)) - v) < 1e-5 * largest(v)


@every_metric
@every_shape
@pytest.mark.parametrize("band", BANDS)
def test_pull_is_the_adjoint_of_image(name, shape, band):
    space = made(name, shape, band=band)
    v, x = draw(4, space.size), draw(4, *shape, seed=1)
    there = (space.image(v) * x).flatten(1).double().sum(1)
    back = (v * space.pull(x)).double().sum(1)
    scale = (space.image(v).flatten(1).norm(dim=1) * x.flatten(1).norm(dim=1)).double()
    assert largest((there - back) / scale) < 1e-5


@every_metric
@every_shape
def test_a_gradient_is_pulled_as_autograd_pulls_it(name, shape):
    space = made(name, shape)
    v, w = draw(2, space.size).requires_grad_(), draw(2, *shape, seed=1)
    (slope,) = torch.autograd.grad((space.image(v) * w).sum(), v)
    pulled = space.pull(w)
    assert largest(slope - pulled) < 1e-5 * largest(pulled)


@every_metric
@every_shape
@pytest.mark.parametrize("contrast", [None, 3.0])
def test_contrast_is_what_images_of_norm_1_have_on_the_whole(name, shape, contrast):
    """The mean square over the sphere is that of the images of an orthonormal basis."""
    space = made(name, shape, contrast=contrast, band="all")
    squares = space.image(torch.eye(space.size)).double().square()
    rms = math.sqrt(float(squares.sum()) / space.size / math.prod(shape))
    assert rms == pytest.approx(space.contrast, rel=1e-4)
    assert contrast is None or space.contrast == contrast


@every_metric
@every_shape
def test_a_result_says_enough_to_make_the_metric_again(name, shape, tmp_path):
    space = made(name, shape, band="0.5:3")
    path = tmp_path / "attrs.nc"
    xr.Dataset(attrs=space.attrs()).to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as ds:
        again = metric_of(ds, shape)
    assert again.attrs() == space.attrs()
    v = draw(2, space.size)
    torch.testing.assert_close(again.image(v), space.image(v), rtol=0, atol=0)


@hypothesis(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(METRICS)),
    channels=st.integers(1, 5),
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    contrast=st.floats(0.1, 100),
)
def test_any_shape_has_a_metric(name, channels, height, width, contrast):
    shape = (channels, height, width)
    space = made(name, shape, contrast=contrast)
    v, x = draw(2, space.size), draw(2, *shape, seed=1)
    assert largest(space.vectors(space.image(v)) - v) < 1e-5 * largest(v)
    there, back = (space.image(v) * x).sum(), (v * space.pull(x)).sum()
    assert float(there - back) < 1e-5 * float(space.image(v).norm() * x.norm())


def test_an_affine_unit_is_affine_in_the_vector_and_its_best_image_is_along_the_pull():
    """f(x) - g = w . x = pull(w) . v, so no v of norm 1 exceeds |pull(w)|."""
    shape = (3, 10, 10)
    for name in METRICS:
        space, w = made(name, shape), draw(1, *shape)
        best = space.pull(w) / space.pull(w).norm()
        others = draw(500, space.size)
        others = others / others.norm(dim=1, keepdim=True)
        top = float((space.image(best) * w).sum())
        assert top == pytest.approx(float(space.pull(w).norm()), rel=1e-5)
        assert float((space.image(others) * w).flatten(1).sum(1).max()) < top


def test_fine_noise_is_far_in_natural_images_and_near_in_pixels():
    coarse, fine = (
        torch.cos(torch.pi * k * (torch.arange(24) + 0.5) / 24).expand(1, 3, 24, 24)
        for k in (2, 18)
    )
    for name, low, high in (("pixels", 0.99, 1.01), ("natural", 3, 30)):
        space = made(name, (3, 24, 24))
        ratio = float(space.vectors(fine).norm() / space.vectors(coarse).norm())
        assert low < ratio < high


# A user's own statistics


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.json"
    write_statistics(natural(), path)
    return str(path)


def test_a_file_of_its_own_has_a_name_of_its_own(own):
    theirs, shipped = made(own, (3, 10, 10)), made("natural", (3, 10, 10))
    assert theirs.attrs()["metric"].startswith("natural:own@")
    v = draw(2, theirs.size)
    torch.testing.assert_close(theirs.image(v), shipped.image(v))


def test_grey_images_take_the_luminance_of_a_file_of_colours(own):
    space = made(own, (1, 10, 10))
    torch.testing.assert_close(
        space.image(draw(1, space.size)), made("natural", (1, 10, 10)).image(draw(1, space.size))
    )


@pytest.mark.parametrize("channels", [2, 5])
def test_a_file_of_other_channels_is_refused_in_a_sentence(own, channels):
    with pytest.raises(
        InvisError, match=f"is of 3 channels, and the images have {channels}"
    ) as told:
        made(own, (channels, 10, 10))
    assert "\n" not in str(told.value)
    assert "own.json" in str(told.value)


def test_a_file_of_five_channels_serves_images_of_five(tmp_path):
    path = tmp_path / "five.json"
    write_statistics(one_over_f(5), path)
    v = draw(1, made(str(path), (5, 6, 6)).size)
    expected = made("natural", (5, 6, 6)).image(v)
    torch.testing.assert_close(made(str(path), (5, 6, 6)).image(v), expected, rtol=1e-3, atol=1e-3)


def test_a_search_in_a_users_metric_says_so(own):
    (ds,) = search(affine(noise(1)), images=2, metric=own)
    assert ds.attrs["metric"].startswith("natural:own@")
    (shipped,) = search(affine(noise(1)), images=2)
    assert ds.attrs["index"] == pytest.approx(shipped.attrs["index"], abs=0.01)


# What results say


@every_metric
def test_a_saved_result_is_read_in_its_own_metric(name, tmp_path):
    (ds,) = search(affine(noise(1)), images=4, metric=name)
    save(ds, tmp_path / "result.nc")
    back = load(tmp_path / "result.nc")
    assert metric_name(back.attrs) == name
    height, width, channels = back.reference_image.shape
    space = metric_of(back, (channels, height, width))
    x = space.image(torch.as_tensor(back.vectors.values)).permute(0, 2, 3, 1).numpy()
    assert np.abs(x + 128 - back.images.values).max() < 1


def test_a_result_of_the_first_version_loads_and_says_pixels(tmp_path):
    """It had no metric, and its vectors were coefficients over R, as those of pixels are."""
    (ds,) = search(affine(noise(1)), images=4, metric="pixels")
    for key in ("metric", "pixel_contrast"):
        del ds.attrs[key]
    save(ds, tmp_path / "result.nc")
    back = load(tmp_path / "result.nc")
    assert "metric" not in back.attrs
    assert metric_name(back.attrs) == "pixels"
    height, width, channels = back.reference_image.shape
    space = metric_of(back, (channels, height, width))
    assert space.attrs()["metric"] == "pixels"
    x = space.image(torch.as_tensor(back.vectors.values)).permute(0, 2, 3, 1).numpy()
    assert np.abs(x + 128 - back.images.values).max() < 1


def test_a_metric_that_nobody_registered_is_told():
    ds = xr.Dataset(attrs={"metric": "features:conv1", "contrast": 1.0})
    with pytest.raises(InvisError, match=r"metric 'features:conv1': register it in METRICS"):
        metric_of(ds, (3, 8, 8))
