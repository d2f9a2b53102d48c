"""PCA through inner products against scikit-learn, against other ways to compute, and its edges."""

import numpy as np
import pytest
import torch
from sklearn import decomposition

from invis.errors import InvisError
from invis.trajectory import ArraySource, Layout, gram, gram_steps, load_gram, pca, save_gram
from invis.trajectory.pca import directions, project

NAMES = ("conv.weight", "conv.bias", "fc.weight", "scale")
SHAPES = ((40, 30), (40,), (300, 41), ())
LAYOUT = Layout(NAMES, SHAPES)
LAYERS = {"conv": slice(0, 1240), "fc": slice(1240, 13540), "scale": slice(13540, 13541)}


def trajectory(count=30, seed=0, dtype=np.float64):
    """A training's kind of path far from the origin: drift, noise, and a decaying tail."""
    rng = np.random.default_rng(seed)
    start = 5 * rng.normal(size=LAYOUT.parameters)
    aim = rng.normal(size=LAYOUT.parameters)
    noise = 0.02 * np.cumsum(rng.normal(size=(count, LAYOUT.parameters)), 0)
    along = 1 - np.exp(-np.arange(count) / 8)
    return (start + along[:, None] * aim + noise).astype(dtype)


def assert_equals_oracle(found, values):
    oracle = decomposition.PCA().fit(values)
    scores = oracle.transform(values)
    kept = oracle.explained_variance_ratio_ > 1e-6
    count = int(kept.sum())
    assert count >= 1
    np.testing.assert_allclose(
        found.ratios[:count], oracle.explained_variance_ratio_[kept], rtol=1e-6, atol=1e-12
    )
    for k in range(count):
        sign = np.sign(found.scores[:, k] @ scores[:, k])
        scale = np.abs(scores[:, k]).max()
        np.testing.assert_allclose(sign * found.scores[:, k], scores[:, k], atol=1e-6 * scale)
    return count


def test_whole_network_and_layers_equal_scikit_learn():
    values = trajectory()
    products = gram(ArraySource(values, layout=LAYOUT))
    assert products.layers == tuple(LAYERS)
    assert assert_equals_oracle(pca(products), values) == 29
    for layer, where in LAYERS.items():
        assert assert_equals_oracle(pca(products, layer), values[:, where]) >= 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_stored_precision_does_not_matter(dtype):
    values = trajectory(dtype=dtype)
    found = pca(gram(ArraySource(values, layout=LAYOUT)))
    assert_equals_oracle(found, values.astype(np.float64))


def test_components_six_orders_apart_keep_six_digits():
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(rng.normal(size=(5000, 8)))[0].T
    sizes = np.sqrt(10.0 ** -np.arange(8))
    values = rng.normal(size=(40, 8)) * sizes @ basis + 3
    assert assert_equals_oracle(pca(gram(ArraySource(values))), values) >= 6


def test_blocks_do_not_matter():
    values = trajectory()
    whole = gram(ArraySource(values, layout=LAYOUT))
    blocks = gram(ArraySource(values, layout=LAYOUT), memory=1)
    np.testing.assert_allclose(blocks.products, whole.products, rtol=1e-12, atol=1e-9)


def test_single_precision_products_are_summed_in_double():
    values = trajectory()
    exact = gram(ArraySource(values, layout=LAYOUT), precision="float64").products
    found = gram(ArraySource(values, layout=LAYOUT), precision="float32").products
    np.testing.assert_allclose(found, exact, atol=1e-5 * exact.max())
    assert found.dtype == np.float64


def test_growing_run_continues_where_it_was():
    values = trajectory(30)
    early = gram(ArraySource(values[:18], layout=LAYOUT))
    grown = gram(ArraySource(values, layout=LAYOUT), known=early)
    np.testing.assert_allclose(
        grown.products, gram(ArraySource(values, layout=LAYOUT)).products, rtol=1e-9, atol=1e-9
    )
    assert np.array_equal(grown.products[:, :18, :18], early.products)


def test_growing_run_multiplies_only_what_is_new():
    """The known part is taken as it is: a mark in it survives."""
    values = trajectory(12)
    early = gram(ArraySource(values[:11], layout=LAYOUT))
    early.products[0, 3, 4] = -123.0
    grown = gram(ArraySource(values, layout=LAYOUT), known=early)
    assert grown.products[0, 3, 4] == -123.0


def test_products_of_another_run_are_not_taken():
    first, second = trajectory(12), trajectory(12, seed=1)
    known = gram(ArraySource(first[:8], layout=LAYOUT))
    fresh = gram(ArraySource(second, layout=LAYOUT)).products
    np.testing.assert_array_equal(
        gram(ArraySource(second, layout=LAYOUT), known=known).products, fresh
    )


def test_layers_add_up_and_can_be_weighted():
    products = gram(ArraySource(trajectory(), layout=LAYOUT))
    whole = products.matrix()
    np.testing.assert_allclose(whole, sum(products.matrix(layer) for layer in LAYERS))
    doubled = products.matrix(weights={"conv": 2.0, "fc": 0.0})
    np.testing.assert_allclose(doubled, 2 * products.matrix("conv") + products.matrix("scale"))
    shares = pca(products, weights="variance")
    assert shares.eigenvalues.sum() == pytest.approx(3.0)
    by_size = products.matrix(weights="size")
    np.testing.assert_allclose(
        by_size, sum(products.matrix(n) / (s.stop - s.start) for n, s in LAYERS.items())
    )


