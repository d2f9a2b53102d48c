"""The figures show what the results say, with the nulls in them."""

import json

import numpy as np
import pytest

from invis.errors import InvisError
from invis.progress import until_done
from invis.stitching.data import digits
from invis.stitching.heads import Recipe
from invis.stitching.matrix import StitchSettings
from invis.stitching.spaces import ProductSpace
from invis.stitching.sweep import anchor_sweep_steps
from invis.stitching.table import summary
from invis.views.stitching.forgives import forgives_figure
from invis.views.stitching.page import stitching_html
from invis.views.stitching.points import points_figure
from invis.views.stitching.reconstructions import reconstructions_figure
from invis.views.stitching.scores import (
    anchors_figure,
    chosen_methods,
    matrix_figure,
    methods_figure,
    short,
)
from tests.stitching.conftest import data, latents, own_cache, results  # noqa: F401


def test_the_matrix_has_its_nulls_beside_it(results):  # noqa: F811
    figure = matrix_figure(results[0])
    titles = [a.text for a in figure.layout.annotations]
    assert titles[-3:] == [
        "absolute (null)",
        "shuffled anchors (null)",
        "untrained encoder (null)",
    ]
    assert len(figure.data) == 12
    panels, texts = figure.data[:6], figure.data[6:]
    for panel, text, label in zip(panels, texts, chosen_methods(results[0]), strict=True):
        shown = results[0]["score"].sel(technique=label).mean("seed").values
        assert np.array_equal(panel.z, shown)
        assert list(text.text) == [short(value) for value in shown.flat]
        assert (panel.xaxis, panel.yaxis) == (text.xaxis, text.yaxis)


def test_an_empty_cell_shows_its_reason(results):  # noqa: F811
    ds = results[0].copy(deep=True)
    ds["score"].loc[{"technique": "absolute", "encoder": "A", "decoder": "B"}] = np.nan
    ds["reason"] = ds["reason"].astype(object)
    ds["reason"].loc[{"technique": "absolute", "encoder": "A", "decoder": "B"}] = "because"
    panel = matrix_figure(ds, ["absolute"]).data[0]
    assert panel.text[0][1] == "–" and panel.customdata[0][1] == "because"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("task", [0, 1])
def test_every_method_is_on_the_axis_with_chance(results, task, dark):  # noqa: F811
    ds = results[task]
    own, stitched = methods_figure(ds, dark).data
    rows = summary(ds)
    assert list(own.x) == [row["own"] for row in rows]
    assert list(stitched.x) == [row["stitched"] for row in rows]
    assert list(stitched.error_x.array) == [row["spread"] for row in rows]
    assert sum("(null)" in name for name in own.y) == 3
    assert methods_figure(ds, dark).layout.shapes[0].x0 == ds.attrs["chance"]


def test_reconstructions_are_in_rows_with_the_nulls(results):  # noqa: F811
    figure = reconstructions_figure(results[1], "A", "B", "cosine")
    names = list(figure.layout.yaxis.ticktext)
    assert names[0] == "original"
    assert names[1].startswith("own decoder (")
    assert names[2].startswith("stitched (")
    assert figure.layout.title.text == "A drawn by the decoder of B"
    assert [n.split(" (")[0] for n in names[3:]] == [
        "null: absolute",
        "null: shuffled anchors",
        "null: untrained encoder",
    ]
    # Two corners of the first original and of the first stitched image.
    canvas = np.asarray(figure.data[0].z)
    original = results[1]["original"].values
    stitched = results[1]["picture"].sel(technique="cosine", encoder="A", decoder="B").values
    assert canvas[0, 0, 0] == original[0, 0, 0, 0]
    row = 2 * (canvas.shape[0] // 6)
    assert canvas[row, 0, 0] == stitched[0, 0, 0, 0]
    assert reconstructions_figure(results[1]).layout.title.text.count("drawn by") == 1


def test_what_is_not_there_is_told(results):  # noqa: F811
    with pytest.raises(InvisError, match="has no pictures"):
        reconstructions_figure(results[0])
    with pytest.raises(InvisError, match="encoder 'Z' is not one of A, B, C"):
        reconstructions_figure(results[1], "Z")
    with pytest.raises(InvisError, match="technique 'nosuch' is not one of"):
        reconstructions_figure(results[1], method="nosuch")
    with pytest.raises(InvisError, match="method 'nosuch' is not one of"):
        matrix_figure(results[0], ["nosuch"])


def test_points_lie_on_each_other_after_and_not_before(data, latents):  # noqa: F811
    before = [latents.test[0][i] for i in (0, 1)]
    spaces = [ProductSpace(["cosine", "euclidean"]).fit(latents.train[0][i]) for i in (0, 1)]
    after = [space.transform(x) for space, x in zip(spaces, before, strict=True)]
    figure = points_figure(tuple(before), tuple(after), data.test_labels, data.classes, ("A", "B"))
    assert len(figure.data) == 4 * 10
    panels = np.split(np.arange(40), 4)

    def gap(p, q):
        pairs = [
            (figure.data[i], figure.data[j]) for i, j in zip(panels[p], panels[q], strict=True)
        ]
        return max(np.abs(np.asarray(a.x) - np.asarray(b.x)).max() for a, b in pairs)

    assert gap(2, 3) < 1e-3 < gap(0, 1)
    shown = np.concatenate([figure.data[i].customdata for i in panels[0]])
    assert sorted(shown.tolist()) == list(range(150))


def test_the_slider_shows_what_a_similarity_forgives(latents):  # noqa: F811
    points, anchors = latents.test[0][0][:50], latents.train[0][0][:20]
    figure = forgives_figure(points, anchors, "rotation", centre=False, scale=False, steps=5)
    assert len(figure.frames) == 5 == len(figure.layout.sliders[0].steps)
    assert [step.args[0][0] for step in figure.layout.sliders[0].steps] == [
        frame.name for frame in figure.frames
    ]
    first, last = (dict(zip(f.data[1].y, f.data[1].x, strict=True)) for f in figure.frames[::4])
    assert min(first.values()) == pytest.approx(1)
    assert last["cosine"] == pytest.approx(1, abs=1e-5) and last["l1"] < 0.95
    assert list(figure.data[1].x) == list(figure.frames[-1].data[1].x)


def test_anchors_have_a_line_a_method_and_dashes_for_nulls(data, latents):  # noqa: F811
    settings = StitchSettings(recipe=Recipe(steps=10))
    (sweep,) = until_done(anchor_sweep_steps(data, latents, (8, 32), settings))
    figure = anchors_figure(sweep)
    assert len(figure.data) == 13
    assert [line.line.dash for line in figure.data] == ["solid"] * 10 + ["dash"] * 3
    assert list(figure.data[0].x) == [8, 32]
    assert len({(line.line.color, line.marker.symbol) for line in figure.data}) == 13


def test_the_page_is_whole_and_no_name_ends_its_script(results):  # noqa: F811
    page = stitching_html(results, "<b>digits</b>")
    assert "&lt;b&gt;digits" in page and "<b>digits" not in page
    named = results[0].assign_coords(encoder=["</script>", "B", "C"])
    text = stitching_html([named], "x")
    assert text.count("</script>") == page.count("</script>")
    start = page.index("const figures = ") + len("const figures = ")
    figures, _ = json.JSONDecoder().raw_decode(page[start:])
    assert [len(one) for one in figures] == [5, 5]
    assert digits().name == "digits"
