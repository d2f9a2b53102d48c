"""Noise of a known spectrum and known colours gives them back; files that lie are refused."""

import json

import numpy as np
import pytest
from PIL import Image

from invis import InvisError
from invis.probe.pictures import halves_chroma, read_picture
from invis.search.spectrum import Spectrum, colour_basis
from invis.search.statistics import (
    as_json,
    fitted,
    natural,
    one_over_f,
    read_statistics,
    write_statistics,
)

BASIS = np.linalg.qr(np.array([[1.0, 1.1, 0.9], [1.0, -0.1, -0.8], [-0.5, 1.0, -0.4]]).T)[0].T
BASIS *= np.sign([BASIS[0].sum(), BASIS[1, 0], BASIS[2, 1]])[:, None]
SCALES = np.array([6.0, 1.5, 0.6])


def noise(rng, shape, exponents, basis=BASIS, scales=SCALES):
    """(h, w, 3) uint8 whose axis k has the spectral density (scales[k] f^-exponents[k])^2.

    Cut out of a torus four times as large, so that it is not periodic.
    """
    height, width = 2 * shape[0], 2 * shape[1]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    radius[0, 0] = np.inf
    axes = [
        np.fft.ifft2(np.fft.fft2(rng.normal(size=radius.shape)) * scale * radius**-p).real
        for p, scale in zip(exponents, scales, strict=True)
    ]
    colours = 128 + np.moveaxis(np.array(axes), 0, -1)[: shape[0], : shape[1]] @ basis
    return np.clip(np.round(colours), 0, 255).astype(np.uint8)


def measured(pictures, crops=1):
    spectrum = Spectrum()
    for one in pictures:
        spectrum.add(one, crops)
    return spectrum.statistics()


@pytest.mark.parametrize("exponents", [(1.0, 1.0, 1.0), (1.2, 0.8, 0.6), (0.7, 1.1, 0.9)])
def test_exponents_colours_and_amplitudes_of_noise_come_back(exponents):
    rng = np.random.default_rng(1)
    scales = SCALES * 0.12 ** (np.array(exponents) - 1)  # the same at 0.12, so nothing clips
    found = measured((noise(rng, (96, 64), exponents, scales=scales) for _ in range(60)), 2)
    assert np.abs(found.basis @ BASIS.T - np.eye(3)).max() < 0.03
    assert found.fit.exponent == pytest.approx(exponents, abs=0.06)
    assert (found.fit.residual < 0.05).all()
    f = np.array([0.03, 0.1, 0.3])
    # The weakest axis is not far above the noise of rounding, 0.29 grey levels, at 0.3.
    expected = np.hypot(scales[:, None] * f ** -np.array(exponents)[:, None], 0.29)
    assert found.amplitude(f) == pytest.approx(expected, rel=0.06)


def test_an_amplitude_is_that_of_the_cosine_transform_of_a_crop_of_any_size():
    from scipy.fft import dctn

    rng = np.random.default_rng(2)
    found = measured((noise(rng, (64, 64), (1, 1, 1)) for _ in range(60)), 2)
    crops = np.array([
        noise(rng, (64, 64), (1, 1, 1))[:60, :60].reshape(3, 20, 3, 20, 3).swapaxes(1, 2)
        for _ in range(60)
    ])  # fmt: skip
    crops = crops.reshape(-1, 20, 20, 3) @ BASIS.T
    seen = (dctn(crops, axes=(1, 2), norm="ortho") ** 2).mean(0)
    modes = np.hypot(*np.indices((20, 20)))
    fine = (modes >= 5) & (modes < 20)
    expected = found.amplitude(modes[fine] / 40) ** 2
    assert (seen[fine].T / expected).mean(1) == pytest.approx([1, 1, 1], abs=0.08)


def test_jpeg_with_colour_at_half_the_size(tmp_path):
    rng = np.random.default_rng(3)
    spectrum = Spectrum()
    for k in range(80):
        path = tmp_path / f"{k}.jpg"
        Image.fromarray(noise(rng, (64, 64), (1, 1, 1), scales=(6, 3, 2))).save(
            path, quality=92, subsampling=2
        )
        assert halves_chroma(path)
        spectrum.add(read_picture(path).pixels, 1, True)
    found = spectrum.statistics()
    assert found.fit.exponent == pytest.approx([1, 1, 1], abs=0.12)
    assert found.about["measured_to"][1:] == [0.125, 0.125]
    # What the file lost is not taken for what the world lacks.
    at = np.array([0.05, 0.12, 0.4])
    assert found.amplitude(at)[1] == pytest.approx(3 / at, rel=0.15)
    lost = np.interp(0.4, found.frequencies, found.about["as_measured"][1])
    assert lost < 0.5 * 3 / 0.4


@pytest.mark.parametrize("options", [{"format": "PNG"}, {"format": "JPEG", "subsampling": 0}])
def test_files_that_keep_all_colour_are_measured_to_the_end(tmp_path, options):
    path = tmp_path / "picture"
    Image.fromarray(noise(np.random.default_rng(0), (64, 64), (1, 1, 1))).save(path, **options)
    assert not halves_chroma(path)


def test_a_grid_of_8_pixels_does_not_show():
    rng = np.random.default_rng(4)
    plain = [noise(rng, (64, 64), (1, 1, 1)) for _ in range(80)]
    grid = np.zeros((64, 64, 1))
    grid[::8] += 8
    grid[:, ::8] += 8
    gridded = [np.clip(one + grid, 0, 255).astype(np.uint8) for one in plain]
    a, b = measured(plain), measured(gridded)
    f = np.array([0.125, 0.25, 0.375, 0.5])
    assert b.amplitude(f)[0] == pytest.approx(a.amplitude(f)[0], rel=0.12)


