"""Relative spaces: fit on anchors, transform, and the way back where there is one."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from invis.errors import InvisError
from invis.stitching.similarities import IGNORES, SIMILARITIES, relative
from invis.stitching.spaces import Centring, ProductSpace, RelativeSpace
from tests.stitching.transformations import transformed

WIDTH = 8


@pytest.fixture
def latents():
    rng = np.random.default_rng(1)
    return rng.normal(size=(150, WIDTH)) + 1, rng.normal(size=(30, WIDTH)) + 1


def test_centring_uses_the_mean_and_one_scalar(latents):
    _, anchors = latents
    centring = Centring().fit(anchors)
    done = centring.transform(anchors)
    assert done.mean(axis=0) == pytest.approx(np.zeros(WIDTH), abs=1e-12)
    assert np.sqrt((done**2).sum(axis=1).mean()) == pytest.approx(1)
    assert np.isscalar(centring.scale_)
    assert centring.inverse_transform(done) == pytest.approx(anchors)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("name", ["rotation", "permutation", "scaling", "translation", "shear"])
def test_centring_adds_translation_and_scaling_to_what_is_ignored(latents, similarity, name):
    points, anchors = latents
    before = RelativeSpace(similarity).fit(anchors).transform(points)
    space = RelativeSpace(similarity).fit(transformed(anchors, name, WIDTH))
    change = np.abs(space.transform(transformed(points, name, WIDTH)) - before).max()
    if name in IGNORES[similarity] | {"translation", "scaling"}:
        assert change < 1e-5
    else:
        assert change > 1e-2


def test_standardising_each_coordinate_would_lose_the_rotation(latents):
    points, anchors = latents
    stretched = np.array([10.0, *[1.0] * (WIDTH - 1)])
    points, anchors = points * stretched, anchors * stretched

    def per_coordinate(x, a):
        return relative((x - a.mean(0)) / a.std(0), (a - a.mean(0)) / a.std(0), "cosine")

    turned = transformed(points, "rotation", WIDTH), transformed(anchors, "rotation", WIDTH)
    assert np.abs(per_coordinate(*turned) - per_coordinate(points, anchors)).max() > 0.1
    ours = [RelativeSpace().fit(a).transform(x) for x, a in (turned, (points, anchors))]
    assert ours[0] == pytest.approx(ours[1], abs=1e-9)


def test_without_centring_a_space_is_the_bare_projection(latents):
    points, anchors = latents
    space = RelativeSpace("l1", centre=False, scale=False).fit(anchors)
    assert np.array_equal(space.transform(points), relative(points, anchors, "l1"))


def test_euclidean_distances_determine_the_point(latents):
    points, anchors = latents
    space = RelativeSpace("euclidean").fit(anchors)
    assert space.inverse_transform(space.transform(points)) == pytest.approx(points, abs=1e-9)
    product = ProductSpace().fit(anchors)
    assert product.inverse_transform(product.transform(points)) == pytest.approx(points, abs=1e-9)


def test_too_few_anchors_determine_no_point(latents):
    _, anchors = latents
    space = RelativeSpace("euclidean").fit(anchors[:WIDTH])
    with pytest.raises(InvisError, match="more anchors than dimensions"):
        space.inverse_transform(space.transform(anchors))


@pytest.mark.parametrize("similarity", ["cosine", "l1", "linf", "geodesic"])
def test_the_others_say_that_they_have_no_inverse(latents, similarity):
    points, anchors = latents
    space = RelativeSpace(similarity).fit(anchors)
    with pytest.raises(InvisError, match="has no inverse"):
        space.inverse_transform(space.transform(points))


def test_a_product_is_its_spaces_side_by_side(latents):
    points, anchors = latents
    names = ("cosine", "linf")
    product = ProductSpace(names, standardise=False).fit(anchors)
    single = [RelativeSpace(name).fit(anchors).transform(points) for name in names]
    assert product.transform(points) == pytest.approx(np.hstack(single))
    assert product.tokens(points).shape == (150, 2, 30)


def test_a_product_weighs_its_spaces_alike(latents):
    _, anchors = latents
    tokens = ProductSpace().fit(anchors).tokens(anchors)
    assert tokens.mean(axis=(0, 2)) == pytest.approx(np.zeros(4), abs=1e-9)
    assert tokens.std(axis=(0, 2)) == pytest.approx(np.ones(4))


def test_spaces_are_scikit_learn_s(latents):
    points, anchors = latents
    assert clone(RelativeSpace("l1", centre=False)).get_params()["similarity"] == "l1"
    pipeline = make_pipeline(Centring(), RelativeSpace("linf")).fit(anchors)
    assert pipeline.transform(points).shape == (150, 30)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda a: RelativeSpace("manhattan").fit(a), "similarity 'manhattan' is not one of"),
        (lambda a: RelativeSpace().fit(a[:0]), "anchors has shape"),
        (lambda a: RelativeSpace().fit(np.ones((5, 3))), "all the same point"),
        (lambda a: RelativeSpace().fit(a).transform(a[:, :3]), "points has 3 columns; 8 are"),
        (lambda a: ProductSpace([]).fit(a), "at least one of cosine"),
        (lambda a: ProductSpace("cosine").fit(a), "give a list"),
        (lambda a: ProductSpace(["l1"]).fit(a).inverse_transform(a), "have no inverse"),
    ],
)
def test_bad_input_is_told_in_one_sentence(latents, make, sentence):
    with pytest.raises(InvisError, match=sentence):
        make(latents[1])
