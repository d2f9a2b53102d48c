"""The notebook's view of whole images shows what was measured, and chance beside it."""

import numpy as np
import pytest
from xarray import Dataset

from invis.views.search.full import full_image_html
from tests.views.search.test_gallery import Page


def whole_images(noise: float) -> Dataset:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 24, 3), np.uint8)
    return Dataset(
        {
            "images": (("image", "row", "column", "colour"), pixels),
            "activation": ("image", np.float32([1.5, -0.25])),
        },
        attrs={
            "model": "<net>", "layer": "conv2", "channel": "3", "positions": "all", "steps": 9,
            "noise_response": noise, "noise_images": 32, "grey_response": 0.125,
        },
    )  # fmt: skip


@pytest.mark.parametrize(("noise", "warned"), [(-0.5, False), (1.0, True)])
def test_images_activations_and_chance_are_shown(noise: float, warned: bool) -> None:
    page = Page(full_image_html(whole_images(noise)))
    assert len(page.all("img")) == 2
    for words in ("Channel 3 of conv2 in <net>", "1.50", "−0.25", f"{noise:.2f}"[-4:], "0.12"):
        assert words in page.text
    assert ("no more than noise does" in page.text) == warned
