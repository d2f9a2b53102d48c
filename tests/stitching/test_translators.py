"""Translators equal closed forms and recover what made the target space."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from invis.errors import InvisError
from invis.stitching.translators import METHODS, Translator, orthogonal_map
from tests.stitching.transformations import rotation


@pytest.fixture
def spaces():
    """Anchors as two unrelated encoders of one width see them."""
    rng = np.random.default_rng(2)
    return rng.normal(size=(60, 7)), rng.normal(size=(60, 7)) @ rng.normal(size=(7, 7))


def test_orthogonal_equals_scipy_s_procrustes(spaces):
    x, y = spaces
    oracle, _ = orthogonal_procrustes(x, y)
    assert Translator("orthogonal", standardise=False).fit(x, y).weight_ == pytest.approx(oracle)


def test_linear_equals_the_normal_equations(spaces):
    x, y = spaces
    oracle = np.linalg.inv(x.T @ x) @ x.T @ y
    assert Translator("linear", standardise=False).fit(x, y).weight_ == pytest.approx(oracle)


def test_affine_equals_least_squares_with_a_column_of_ones(spaces):
    x, y = spaces[0] + 3, spaces[1] - 1
    oracle = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y, rcond=None)[0]
    fitted = Translator("affine", standardise=False).fit(x, y)
    assert fitted.weight_ == pytest.approx(oracle[:-1])
    assert fitted.shift_ == pytest.approx(oracle[-1])


def test_standardised_is_the_closed_form_between_standardised_spaces(spaces):
    x, y = spaces[0] * np.arange(1, 8) + 3, spaces[1] - 1
    zx, zy = (x - x.mean(0)) / x.std(0), (y - y.mean(0)) / y.std(0)
    oracle = zx @ orthogonal_procrustes(zx, zy)[0] * y.std(0) + y.mean(0)
    assert Translator("orthogonal").fit(x, y).transform(x) == pytest.approx(oracle)


@pytest.mark.parametrize("method", METHODS)
def test_a_rotation_of_the_space_is_found_exactly(spaces, method):
    anchors, points = spaces[0], np.random.default_rng(3).normal(size=(20, 7))
    turn = rotation(7)
    fitted = Translator(method, standardise=False).fit(anchors, anchors @ turn)
    assert fitted.transform(points) == pytest.approx(points @ turn)
    assert fitted.inverse_transform(points @ turn) == pytest.approx(points)


def test_only_affine_finds_a_shift_of_the_raw_space(spaces):
    x, _ = spaces
    errors = {
        m: np.abs(Translator(m, standardise=False).fit(x, x + 5).transform(x) - x - 5).max()
        for m in METHODS
    }
    assert errors["affine"] < 1e-9
    assert errors["linear"] > 1 and errors["orthogonal"] > 1


def test_only_orthogonal_cannot_shear(spaces):
    x, _ = spaces
    y = x @ np.triu(np.ones((7, 7)))
    errors = {
        m: np.abs(Translator(m, standardise=False).fit(x, y).transform(x) - y).max()
        for m in METHODS
    }
    assert errors["affine"] < 1e-9 and errors["linear"] < 1e-9
    assert errors["orthogonal"] > 0.5


@pytest.mark.parametrize("widths", [(5, 9), (9, 5)])
def test_unequal_widths_get_the_semi_orthogonal_solution(widths):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(50, widths[0])), rng.normal(size=(50, widths[1]))
    weight = Translator("orthogonal", standardise=False).fit(x, y).weight_
    small = weight @ weight.T if widths[0] < widths[1] else weight.T @ weight
    assert small == pytest.approx(np.eye(5), abs=1e-12)
    # The largest trace there is: the sum of the singular values (von Neumann).
    singular = np.linalg.svd(x.T @ y, compute_uv=False)
    assert np.trace(weight.T @ x.T @ y) == pytest.approx(singular.sum())


def test_a_narrow_space_inside_a_wide_one_is_found_exactly():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(50, 4))
    embed = rotation(9)[:4]
    fitted = Translator("orthogonal", standardise=False).fit(x, x @ embed)
    assert fitted.transform(x) == pytest.approx(x @ embed)
    assert fitted.inverse_transform(x @ embed) == pytest.approx(x)
    assert orthogonal_map(x, x @ embed) == pytest.approx(embed)


def test_a_map_that_loses_dimensions_has_no_inverse():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(50, 9)), rng.normal(size=(50, 4))
    with pytest.raises(InvisError, match="keeps 4 of the source's 9 dimensions"):
        Translator("orthogonal").fit(x, y).inverse_transform(y)


def test_a_coordinate_that_is_dead_in_the_target_stays_dead(spaces):
    x, y = spaces[0].copy(), spaces[1].copy()
    x[:, 2] = 4
    y[:, 5] = -1
    for method in METHODS:
        translated = Translator(method).fit(x, y).transform(x)
        assert np.isfinite(translated).all()
        assert translated[:, 5] == pytest.approx(-np.ones(60))


def test_fewer_anchors_than_dimensions_give_the_map_of_least_norm():
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(3, 6)), rng.normal(size=(3, 6))
    fitted = Translator("linear", standardise=False).fit(x, y)
    assert fitted.transform(x) == pytest.approx(y)
    assert fitted.weight_ == pytest.approx(np.linalg.pinv(x) @ y)


@pytest.mark.parametrize(
    ("fit", "sentence"),
    [
        (lambda x, y: Translator("procrustes").fit(x, y), "method 'procrustes' is not one of"),
        (lambda x, y: Translator().fit(x, y[:3]), "source has 60 rows and target has 3"),
        (lambda x, y: Translator().fit(x, y).transform(x[:, :2]), "points has 2 columns"),
        (lambda x, y: Translator().fit(x[:0], y[:0]), "source has shape"),
    ],
)
def test_bad_input_is_told_in_one_sentence(spaces, fit, sentence):
    with pytest.raises(InvisError, match=sentence):
        fit(*spaces)
