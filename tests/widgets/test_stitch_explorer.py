"""The explorer of stitching: it shows what the room computes, for the pair that is chosen."""

import time

import numpy as np
import pytest

from invis.jobs import State
from invis.progress import until_done
from invis.stitching.forgiveness import forgiveness
from invis.stitching.study import study_steps
from invis.stitching.table import summary
from invis.views.base.theme import DARK, LIGHT
from invis.widgets import StitchExplorer
from invis.widgets.stitch_explorer import FORGIVES

ENCODERS = ("mlp", "cnn", "autoencoder")


def seen(explorer):
    boxes = explorer._panels._boxes
    return [name for name, box in boxes.items() if box.layout.display != "none"]


@pytest.fixture(scope="module")
def explorer():
    made = StitchExplorer(encoders=ENCODERS, anchors=64, limit=600)
    made._images.value = made._sweep.value = True
    made.search()
    assert made.wait(120) is not None, made.message
    yield made
    made.close()


def test_it_says_what_the_best_way_reaches_beside_chance(explorer):
    first, second = explorer.study.results
    assert (first.attrs["task"], second.attrs["task"]) == ("classification", "reconstruction")
    rows = [row for row in summary(first) if not row["null"]]
    best = max(rows, key=lambda row: row["stitched"])
    assert explorer.message.startswith(f"{best['method']}: stitched {best['stitched']:.3f}")
    assert best["stitched"] > 5 * first.attrs["chance"]


def test_the_matrix_holds_the_scores(explorer):
    explorer.panel = "Matrix"
    assert seen(explorer) == ["Matrix"]
    explorer._method.value = "l1"
    heat, _texts = explorer._panels.figures["Matrix"].data
    scores = explorer.study.results[0]["score"].sel(technique="l1").mean("seed")
    np.testing.assert_allclose(np.array(heat.z, dtype=float), scores.values)
    explorer._method.value = "the best of each kind"
    assert len(explorer._panels.figures["Matrix"].data) == 12


def test_the_status_follows_the_method(explorer):
    row = next(row for row in summary(explorer.study.results[0]) if row["method"] == "cosine")
    explorer._method.value = "cosine"
    assert explorer.message.startswith(f"cosine: stitched {row['stitched']:.3f}")
    explorer._method.value = "the best of each kind"
    assert not explorer.message.startswith("cosine")


def test_it_follows_the_scheme_of_the_page(explorer):
    explorer.panel = "Matrix"
    screen, figure = explorer._panels._screen, explorer._panels.figures["Matrix"]
    for scheme, colours in (("dark", DARK), ("light", LIGHT)):
        screen._field.value = f"1000 {scheme}"
        assert figure.layout.template.layout.paper_bgcolor == colours.paper
        assert figure.layout.coloraxis.colorscale[0][1] == colours.shade


def test_a_click_on_a_cell_chooses_the_pair(explorer):
    explorer.panel = "Matrix"
    cell = type("Points", (), {"xs": ["autoencoder"], "ys": ["cnn"]})
    explorer._panels._clicked(None, cell, None)
    assert "<b>cnn</b> into the decoder of <b>autoencoder</b>" in explorer._pair.value
    explorer.panel = "Pictures"
    assert seen(explorer) == ["Pictures"]
    title = explorer._panels.figures["Pictures"].layout.title.text
    assert title == "cnn drawn by the decoder of autoencoder"
    explorer.panel = "Points"
    titles = [note.text for note in explorer._panels.figures["Points"].layout.annotations]
    assert titles[:2] == ["cnn, before", "autoencoder, before"]


def test_the_mouse_over_a_point_shows_its_image(explorer):
    explorer.panel = "Points"
    trace = explorer._panels.figures["Points"].data[0]
    place = type("Points", (), {"point_inds": [2]})
    explorer._panels._hovered(trace, place, None)
    assert explorer._panels._input.layout.display == ""
    first = explorer._panels._input.value
    explorer._panels._hovered(trace, type("Points", (), {"point_inds": [5]}), None)
    assert explorer._panels._input.value != first


def test_the_number_of_anchors(explorer):
    explorer.panel = "Anchors"
    figure = explorer._panels.figures["Anchors"]
    assert list(figure.data[0].x) == [8, 16, 32, 64]


def test_the_slider_shows_what_each_similarity_forgives(explorer):
    explorer.panel = FORGIVES
    forgives = explorer._forgives
    forgives.transformation.value = "rotation"
    forgives.bare.value = True
    began = time.perf_counter()
    forgives.strength.value = 0.8
    took = time.perf_counter() - began
    bars = dict(zip(forgives.figure.data[1].y, forgives.figure.data[1].x, strict=True))
    assert bars["cosine"] == pytest.approx(1, abs=1e-5)
    assert bars["euclidean"] == pytest.approx(1, abs=1e-5)
    assert bars["l1"] < 0.95 and bars["linf"] < 0.95
    direct = forgiveness(
        forgives._points, forgives._anchors, "rotation", [0.8], centre=False, scale=False
    )
    np.testing.assert_allclose(list(bars.values()), direct[:, 0])
    forgives.transformation.value = "translation"
    bars = dict(zip(forgives.figure.data[1].y, forgives.figure.data[1].x, strict=True))
    assert bars["euclidean"] == pytest.approx(1, abs=1e-4) and bars["cosine"] < 0.95
    assert took < 1.0


def test_the_study_is_the_one_of_the_room(explorer):
    (study,) = until_done(study_steps("digits", ENCODERS, limit=600))
    names = [str(name) for name in explorer.study.results[0]["encoder"].values]
    assert names == list(study.latents.names) == list(ENCODERS)
    for mine, theirs in zip(explorer.study.latents.test[0], study.latents.test[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_unequal_widths_have_no_common_plane_but_a_matrix():
    explorer = StitchExplorer(encoders=("minivgg", "miniresnet"), anchors=16, limit=40)
    explorer.search()
    explorer.wait(120)
    explorer.panel = "Points"
    assert "cannot be drawn in one plane" in explorer._panels._said.value
    assert seen(explorer) == []
    explorer.panel = "Matrix"
    assert seen(explorer) == ["Matrix"]
    explorer.close()


def test_bad_input_is_told_and_stop_stops():
    explorer = StitchExplorer(data="nowhere", encoders=("minivgg", "miniresnet"))
    job = explorer.search()
    explorer.wait(30)
    assert job.state is State.FAILED and "nowhere" in explorer.message
    explorer._similarities.value = []
    assert explorer.search() is None
    assert "similarities is empty" in explorer.message
    explorer.close()
    one = StitchExplorer(encoders=("mlp",))
    one.search()
    one.wait(30)
    assert "at least two are needed" in one.message
    one.close()
    slow = StitchExplorer(encoders=ENCODERS, seeds=20)
    job = slow.search()
    while job.count < 2:
        assert not job.wait(0.01)
    slow.stop()
    assert job.wait(20) and job.state is State.CANCELLED
    slow._show_progress()
    assert slow.message == "Stopped."
    slow.close()
