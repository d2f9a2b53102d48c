"""The notebook's view of a result is a fragment that says the same as the gallery."""

from invis.views import words
from invis.views.notebook import result_html
from tests.synthetic import complex_cell_result
from tests.views.test_gallery import Page


def test_fragment_has_the_images_the_verdict_and_the_doubts():
    ds = complex_cell_result(fraction_min=0.5)
    page = Page(result_html(ds))
    assert len(page.all("img")) == 1 + ds.sizes["image"]
    assert words.verdict(ds) in page.text
    assert "Constraint not met" in page.text
    assert "contrast stretched ×2" in page.text
    assert not page.all("html") and not page.all("script")