def test_directions_rebuild_the_checkpoints():
    values = trajectory()
    source = ArraySource(values, layout=LAYOUT)
    found = pca(gram(source))
    mean, axes = directions(source, found, range(29))
    np.testing.assert_allclose(mean, values.mean(0), rtol=1e-5)
    np.testing.assert_allclose(axes @ axes.T, np.eye(29), atol=1e-5)
    np.testing.assert_allclose(mean + found.scores @ axes, values, atol=1e-4)


def test_distance_from_the_plane():
    values = trajectory()
    source = ArraySource(values, layout=LAYOUT)
    found = pca(gram(source))
    mean, axes = directions(source, found, (0, 1))
    off = values - mean - found.scores[:, :2] @ axes
    np.testing.assert_allclose(found.distance_from_plane(), np.linalg.norm(off, axis=1), rtol=1e-4)


def test_signs_do_not_flip_while_a_run_grows():
    values = trajectory(30)
    for count in (10, 20, 30):
        found = pca(gram(ArraySource(values[:count], layout=LAYOUT)))
        assert (found.scores[0] <= 0).all()


def test_closing_cancels():
    steps = gram_steps(ArraySource(trajectory(), layout=LAYOUT), memory=1)
    first = next(steps)
    assert 0 < first.fraction_done < 1
    assert not first.finished
    steps.close()
    assert next(steps, None) is None


def test_saved_products_come_back(tmp_path):
    products = gram(ArraySource(trajectory(), steps=np.arange(30) * 7, layout=LAYOUT))
    save_gram(products, tmp_path / "gram.npz")
    back = load_gram(tmp_path / "gram.npz")
    assert back.layers == products.layers
    for name in ("steps", "sizes", "products", "marks"):
        assert np.array_equal(getattr(back, name), getattr(products, name))
    assert [p.name for p in tmp_path.iterdir()] == ["gram.npz"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x80\x04pickle"])
def test_broken_products_are_refused(tmp_path, content):
    (tmp_path / "gram.npz").write_bytes(content)
    with pytest.raises(InvisError):
        load_gram(tmp_path / "gram.npz")


def test_pickles_are_not_loaded(tmp_path):
    np.savez(tmp_path / "gram.npz", format=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InvisError):
        load_gram(tmp_path / "gram.npz")


def test_fewer_dimensions_than_checkpoints():
    values = np.random.default_rng(0).normal(size=(20, 3))
    found = pca(gram(ArraySource(values)))
    assert found.scores.shape == (20, 3)
    assert_equals_oracle(found, values)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (lambda: pca(gram(ArraySource(np.ones((1, 4))))), "at least 2"),
        (lambda: pca(gram(ArraySource(np.ones((5, 4))))), "the same in all 5"),
        (lambda: gram(ArraySource(np.ones((0, 4)))), "0 checkpoints"),
        (lambda: gram(ArraySource(np.eye(4)), precision="half"), "half"),
        (lambda: ArraySource(np.eye(4), steps=[0, 2, 1, 3]), "1 comes after 2"),
        (lambda: ArraySource(np.eye(4), steps=[0, 1]), "2 steps"),
        (lambda: ArraySource(np.ones(4)), "shape"),
        (lambda: ArraySource(torch.ones(2, 2, dtype=torch.int64)), "int64"),
        (lambda: pca(gram(ArraySource(np.eye(4))), layer="conv9"), "conv9"),
        (lambda: pca(gram(ArraySource(np.eye(4))), weights="odd"), "odd"),
        (lambda: pca(gram(ArraySource(np.eye(4))), weights={"x": -1.0}), "negative"),
    ],
)
def test_bad_input_is_told_in_a_sentence(bad, told):
    with pytest.raises(InvisError, match=told):
        bad()


def test_nan_is_told_with_its_layer_and_step():
    values = trajectory(6)
    values[4, 1300] = np.nan
    with pytest.raises(InvisError, match="fc at step 40"):
        gram(ArraySource(values, steps=np.arange(6) * 10, layout=LAYOUT))


def test_another_run_on_the_same_plane():
    first, second = trajectory(), trajectory(20, seed=3)
    source = ArraySource(first, layout=LAYOUT)
    found = pca(gram(source))
    mean, axes = directions(source, found, (0, 1))
    own, off = project(source, mean, axes)
    np.testing.assert_allclose(own, found.scores[:, :2], atol=1e-3)
    np.testing.assert_allclose(off, found.distance_from_plane(), rtol=1e-3)
    scores, distance = project(ArraySource(second, layout=LAYOUT), mean, axes)
    np.testing.assert_allclose(scores, (second - mean) @ axes.T, rtol=1e-4, atol=1e-3)
    left = second - mean - scores @ axes
    np.testing.assert_allclose(distance, np.linalg.norm(left, axis=1), rtol=1e-4)
    with pytest.raises(InvisError, match="4 parameters"):
        project(ArraySource(np.eye(4)), mean, axes)
