"""What each similarity ignores and what it does not, exactly."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from invis.errors import InvisError
from invis.stitching.similarities import IGNORES, PRODUCT, SIMILARITIES, relative
from tests.stitching.transformations import transformed

WIDTH = 12
TRANSFORMATIONS = ("rotation", "permutation", "scaling", "translation", "shear")
PAIRS = [(s, t) for s in SIMILARITIES for t in TRANSFORMATIONS]


@pytest.fixture
def latents():
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, WIDTH)) + 0.5, rng.normal(size=(40, WIDTH)) + 0.5


@pytest.mark.parametrize(("similarity", "name"), PAIRS)
def test_a_similarity_ignores_what_the_table_says_and_nothing_else(latents, similarity, name):
    points, anchors = latents
    before = relative(points, anchors, similarity)
    after = relative(
        transformed(points, name, WIDTH), transformed(anchors, name, WIDTH), similarity
    )
    change = np.abs(after - before).max()
    if name in IGNORES[similarity]:
        assert change < 1e-5
    else:
        assert change > 1e-2


def test_the_table_is_the_paper_s():
    assert IGNORES["cosine"] == {"rotation", "permutation", "scaling"}
    assert IGNORES["euclidean"] == {"rotation", "permutation", "translation"}
    assert IGNORES["l1"] == IGNORES["linf"] == {"permutation", "translation"}
    assert set(IGNORES) == set(SIMILARITIES)
    assert not any("shear" in ignored for ignored in IGNORES.values())


@pytest.mark.parametrize(
    ("similarity", "oracle"),
    [
        ("cosine", lambda x, a: 1 - cdist(x, a, "cosine")),
        ("geodesic", lambda x, a: np.arccos(1 - cdist(x, a, "cosine")) / np.pi),
        ("euclidean", lambda x, a: np.sqrt(((x[:, None] - a[None]) ** 2).sum(-1))),
        ("l1", lambda x, a: np.abs(x[:, None] - a[None]).sum(-1)),
        ("linf", lambda x, a: np.abs(x[:, None] - a[None]).max(-1)),
    ],
)
def test_relative_projection_equals_its_definition(latents, similarity, oracle):
    points, anchors = latents
    assert relative(points, anchors, similarity) == pytest.approx(oracle(points, anchors), abs=1e-9)


def test_float32_stays_float32(latents):
    points, anchors = (array.astype(np.float32) for array in latents)
    for similarity in SIMILARITIES:
        assert relative(points, anchors, similarity).dtype == np.float32


def test_the_origin_has_no_direction():
    values = relative(np.zeros((1, 3)), np.eye(3), "cosine")
    assert values.tolist() == [[0, 0, 0]]


def test_the_product_is_made_of_the_paper_s_four():
    assert PRODUCT == ("cosine", "euclidean", "l1", "linf")


@pytest.mark.parametrize(
    ("points", "anchors", "similarity", "sentence"),
    [
        (np.ones((3, 2)), np.ones((2, 2)), "cosin", "did you mean cosine"),
        (np.ones((3, 2)), np.ones((2, 3)), "l1", "points has 2 columns; 3 are needed"),
        (np.ones((0, 2)), np.ones((2, 2)), "l1", r"points has shape \(0, 2\)"),
        (np.ones(3), np.ones((2, 2)), "l1", r"points has shape \(3,\)"),
        (np.full((3, 2), np.nan), np.ones((2, 2)), "l1", "points holds NaN"),
        ([["a"]], np.ones((2, 2)), "l1", "points is no array of numbers"),
    ],
)
def test_bad_input_is_told_in_one_sentence(points, anchors, similarity, sentence):
    with pytest.raises(InvisError, match=sentence):
        relative(points, anchors, similarity)
