"""The paths of a real search on units whose invariance is known."""

import numpy as np
import pytest

from invis.errors import InvisError
from invis.trajectory import gram, pca
from invis.trajectory.searches import FollowedSearch
from invis.trajectory.simulate import sphere_band


@pytest.fixture(scope="module")
def followed():
    search = FollowedSearch(
        "minivgg@none:0/conv1_2/3,5", {"images": 3, "seed": 1, "metric": "pixels"}
    )
    snapshots = list(search)
    return search, snapshots


def test_every_image_has_its_path(followed):
    search, snapshots = followed
    first, second = search.paths()
    assert [first.address, second.address] == list(search.units.addresses)
    steps = [s.step for s in snapshots if s.phase == "set"]
    assert first.steps.tolist() == steps[: len(first.steps)]
    assert first.images.shape == (len(first.steps), 3, 5, 5, 3)
    assert first.layer.shape == (len(first.steps), 3, 16)
    assert first.fractions.shape == (len(first.steps), 3)


def test_paths_keep_the_contrast_and_go_somewhere(followed):
    (path, _) = followed[0].paths()
    norms = np.linalg.norm(path.points(), axis=2)
    np.testing.assert_allclose(norms, norms.mean(), rtol=0.05)
    np.testing.assert_allclose(path.radius(), norms.mean(0), rtol=0.01)
    assert (path.lengths().sum(0) > 0).all()


def test_layer_is_that_of_the_full_network(followed):
    search, _ = followed
    for unit, path in enumerate(search.paths()):
        for k in range(3):
            whole = search.units.full_responses(path.images[:, k], [unit] * len(path.steps))
            channel = int(search.units.labels[unit])
            np.testing.assert_allclose(path.layer[:, k, channel], whole, rtol=1e-4, atol=1e-3)


def test_components_of_the_set_and_of_each_image(followed):
    (path, _) = followed[0].paths()
    products = gram(path.source())
    assert products.layers == ("image0", "image1", "image2")
    assert pca(products).parameters == 3 * 75
    alone = path.points()[:, 1]
    alone = alone - alone.mean(0)
    singular = np.linalg.svd(alone, compute_uv=False)
    found = pca(products, "image1")
    np.testing.assert_allclose(found.eigenvalues[:5], singular[:5] ** 2, rtol=1e-6)
    assert pca(gram(path.source("layer"))).parameters == 3 * 16
    low, high = sphere_band(path.lengths()[:, 1], path.radius()[1], 75, samples=20)
    assert (low <= high).all()


def test_leaving_the_loop_cancels_and_keeps_what_was_seen():
    search = FollowedSearch("truth/complex_cell/0", {"images": 3})
    assert search.paths() == []
    for snapshot in search:
        if snapshot.phase == "set" and len(search.paths()[0].steps) == 2:
            break
    (path,) = search.paths()
    assert len(path.steps) == 2


def test_unknown_space_is_told(followed):
    with pytest.raises(InvisError, match="sound"):
        followed[0].paths()[0].points("sound")


def test_bad_address_is_told():
    with pytest.raises(InvisError):
        next(iter(FollowedSearch("nonsense/conv1/0")))
