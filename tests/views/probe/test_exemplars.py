"""The figure of exemplars says what was measured, with random crops as the null."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import invis
from invis.errors import InvisError
from invis.probe.exemplars import exemplars
from invis.views.probe import exemplars_shares
from invis.views.probe.exemplars_figure import exemplars_figure, exemplars_html
from invis.views.probe.exemplars_shares import ROWS

UNIT = "minivgg/conv1_2/3"


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for k in range(5):
        pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"p{k}.png")
    sets = invis.search(UNIT)
    return exemplars(UNIT, folder, count=10, results=sets)[0], sets[0]


def shown(figure):
    """The rows of shares by their place."""
    rows = [
        t for t in figure.data if t.type == "scatter" and t.xaxis == "x3" and t.mode == "markers"
    ]
    return {round(float(np.mean(t.y))): np.array(t.x) for t in rows}


@pytest.mark.parametrize(("dark", "width"), [(False, None), (True, 1384)])
def test_every_share_stands_in_its_row(both, dark, width):
    found, ds = both
    rows = shown(exemplars_figure(found, ds, dark, width))
    assert len(rows) == len(ROWS)
    np.testing.assert_allclose(rows[0], found["random_fraction"].values, rtol=1e-6)
    np.testing.assert_allclose(rows[1], found["fraction"].values, rtol=1e-6)
    np.testing.assert_allclose(rows[2], found["equal_fraction"].values, rtol=1e-6)
    np.testing.assert_allclose(rows[3], ds["fraction"].values, rtol=1e-6)


def test_pictures_carry_their_file_and_share(both):
    found, ds = both
    figure = exemplars_figure(found, ds)
    hover = [t.hovertext for t in figure.data if t.hovertext is not None]
    assert len(hover) == 2
    assert len(hover[0]) == ds.sizes["image"] + 1
    assert len(hover[1]) == found.sizes["exemplar"]
    for text, path in zip(hover[1], found["path"].values, strict=True):
        assert str(path) in text
    words = [
        word for t in figure.data if t.type == "scatter" and t.mode == "text" for word in t.text
    ]
    for share in found["fraction"].values:
        assert f"<b>{100 * share:.0f} %</b>" in words


def test_words_name_the_null_and_what_was_left_out(both):
    found, _ = both
    said = exemplars_shares.verdict(found)
    usual = 100 * float(np.median(found["random_fraction"]))
    assert f"a random one {usual:.0f} %".replace("-", "\u2212") in said
    assert "at the set’s contrast" in exemplars_shares.note(found)
    assert "3 files were left out" in exemplars_shares.note(found.assign_attrs(left_out=3))


def test_names_of_files_cannot_become_markup(both):
    found, ds = both
    evil = found.assign(path=("exemplar", ["<script>alert(1)</script>"] * 10))
    page = exemplars_html([evil.assign_attrs(folder="</script><b>")], [ds])
    assert "<script>alert" not in page
    assert page.count("</script>") == 2


def test_wrong_pairs_are_refused(both):
    found, ds = both
    with pytest.raises(InvisError, match="give those of one unit"):
        exemplars_figure(found, ds.assign_attrs(address="minivgg/conv1_2/4"))
    with pytest.raises(InvisError, match="no exemplar"):
        exemplars_figure(found.isel(exemplar=slice(0, 0)), ds)
