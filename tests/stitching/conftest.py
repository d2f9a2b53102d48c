"""One small stitching that many tests look at, and a cache that is theirs alone."""

import numpy as np
import pytest

from invis.stitching.data import digits
from invis.stitching.heads import Recipe
from invis.stitching.latents import Latents
from invis.stitching.matrix import StitchSettings, stitch
from tests.stitching.transformations import rotation

SMALL_RECIPE = Recipe(hidden=32, steps=60, batch=128)


@pytest.fixture(scope="session")
def data():
    return digits().limited(400, 150)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INVIS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def latents(data):
    """One space and two that are it turned, shifted and scaled: A, B and C differ by what the
    centred cosine and Euclidean similarities ignore, so that stitching them costs nothing."""
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(64, 16)) / 8

    def encode(images, k):
        x = np.tanh(images.reshape(len(images), -1) / 255 @ mix)
        y = x if k == 0 else (1 + 2 * k) * x @ rotation(16, seed=k) + k
        return y.astype(np.float32)

    def untrained(images, k):
        return np.random.default_rng([k, len(images)]).normal(size=(len(images), 16)).astype("f4")

    seeds = (0, 1)
    parts = [
        [[make(images, k) for k in range(3)] for _ in seeds]
        for make, images in (
            (encode, data.train_images),
            (encode, data.test_images),
            (untrained, data.train_images),
            (untrained, data.test_images),
        )
    ]
    return Latents(("A", "B", "C"), seeds, *parts)


@pytest.fixture(scope="session")
def results(data, latents):
    settings = StitchSettings(64, tasks=("classification", "reconstruction"), recipe=SMALL_RECIPE)
    return stitch(data, latents, settings)
