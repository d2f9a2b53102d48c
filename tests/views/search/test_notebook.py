"""The notebook's views say what the gallery says: of results, and of whole images with chance."""

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from xarray import Dataset

import invis
from invis.views.base import words
from invis.views.search.notebook import full_image_html, register, result_html
from tests.synthetic import complex_cell_result
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


def test_fragment_has_the_images_the_verdict_and_the_doubts():
    ds = complex_cell_result(fraction_min=0.5)
    page = Page(result_html(ds))
    assert len(page.all("img")) == 1 + ds.sizes["image"]
    assert words.verdict(ds) in page.text
    assert "Constraint not met" in page.text
    assert "true contrast" in page.text
    assert all("image-rendering:pixelated" in img["style"] for img in page.all("img"))
    assert not page.all("html") and not page.all("script")


@pytest.fixture
def shell():
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def shown(shell, ds):
    return shell.display_formatter.format(ds)[0]["text/html"]


@pytest.mark.parametrize("way", ["%load_ext invis", "import invis; invis.load"])
def test_a_notebook_shows_the_images_of_a_result(shell, way, monkeypatch):
    # Whoever replaced the name for a while has left it in the package, where nobody asks for it.
    monkeypatch.delitem(vars(invis), "load", raising=False)
    ds = complex_cell_result(format="invis-set-1")
    assert "invis-result" not in shown(shell, ds)
    shell.run_cell(way, silent=True)
    assert "invis-result" in shown(shell, ds)


def test_other_data_sets_and_parts_of_results_look_as_ever(shell):
    register(shell)
    ds = complex_cell_result(format="invis-set-1")
    for other in (Dataset({"x": ("a", [1, 2])}), ds.isel(image=0), ds[["images"]]):
        assert "xr-wrap" in shown(shell, other)


def test_whole_images_are_shown_too_but_not_their_parts(shell):
    register(shell)
    ds = whole_images(0.5).assign_attrs(format="invis-full-1")
    assert shown(shell, ds).count("<img") == 2
    assert "xr-wrap" in shown(shell, ds.isel(image=0))


@pytest.mark.parametrize(("noise", "warned"), [(-0.5, False), (1.0, True)])
def test_images_activations_and_chance_are_shown(noise: float, warned: bool) -> None:
    page = Page(full_image_html(whole_images(noise)))
    assert len(page.all("img")) == 2
    for said in ("Channel 3 of conv2 in <net>", "1.50", "−0.25", f"{noise:.2f}"[-4:], "0.12"):
        assert said in page.text
    assert ("no more than noise does" in page.text) == warned
