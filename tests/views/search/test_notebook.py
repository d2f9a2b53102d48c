"""The notebook's view of a result is a fragment that says the same as the gallery."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from xarray import Dataset

from invis.views.base import words
from invis.views.search.notebook import register, result_html
from tests.synthetic import complex_cell_result
from tests.views.search.test_full import whole_images
from tests.views.search.test_gallery import Page


def test_fragment_has_the_images_the_verdict_and_the_doubts():
    ds = complex_cell_result(fraction_min=0.5)
    page = Page(result_html(ds))
    assert len(page.all("img")) == 1 + ds.sizes["image"]
    assert words.verdict(ds) in page.text
    assert "Constraint not met" in page.text
    assert "contrast stretched ×2" in page.text
    assert not page.all("html") and not page.all("script")


@pytest.fixture
def shell():
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def shown(shell, ds):
    return shell.display_formatter.format(ds)[0]["text/html"]


@pytest.mark.parametrize("way", ["%load_ext invis", "import invis; invis.load"])
def test_a_notebook_shows_the_images_of_a_result(shell, way):
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
