"""Similarities of latent spaces against numpy oracles and known answers."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.cross_decomposition import CCA

from invis.errors import InvisError
from invis.stitching.alignment import (
    linear_cka,
    mean_reciprocal_rank,
    neighbour_jaccard,
    pearson,
    spearman,
    svcca,
)
from tests.stitching.transformations import rotation


@pytest.fixture
def spaces():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 6))
    return x, np.tanh(x @ rng.normal(size=(6, 9))) + 0.3 * rng.normal(size=(80, 9))


def test_cka_equals_its_kernel_form(spaces):
    x, y = spaces
    centre = np.eye(80) - 1 / 80
    k, m = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    oracle = np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))
    assert linear_cka(x, y) == pytest.approx(oracle)
    assert 0.1 < oracle < 0.95


def test_cka_ignores_turning_shifting_and_scaling_only(spaces):
    x, _ = spaces
    assert linear_cka(x, 3 * x @ rotation(6) + 2) == pytest.approx(1)
    assert linear_cka(x, x * [9, 1, 1, 1, 1, 1]) < 0.9
    assert np.isnan(linear_cka(x, np.ones((80, 2))))


def test_svcca_of_whole_spaces_is_scikit_learn_s_cca(spaces):
    x, y = spaces
    a, b = CCA(6, scale=False, max_iter=5000, tol=1e-10).fit(x, y).transform(x, y)
    oracle = np.mean([np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(6)])
    assert svcca(x, y, variance=1) == pytest.approx(oracle, abs=1e-4)


def test_svcca_keeps_the_directions_that_matter(spaces):
    x, _ = spaces
    noise = np.random.default_rng(1).normal(size=(80, 30))
    noisy = np.hstack([x, 1e-3 * noise])
    assert svcca(noisy, x @ rotation(6)) == pytest.approx(1, abs=1e-4)
    assert svcca(x, x @ np.triu(np.ones((6, 6))), variance=1) == pytest.approx(1)


def test_correlations_equal_scipy_s_row_by_row(spaces):
    _, y = spaces
    z = y + np.random.default_rng(2).normal(size=y.shape)
    rows = list(zip(y, z, strict=True))
    assert pearson(y, z) == pytest.approx(np.mean([pearsonr(a, b)[0] for a, b in rows]))
    assert spearman(y, z) == pytest.approx(np.mean([spearmanr(a, b)[0] for a, b in rows]))
    assert spearman(y, np.exp(y)) == pytest.approx(1)
    assert pearson(y, np.exp(y)) < 0.999


def test_neighbours_equal_a_loop(spaces):
    x, y = spaces

    def nearest(points, i):
        order = np.argsort(np.linalg.norm(points - points[i], axis=1))
        return set(order[order != i][:5].tolist())

    oracle = np.mean(
        [len(nearest(x, i) & nearest(y, i)) / len(nearest(x, i) | nearest(y, i)) for i in range(80)]
    )
    assert neighbour_jaccard(x, y, 5) == pytest.approx(oracle)
    assert neighbour_jaccard(x, 2 * x @ rotation(6), 5) == 1
    assert neighbour_jaccard(x, np.random.default_rng(3).normal(size=x.shape), 5) < 0.15


def test_reciprocal_rank_of_itself_and_of_chance(spaces):
    x, _ = spaces
    assert mean_reciprocal_rank(x, x) == 1
    shuffled = x[np.random.default_rng(4).permutation(80)]
    chance = np.mean(1 / np.arange(1, 81))
    assert mean_reciprocal_rank(x, shuffled) == pytest.approx(chance, abs=0.06)
    assert mean_reciprocal_rank(x, np.ones_like(x)) == pytest.approx(1 / 80)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda x, y: linear_cka(x, y[:5]), "x has 80 rows and y has 5"),
        (lambda x, y: pearson(x, y), "both must be relative to the same anchors"),
        (lambda x, y: svcca(x, y, 0), "variance 0 is no share"),
        (lambda x, y: svcca(x, np.ones((80, 2))), "all the same"),
        (lambda x, y: neighbour_jaccard(x, y, 80), "neighbours 80 is not possible"),
    ],
)
def test_bad_input_is_told_in_one_sentence(spaces, call, sentence):
    with pytest.raises(InvisError, match=sentence):
        call(*spaces)
