"""A band is an orthonormal set of cosines, and a way to write it down."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from invis.errors import InvisError
from invis.search.band import Band, default_band, full_band
from invis.search.settings import parse_band

SHAPES = [(3, 8, 8), (1, 7, 7), (3, 9, 12), (1, 5, 1)]


def images(shape: tuple[int, int, int], count: int = 5) -> torch.Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(1))


def cosine_transform(x: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Orthonormal DCT-II along an axis by the FFT of the mirrored signal."""
    x = np.moveaxis(x, axis, -1)
    n = x.shape[-1]
    spectrum = np.fft.fft(np.concatenate([x, x[..., ::-1]], -1))[..., :n]
    k = np.arange(n)
    found = (np.exp(-1j * np.pi * k / (2 * n)) * spectrum).real / 2 * math.sqrt(2 / n)
    found[..., 0] /= math.sqrt(2)
    return np.moveaxis(found, -1, axis)


def random_bands(shape: tuple[int, int, int]) -> list[Band]:
    top = full_band(shape)
    return [Band(shape, 0, top), Band(shape, 0, 0.6 * top), Band(shape, 0.3 * top, 0.8 * top)]


@pytest.mark.parametrize("shape", SHAPES)
def test_coefficients_are_those_of_the_cosine_transform_at_the_frequencies_of_the_band(shape):
    x = images(shape)
    full = cosine_transform(cosine_transform(x.double().numpy(), 2), 3)
    rows, columns = np.meshgrid(np.arange(shape[1]), np.arange(shape[2]), indexing="ij")
    radius = np.hypot(rows, columns) / 2
    for band in random_bands(shape):
        inside = (radius >= band.low) & (radius <= band.high)
        expected = full[:, :, inside].reshape(len(x), -1)
        np.testing.assert_allclose(band.coefficients(x).numpy(), expected, atol=1e-5)
        np.testing.assert_allclose(
            band.frequencies.numpy(), np.tile(radius[inside], shape[0]), rtol=1e-6
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_the_basis_is_orthonormal(shape):
    for band in random_bands(shape):
        basis = band.image(torch.eye(band.size)).flatten(1)
        torch.testing.assert_close(basis @ basis.T, torch.eye(band.size), atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_image_and_its_coefficients_have_the_same_norm(shape):
    for band in random_bands(shape):
        v = torch.randn(4, band.size, generator=torch.Generator().manual_seed(2))
        torch.testing.assert_close(band.image(v).flatten(1).norm(dim=1), v.norm(dim=1))
        torch.testing.assert_close(band.coefficients(band.image(v)), v, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_projection_is_idempotent_and_never_lengthens(shape):
    x = images(shape)
    for band in random_bands(shape):
        once = band.image(band.coefficients(x))
        torch.testing.assert_close(band.image(band.coefficients(once)), once, atol=1e-5, rtol=0)
        assert (once.flatten(1).norm(dim=1) <= x.flatten(1).norm(dim=1) + 1e-5).all()


def test_the_full_band_holds_every_image():
    for shape in SHAPES:
        band = Band(shape, 0, full_band(shape))
        assert band.size == math.prod(shape)
        x = images(shape)
        torch.testing.assert_close(band.image(band.coefficients(x)), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize("cycles", [0, 1, 2.5, 4])
def test_a_grating_lies_at_its_number_of_cycles_per_image(cycles):
    along = (torch.arange(12) + 0.5) / 12
    grating = torch.cos(2 * math.pi * cycles * along).expand(1, 1, 12, 12)
    narrow = Band((1, 12, 12), cycles, cycles)
    torch.testing.assert_close(
        narrow.image(narrow.coefficients(grating)), grating, atol=1e-5, rtol=0
    )


def test_the_default_band_is_never_wider_than_the_image_can_hold_along_its_axes():
    for side in (5, 14, 24, 40):
        shape = (3, side, side)
        low, high = default_band(shape)
        assert low == 0
        assert high > 0
        assert Band(shape, low, high).size <= math.prod(shape)
        assert Band(shape, low, high).size >= 0.3 * math.prod(shape)


@pytest.mark.parametrize(("low", "high"), [(20, 30), (1.2, 1.3), (3, 2)])
def test_a_band_without_frequencies_is_refused_and_the_right_range_named(low, high):
    with pytest.raises(InvisError, match=r"band .* 8 x 8 px .* between 0 and 4\.9"):
        Band((3, 8, 8), low, high)


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("0:8", (0, 8)),
        ("2.5:10", (2.5, 10)),
        (":6", (0, 6)),
        ("1:", (1, None)),
        (":", (0, None)),
        ("all", (0, None)),
        ("3:3", (3, 3)),
    ],
)
def test_bands_are_written_low_colon_high(text, band):
    assert parse_band(text) == band


@pytest.mark.parametrize(
    "text",
    ["", "8", "a:b", "8:2", "-1:4", "0:-4", "0:nan", "nan:", "0:inf", "inf:", "0:8:9", "0-8"],
)
def test_a_bad_band_is_told_in_one_sentence(text):
    with pytest.raises(InvisError, match=r"^band .* is not LOW:HIGH") as told:
        parse_band(text)
    assert "\n" not in str(told.value)


@given(st.text(max_size=12))
def test_any_text_is_a_band_or_refused(text):
    try:
        low, high = parse_band(text)
    except InvisError:
        return
    assert 0 <= low < math.inf
    assert high is None or low <= high < math.inf


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_two_numbers_are_a_band_exactly_where_they_ascend(low, high):
    text = f"{low!r}:{high!r}"
    if low <= high:
        assert parse_band(text) == (low, high)
    else:
        with pytest.raises(InvisError):
            parse_band(text)
