"""A small set of coloured noise in ImageFolder layout, which a network learns in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CLASSES = 3


def write_folder(root: Path, images: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for label in range(CLASSES):
        folder = root / f"class{label}"
        folder.mkdir(parents=True)
        for i in range(images):
            pixels = rng.integers(0, 120, (64, 64, 3))
            pixels[..., label] += 100
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i:03d}.png")


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("coloured-noise")
    write_folder(root / "train", 60, seed=0)
    write_folder(root / "val", 10, seed=1)
    return root
