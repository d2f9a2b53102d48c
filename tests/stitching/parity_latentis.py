"""Our spaces beside those of latentis 0.0.8, which lives outside of our own dependencies.

CI runs this file in an environment of its own; pytest does not collect it by itself. Where latentis
does not import, everything here is skipped and says why.
"""

import numpy as np
import pytest
import torch

from invis.stitching.alignment import linear_cka, svcca
from invis.stitching.similarities import relative
from invis.stitching.translators import linear_map, orthogonal_map

try:
    from latentis.measure.functional.cka import linear_cka as their_cka
    from latentis.measure.functional.svcca import svcca as their_svcca
    from latentis.transform import projection
    from latentis.transform.translate import functional as translate
except Exception as error:
    pytest.skip(f"latentis does not import here: {error}", allow_module_level=True)


@pytest.fixture
def spaces():
    """Points and anchors of a space, and the same turned, stretched and made noisy."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 12))
    turn = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    y = 1.7 * x @ turn + 0.1 * rng.normal(size=x.shape)
    return x, y


@pytest.mark.parametrize(
    "name, theirs",
    [
        ("cosine", lambda x, a: projection.cosine_proj(x, anchors=a)),
        ("euclidean", lambda x, a: projection.lp_proj(x, anchors=a, p=2)),
        ("l1", lambda x, a: projection.lp_proj(x, anchors=a, p=1)),
        ("linf", lambda x, a: projection.lp_proj(x, anchors=a, p=float("inf"))),
    ],
)
def test_relative_projections(spaces, name, theirs):
    x, _ = spaces
    expected = theirs(torch.from_numpy(x), torch.from_numpy(x[:40])).numpy()
    np.testing.assert_allclose(relative(x, x[:40], name), expected, atol=1e-6)


def test_translators(spaces):
    x, y = spaces
    a, b = torch.from_numpy(x), torch.from_numpy(y)
    np.testing.assert_allclose(
        linear_map(x, y), translate.lstsq_align_state(a, b)["matrix"].numpy(), atol=1e-10
    )
    np.testing.assert_allclose(
        orthogonal_map(x, y), translate.svd_align_state(a, b)["matrix"].numpy(), atol=1e-10
    )


def test_similarity_of_spaces(spaces):
    x, y = (torch.from_numpy(space) for space in spaces)
    assert linear_cka(*spaces) == pytest.approx(float(their_cka(x, y)), abs=1e-9)
    noisy = spaces[1] + 2 * np.random.default_rng(1).normal(size=spaces[1].shape)
    theirs = float(their_svcca(x, torch.from_numpy(noisy), variance_percentage=1.0))
    # Theirs leaves the last direction out and adds a small ridge.
    assert svcca(spaces[0], noisy, variance=1.0) == pytest.approx(theirs, abs=0.05)
