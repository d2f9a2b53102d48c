"""The random projection against the exact inner products."""

import numpy as np
import pytest

from invis.errors import InvisError
from invis.trajectory import ArraySource, Layout, gram, pca, simulate
from invis.trajectory.sketch import sketch

LAYOUT = Layout(
    ("a.weight", "a.bias", "b.weight", "c.weight", "c.bias"),
    ((200, 90), (77,), (9000,), (30,), (20,)),
)


def source(count=25, seed=0):
    x = simulate(count - 1, LAYOUT.parameters, seed=seed, mu=0.1)
    return ArraySource(5 + x, layout=LAYOUT)


def test_squared_distances_have_the_stated_error():
    exact = gram(source(2)).matrix("b")[1, 1]
    found = [gram(sketch(source(2), 128, seed).source()).matrix("b")[1, 1] for seed in range(80)]
    relative = np.array(found) / exact - 1
    error = sketch(source(2), 128).error
    assert error == pytest.approx(np.sqrt(2 / 128))
    assert abs(relative.mean()) < 3 * error / np.sqrt(80)
    assert 0.8 * error < relative.std() < 1.2 * error


def test_small_layers_are_kept_exactly():
    exact, found = gram(source()), gram(sketch(source(), 128).source())
    assert found.layers == exact.layers == ("a", "b", "c")
    np.testing.assert_allclose(found.matrix("c"), exact.matrix("c"), rtol=1e-5, atol=1e-9)


def test_leading_components_survive():
    exact, projected = pca(gram(source())), pca(gram(sketch(source(), 4096).source()))
    np.testing.assert_allclose(projected.ratios[:3], exact.ratios[:3], rtol=0.1)
    alike = np.abs((projected.vectors[:, :2] * exact.vectors[:, :2]).sum(0))
    assert (alike > 0.99).all()


def test_of_a_growing_run_only_new_checkpoints_are_read():
    whole = source(30)

    seen = set()

    class Watched(ArraySource):
        def read(self, rows, start, stop):
            seen.update(rows)
            return super().read(rows, start, stop)

    values = whole.read(range(30), 0, LAYOUT.parameters)
    early = sketch(ArraySource(values[:20], layout=LAYOUT), 128)
    later = Watched(values, layout=LAYOUT)
    grown = sketch(later, 128, known=early)
    assert seen == {0, *range(20, 30)}
    np.testing.assert_array_equal(grown.values, sketch(whole, 128).values)


def test_too_small_a_dimension_is_told():
    with pytest.raises(InvisError, match="dimension 4"):
        sketch(source(), 4)
