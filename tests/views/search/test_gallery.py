"""The gallery is one self-contained, well-formed page that shows every number beside its null."""

import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from invis import InvisError
from invis.views.search.card import columns
from invis.views.search.charts import axis_top
from invis.views.search.gallery import gallery_html
from tests.synthetic import GREY, complex_cell_result
from tests.views.base.test_images import decode

VOID = {"meta", "img", "input", "br", "line", "polyline"}


class Page(HTMLParser):
    """Reads a page, checks that tags nest, and collects what a test asks about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text += data

    def all(self, tag: str, css: str | None = None) -> list[dict[str, str]]:
        return [
            attrs
            for name, attrs in self.tags
            if name == tag and (css is None or css in attrs.get("class", "").split())
        ]


@pytest.fixture(scope="module")
def one():
    return complex_cell_result()


def test_asks_for_nothing_outside_itself(one):
    html = gallery_html([one, complex_cell_result(linear=True)])
    for tag, attrs in Page(html).tags:
        for key in ("src", "href", "xlink:href", "action"):
            assert attrs.get(key, "#").startswith(("#", "data:")), (tag, attrs)
    assert "@import" not in html
    assert "url(#" in html and html.count("url(") == html.count("url(#")
    assert not Page(html).all("script")
    assert "default-src 'none'" in html


def test_is_pure(one):
    assert gallery_html([one]) == gallery_html([one.copy(deep=True)])


def test_images_are_what_the_network_saw_in_the_result_s_order(one):
    sources = [img["src"] for img in Page(gallery_html([one])).all("img")]
    np.testing.assert_array_equal(decode(sources[0]), one["reference_image"].values)
    shown = np.stack([decode(source) for source in sources[1:]])
    np.testing.assert_array_equal(shown, one["images"].values)


def test_bars_are_as_long_as_the_fractions_and_marked_at_alpha(one):
    html = gallery_html([one])
    for fraction in one["fraction"].values:
        assert f'style="width:{100 * float(fraction):.2f}%"' in html
    assert html.count("left:calc(90.00% - 1px)") == one.sizes["image"]


def test_an_image_below_the_floor_is_drawn_otherwise(one):
    low = one.copy(deep=True)
    low["fraction"].values[2] = 0.6
    assert gallery_html([one]).count("class=short") == 0
    assert gallery_html([low]).count("class=short") == 1


def test_index_and_spread_stand_on_one_scale_with_the_null(one):
    html, top = gallery_html([one]), axis_top([one])
    for key in ("index", "spread"):
        value = one.attrs[key]
        assert f'style="left:{100 * value / top:.2f}%" role="img"' in html
        assert f'aria-label="{key} {value:.2f}"' in html
    assert f'class="one" style="left:{100 / top:.2f}%"' in html
    assert "a linear unit" in Page(html).text


@pytest.mark.parametrize("value", [0.5, 1.99, 2.4, 7.2])
def test_the_axis_holds_every_measure(value):
    assert axis_top([complex_cell_result(index=value, spread=0.7)]) > value


def test_a_distance_in_features_stands_beside_its_own_null():
    ds = complex_cell_result(distance_space="conv2_2", feature_index=1.7, spread=1.2)
    page = Page(gallery_html([ds]))
    assert [i["aria-label"] for i in page.all("i", "dot")][1:] == ["in conv2_2 1.70"]
    assert "In the features of conv2_2 they are 1.70 times" in page.text


def test_a_page_begins_with_true_contrast_and_smooth_where_that_is_better(one):
    def switched(ds):
        return {i["id"]: "checked" in i for i in Page(gallery_html([ds])).all("input")}

    assert switched(one) == {"true-contrast": True, "smooth": True}
    faint = one.copy(deep=True)
    faint["images"].values[:] = np.round(GREY + 0.3 * (one["images"].values - GREY))
    assert switched(faint) == {"true-contrast": False, "smooth": True}
    assert switched(complex_cell_result(size=43)) == {"true-contrast": True, "smooth": False}


def test_metric_and_contrast_are_told():
    ds = complex_cell_result(metric="natural", pixel_contrast=12.7, metric_statistics="{1: 2}")
    page = Page(gallery_html([ds]))
    assert "distances in the metric of natural images" in page.text
    assert "RMS contrast of these images: 13 grey levels" in page.text
    assert "{1: 2}" not in page.text
    both = Page(gallery_html([ds, complex_cell_result()]))
    assert "differ in metric (natural, pixels)" in both.text


def test_namesakes_are_told_apart_by_what_differs_only(one):
    text = Page(
        gallery_html([one, complex_cell_result(seed=4), complex_cell_result(images=4)])
    ).text
    for name in ("8 images, seed 0", "8 images, seed 4", "4 images, seed 0"):
        assert f"truth/complex_cell/0, {name}" in text


def test_the_stretch_is_told_and_can_be_switched_off(one):
    page = Page(gallery_html([one]))
    assert "contrast stretched ×2 for display" in page.text
    assert [i["id"] for i in page.all("input")] == ["true-contrast", "smooth"]
    assert {f["slope"] for f in page.all("fefuncr")} == {"2"}


def test_the_filter_leaves_the_mean_grey_alone(one):
    page = Page(gallery_html([one]))
    for channel, grey in zip("rgb", one.attrs["grey"], strict=True):
        (function,) = page.all(f"fefunc{channel}")
        shown = float(function["slope"]) * grey / 255 + float(function["intercept"])
        assert shown == pytest.approx(grey / 255, abs=1e-5)


def test_warnings_are_on_the_page():
    text = Page(gallery_html([complex_cell_result(fraction_min=0.7, converged=False)])).text
    assert "Constraint not met" in text and "Not converged" in text


def test_dead_and_unmeasured_units_have_a_page():
    ds = complex_cell_result(
        dead=True, index=math.nan, spread=math.nan, null_distance=math.nan, beta=math.nan
    )
    ds["fraction"].values[:] = np.nan
    ds["course_distance"].values[:] = np.nan
    page = Page(gallery_html([ds]))
    assert "This unit is dead" in page.text
    assert not re.search(r"NaN|\bnan\b", page.text)


def test_text_from_outside_is_escaped():
    ds = complex_cell_result(address="<script>alert(1)</script>", model="m", layer="<b>", channel=0)
    html = gallery_html([ds])
    assert not Page(html).all("script")
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(("count", "kind"), [(1, "single"), (2, "pair"), (5, "many")])
def test_a_card_for_each_result_and_one_axis(count, kind):
    results = [
        complex_cell_result(seed=i, images=4, address=f"vgg19/conv3_1/{i}") for i in range(count)
    ]
    page = Page(gallery_html(results))
    assert len(page.all("article")) == count
    assert page.all("body")[0]["class"] == kind
    assert len(page.all("img")) == 5 * count
    anchors = {a["href"] for a in page.all("a")}
    assert anchors == ({f"#r{i}" for i in range(count)} if count > 1 else set())


def test_results_that_answer_different_questions_are_told_apart(one):
    text = Page(gallery_html([one, complex_cell_result(alpha=0.8)])).text
    assert "differ in activation floor" in text


def test_every_attribute_is_in_the_provenance():
    page = Page(gallery_html([complex_cell_result(weights_hash="cafe01", some_new_key="seen")]))
    assert "cafe01" in page.text and "seen" in page.text


@pytest.mark.parametrize(
    "ds",
    [
        complex_cell_result().isel(colour=[0]).assign_attrs(grey=[128.0]),
        complex_cell_result(size=5).isel(row=[2], column=[2]),
    ],
    ids=["one colour", "one pixel"],
)
def test_one_colour_and_fields_of_a_single_pixel_are_shown(ds):
    shown = [decode(img["src"]) for img in Page(gallery_html([ds])).all("img")]
    wanted = [ds["reference_image"].values, *ds["images"].values]
    for picture, image in zip(shown, wanted, strict=True):
        np.testing.assert_array_equal(picture.reshape(image.shape), image)


def test_no_results_is_refused():
    with pytest.raises(InvisError, match="at least one result"):
        gallery_html([])


@pytest.mark.parametrize(("count", "wide"), [(2, 2), (4, 4), (6, 3), (8, 4), (10, 5), (16, 4)])
def test_rows_are_full(count, wide):
    assert columns(count) == wide