def test_mostly_grey_pictures_make_one_channel_and_few_are_left_out():
    rng = np.random.default_rng(5)
    coloured = [noise(rng, (32, 32), (1, 1, 1)) for _ in range(20)]
    grey = [np.repeat(one[..., :1], 3, -1) for one in coloured]
    mostly = measured(grey + coloured[:3])
    assert (mostly.channels, mostly.images) == (1, 23)
    few = measured(coloured + grey[:3])
    assert (few.channels, few.images) == (3, 20)
    assert few.amplitudes == pytest.approx(measured(coloured).amplitudes, rel=0.3)


def test_luminance_alone_is_that_of_the_grey_images():
    rng = np.random.default_rng(6)
    even = np.array([[1, 1, 1], [1, 0, -1], [-1, 2, -1]]) / np.sqrt([[3], [2], [6]])
    pictures = [noise(rng, (64, 64), (1, 1, 1), basis=even) for _ in range(60)]
    grey = measured([one.mean(-1, keepdims=True).round().astype(np.uint8).repeat(3, -1)
                     for one in pictures])  # fmt: skip
    f = np.array([0.03, 0.1, 0.2])
    assert measured(pictures).grey().amplitude(f) == pytest.approx(grey.amplitude(f), rel=0.05)


def test_one_large_picture_is_enough_and_a_tiny_one_is_not():
    rng = np.random.default_rng(7)
    one = measured([noise(rng, (400, 300), (1, 1, 1))], 200)
    assert 1 < one.crops <= 20 and one.fit.exponent == pytest.approx([1, 1, 1], abs=0.15)
    spectrum = Spectrum()
    assert spectrum.add(np.zeros((7, 100, 3), np.uint8)) == 0
    with pytest.raises(InvisError, match="too few or too small"):
        spectrum.statistics()


def test_pictures_without_detail():
    with pytest.raises(InvisError, match="no detail"):
        measured([np.full((32, 32, 3), 7, np.uint8)])


def test_the_basis_is_sorted_and_signed():
    covariance = BASIS.T @ np.diag([3.0, 5.0, 1.0]) @ BASIS
    # An opponent axis may vary more than luminance: luminance still is first.
    assert colour_basis(covariance) == pytest.approx(BASIS)


def test_a_curve_of_the_form_is_fitted_exactly():
    f = np.geomspace(0.01, 0.7, 20)
    curve = 3 * (f**2 + 0.02**2) ** (-1.3 / 2)
    fit = fitted(f, curve[None])
    assert (fit.scale[0], fit.corner[0], fit.exponent[0]) == pytest.approx((3, 0.02, 1.3), rel=1e-4)
    assert fit(f)[0] == pytest.approx(curve)


def test_amplitudes_between_and_beyond_what_was_measured():
    known = one_over_f(2)
    f = np.array([[1e-3, 0.01], [0.2, 2.0]])
    assert known.amplitude(f) == pytest.approx(np.stack([1 / f, 1 / f]), rel=0.01)
    assert np.isfinite(natural().amplitude(0.0)).all()
    low = natural().frequencies[0]
    joined = natural().amplitude(low * np.array([0.999999, 1.000001]))
    assert joined[:, 0] == pytest.approx(joined[:, 1], rel=1e-4)


def test_what_ships_is_natural():
    """Field 1987; Ruderman, Cronin and Chiao 1998: about 1/f, light, blue-yellow, red-green."""
    shipped = natural()
    assert shipped.fit.exponent == pytest.approx([1, 1.2, 1.2], abs=0.25)
    assert (np.diff(shipped.amplitudes[:, 3:-3], axis=0) < 0).all()
    assert shipped.basis[0] == pytest.approx(np.full(3, 3**-0.5), abs=0.05)
    assert np.sign(shipped.basis[1, [0, 2]]).sum() == 0  # red against blue
    assert np.sign(shipped.basis[2]).tolist() == [-1, 1, -1]


def test_a_file_is_read_as_it_was_written(tmp_path):
    found = natural()
    write_statistics(found, tmp_path / "a.json")
    again = read_statistics(tmp_path / "a.json")
    assert as_json(again) == as_json(found)
    assert again.basis @ again.basis.T == pytest.approx(np.eye(3), abs=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "its format is not"),
        ({"basis": [[1, 0, 0]] * 3}, "not orthonormal"),
        ({"basis": [[1]]}, "its basis is not 3 x 3 finite numbers"),
        ({"amplitude": [[1.0]] * 3}, "its amplitude is not 3 x"),
        ({"frequencies": [0.2, 0.1], "amplitude": [[1, 1]] * 3}, "rise"),
        ({"frequencies": [0.1, 0.2], "amplitude": [[1, 0]] * 3}, "above 0"),
        ({"frequencies": [0.1, 0.2], "amplitude": [[1, float("nan")]] * 3}, "finite"),
        ({"frequencies": 3}, "not a file of"),
        ({"fit": {"a": [1, 1, 1]}}, "it has no 'f0'"),
        ({"fit": []}, "not a file of"),
    ],
)
def test_a_wrong_file_gets_one_sentence(tmp_path, change, words):
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(as_json(natural()) | change))
    with pytest.raises(InvisError, match=words) as told:
        read_statistics(path)
    assert str(path) in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff\xfe\x00", b"{", b" " * (1 << 21), b"[" * 9999]
)
def test_what_is_no_file_of_statistics(tmp_path, content):
    path = tmp_path / "wrong.json"
    path.write_bytes(content)
    with pytest.raises(InvisError, match="not a file of"):
        read_statistics(path)
    with pytest.raises(InvisError, match="cannot be read"):
        read_statistics(tmp_path)
