"""Planes to draw two spaces in: B's own, with A's points laid into it."""

import importlib.util

import numpy as np
import pytest
from sklearn.decomposition import PCA

from invis.errors import InvisError
from invis.stitching.planes import check_plane, in_plane


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(60, 5)) * [5, 3, 1, 1, 1]


def test_principal_components_are_those_of_scikit_learn(points):
    other = points + 1
    a, b = in_plane(other, points)
    found = PCA(2).fit(points)
    signs = np.sign((b * found.transform(points)).sum(axis=0))
    assert b == pytest.approx(signs * found.transform(points))
    assert a == pytest.approx(signs * found.transform(other))


def test_the_plane_is_that_of_the_second_space(points):
    turned = points[:, ::-1]
    a, b = in_plane(turned, points)
    assert b.var(axis=0).sum() > 4 * a.var(axis=0).sum()
    again, same = in_plane(points, points)
    assert np.array_equal(again, same)


def test_an_unknown_plane_is_named(points):
    with pytest.raises(InvisError, match="plane 'tsne' is not one of pca, umap"):
        in_plane(points, points, "tsne")


def test_umap_is_asked_for_by_its_package_name(monkeypatch, points):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(InvisError, match="pip install umap-learn"):
        check_plane("umap")
    with pytest.raises(InvisError, match="pip install umap-learn"):
        in_plane(points, points, "umap")


# Slow, because UMAP compiles itself first.
@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("umap") is None, reason="umap-learn is not installed")
def test_umap_keeps_clusters_and_lays_equal_points_on_each_other():
    rng = np.random.default_rng(0)
    centres = 20 * rng.normal(size=(3, 8))
    labels = np.repeat(range(3), 40)
    b = centres[labels] + rng.normal(size=(120, 8))
    a = b + 0.01 * rng.normal(size=b.shape)
    moved, own = in_plane(a, b, "umap")
    assert own.shape == moved.shape == (120, 2)
    middles = np.array([own[labels == k].mean(axis=0) for k in range(3)])
    for found in (own, moved):
        nearest = np.linalg.norm(found[:, None] - middles, axis=2).argmin(axis=1)
        assert np.array_equal(nearest, labels)
    assert np.array_equal(in_plane(a, b, "umap")[1], own)
    with pytest.raises(InvisError, match="at least 4 points and has 3"):
        in_plane(a[:3], b[:3], "umap")
