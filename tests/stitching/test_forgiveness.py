"""What each similarity forgives, at every strength."""

import numpy as np
import pytest

from invis.errors import InvisError
from invis.stitching.forgiveness import TRANSFORMATIONS, forgiveness, transform_space
from invis.stitching.similarities import IGNORES, SIMILARITIES


@pytest.fixture
def latents():
    rng = np.random.default_rng(0)
    return rng.normal(size=(100, 10)) + 0.4, rng.normal(size=(20, 10)) + 0.4


@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
@pytest.mark.parametrize("centred", [False, True])
def test_forgiven_is_exactly_what_the_table_says(latents, transformation, centred):
    values = forgiveness(*latents, transformation, (0, 0.5, 1), centre=centred, scale=centred)
    assert values[:, 0] == pytest.approx(np.ones(5), abs=1e-9)
    for similarity, row in zip(SIMILARITIES, values, strict=True):
        ignored = IGNORES[similarity] | ({"translation", "scaling"} if centred else set())
        if transformation in ignored:
            assert row == pytest.approx(np.ones(3), abs=1e-5)
        else:
            assert row[2] < row[1] + 1e-9 and row[2] < 0.95


def test_rotations_and_permutations_keep_lengths(latents):
    points, _ = latents
    for name in ("rotation", "permutation"):
        for strength in (0.3, 1):
            moved = transform_space(points, name, strength)
            assert np.linalg.norm(moved, axis=1) == pytest.approx(np.linalg.norm(points, axis=1))
            assert np.abs(moved - points).max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("spin", 0.5), "transformation 'spin' is not one of"),
        (("rotation", 1.5), "strength 1.5 is not possible"),
    ],
)
def test_bad_input_is_told_in_one_sentence(latents, arguments, sentence):
    with pytest.raises(InvisError, match=sentence):
        transform_space(latents[0], *arguments)


def test_one_dimension_cannot_be_mixed():
    with pytest.raises(InvisError, match="at least 2 are needed"):
        transform_space(np.ones((3, 1)), "rotation", 0.5)
