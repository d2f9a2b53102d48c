"""The pages without a browser: parameters in, pictures and text out."""

import html
import json
import re
import shutil
import sys
from urllib.parse import quote, urlencode

import numpy as np
import panel as pn
import plotly.graph_objects as go
import pytest
from PIL import Image

from invis import data_path, load, search
from invis.atlas.annotate import sentence_of
from invis.dashboard.address import Address
from invis.dashboard.atlas import ALL, ON_A_PAGE, AtlasPage
from invis.dashboard.journal import event
from invis.dashboard.page import possible
from invis.dashboard.search import SearchPage
from invis.dashboard.start import StartPage
from invis.dashboard.stitching import StitchingPage
from invis.dashboard.store import FIGURES, Store
from invis.dashboard.trajectories import TrajectoriesPage, recordings
from invis.dashboard.unit import UnitView
from invis.errors import InvisError
from invis.files.saved import to_bytes
from invis.jobs import State
from invis.trajectory import Recorder
from tests.dashboard.conftest import ODD

PAGES = {
    "atlas": lambda store: AtlasPage(store),
    "live": lambda store: SearchPage(),
    "trajectories": lambda store: TrajectoriesPage(),
    "stitching": lambda store: StitchingPage(),
}


def text_of(view):
    """All text of a view."""
    return " ".join(str(getattr(part, "object", "")) for part in view.select())


def put(page, **values):
    """Set parameters one after the other: what a layer can be depends on the model."""
    for name, value in values.items():
        setattr(page, name, value)


@pytest.fixture
def atlas(store):
    page = AtlasPage(store)
    page.view()
    yield page
    page.close()


class TestAtlas:
    def test_it_opens_with_the_layers_of_a_network_over_their_null(self, atlas, store):
        figure = atlas._overview.panes[0].object
        dots = [trace for trace in figure.data if trace.mode == "markers"]
        assert sum(len(trace.x) for trace in dots) == sum(
            row["index"] == row["index"] for row in store.overview(atlas.model)
        )
        assert {trace.name for trace in dots} == {"trained", "untrained, seed 0"}

    def test_two_networks_stand_side_by_side_on_equal_axes(self, atlas):
        put(atlas, model="minivgg", beside="miniresnet")
        first, second = atlas._overview.panes
        assert first.visible and second.visible
        assert first.object.layout.xaxis.range == second.object.layout.xaxis.range
        names = [pane.object.layout.yaxis.ticktext[0].partition("<")[0] for pane in (first, second)]
        assert names == ["conv1_1", "conv1"]
        second.click_data = {"points": [{"customdata": "layer1.0|trained|3"}]}
        assert (atlas.model, atlas.layer, atlas.unit) == ("miniresnet", "layer1.0", 3)
        assert atlas.beside == "no other"
        put(atlas, model="minivgg")
        assert first.visible and not second.visible

    def test_what_is_read_before_the_scripts_are_there(self, atlas, store):
        put(atlas, model="minivgg")
        html = atlas.first()
        layers = store.layers("minivgg")
        assert html.count("<dt>") == 2 * len(layers)
        conv1_1 = sorted(
            row["index"]
            for row in store.overview("minivgg")
            if (row["layer"], row["group"]) == ("conv1_1", "trained") and not row["dead"]
        )
        assert f"</span>{np.median(conv1_1):.2f}</dd>" in html
        put(atlas, layer="conv2_2", unit=31)
        assert atlas.first() == "<h1>minivgg, conv2_2, unit 31</h1>"

    def test_a_layer_shows_its_units_in_order_page_by_page(self, atlas):
        put(atlas, model="minivgg", layer="conv3_1")
        rows = atlas.rows()
        indices = [row["index"] for row in rows]
        assert len(rows) == 96 and indices == sorted(indices, reverse=True)
        assert atlas._grid.content.count("data-channel=") == ON_A_PAGE
        atlas.page = 3
        assert f'data-channel="{rows[3 * ON_A_PAGE]["channel"]}"' in atlas._grid.content
        atlas.sort = "channel"
        assert atlas.page == 0 and [row["channel"] for row in atlas.rows()] == list(range(96))

    def test_filters_by_name_and_phrase(self, atlas):
        put(atlas, model="minivgg", layer="conv2_2")
        everyone = len(atlas.rows())
        for name, said in (("blur", "blur by"), ("shift", "shift by")):
            atlas.named = name
            named = [sentence_of(row).partition(":")[0] for row in atlas.rows()]
            assert 0 < len(named) < everyone
            assert all(said in one for one in named)
        atlas.named = "scale"
        assert atlas._fits({"explain_sentence": "ignores size from 0.8 to 1.3 times: 20 %"})
        assert not atlas._fits({"explain_sentence": "ignores shift by up to 3 px: 20 %"})
        put(atlas, named="any", phrase="COLOUR OF PARTS")
        assert 0 < len(atlas.rows()) < everyone
        assert all("colour of parts" in sentence_of(row) for row in atlas.rows())
        atlas.phrase = "no such phrase"
        assert atlas.rows() == [] and atlas._grid.content == ""

    def test_a_click_on_a_card_or_a_dot_opens_the_unit(self, atlas):
        put(atlas, model="minivgg", layer="conv2_2")
        atlas._grid.param.update(clicked=31, clicks=1)
        assert atlas.unit == 31
        (row,) = (row for row in atlas.rows() if row["channel"] == 31)
        assert row["explain_sentence"].startswith("ignores ")
        shown = text_of(atlas._open.view)
        assert html.escape(row["explain_sentence"]) in shown
        assert f"Kappa {row['profile_kappa']:.2f}" in shown
        atlas.unit = -1
        assert atlas._open is None
        place = "conv2_1|untrained, seed 0|7"
        atlas._overview.panes[0].click_data = {"points": [{"customdata": place}]}
        assert (atlas.layer, atlas.group, atlas.unit) == ("conv2_1", "untrained, seed 0", 7)

    def test_layers_are_compared_by_any_measure_that_their_units_have(self, atlas):
        put(atlas, model="minivgg", measure="kappa")
        assert "0 for a linear unit" in atlas._heading.object
        figure = atlas._overview.panes[0].object
        shown = {float(x) for trace in figure.data[1:2] for x in trace.x}
        rows = [row for row in atlas._store.overview("minivgg") if row["kappa"] is not None]
        assert shown and shown <= {row["kappa"] for row in rows}
        put(atlas, model="miniresnet")
        assert atlas.measure == "index"

    def test_another_network_has_its_own_layers(self, atlas):
        put(atlas, model="minivgg", layer="conv2_2", unit=3)
        atlas.model = "miniresnet"
        assert (atlas.layer, atlas.unit) == (ALL, -1)
        assert "layer1.0" in atlas.param.layer.objects

    def test_each_state_is_a_url(self, store):
        first, second = AtlasPage(store, dark=True), AtlasPage(store)
        put(first, model="minivgg", layer="conv2_2", group="untrained, seed 0")
        put(first, sort="channel", named="phase", phrase="half & half")
        first.unit = 5
        second.read_url(first.query())
        for name in AtlasPage.linked:
            assert getattr(second, name) == getattr(first, name), name
        assert "theme=dark" in first.query()

    def test_back_and_forward_lead_through_the_states(self, store):
        page, address = AtlasPage(store), Address()
        first = page.model
        page.view()
        page.follow(address, "?model=minivgg&layer=conv2_2")
        assert (page.model, page.layer) == ("minivgg", "conv2_2")
        seen = [address.search]
        page.unit = 31
        seen.append(address.search)
        page.model = "miniresnet"
        seen.append(address.search)
        assert len(set(seen)) == 3
        address.search = seen[1]
        assert (page.model, page.layer, page.unit) == ("minivgg", "conv2_2", 31)
        assert address.search == seen[1]
        address.search = seen[0]
        assert (page.layer, page.unit) == ("conv2_2", -1)
        address.search = ""
        assert (page.model, page.layer) == (first, ALL)
        address.search = seen[2]
        assert (page.model, page.unit) == ("miniresnet", -1)

    def test_one_median_for_all_who_tell_it(self, atlas, store):
        """Of an even number of units, half of which lie above it."""
        put(atlas, model="minivgg", layer="conv2_2")
        indices = [row["index"] for row in atlas.rows() if not row["dead"]]
        told = f"{np.median(indices):.2f}"
        assert f"median index {told}" in atlas._heading.object
        put(atlas, layer=ALL)
        assert re.search(rf"conv2_2, trained</dt>.*?</span>{told}</dd>", atlas.first())

    def test_a_damaged_layer_is_told(self, tmp_path):
        shutil.copytree(data_path("atlas"), tmp_path / "atlas")
        path = next((tmp_path / "atlas").glob("minivgg@9*/conv2_2/*/images")).parent
        (path / "zarr.json").unlink()
        page = AtlasPage(Store(str(tmp_path / "atlas")))
        assert "zarr.json is missing" in text_of(page.view())

    @pytest.mark.parametrize("note", ["[]", "3", '"text"', "null", '{"of": 1}', '{"value": [1]}'])
    def test_a_note_of_the_wrong_kind_is_no_note(self, tmp_path, note):
        shutil.copytree(data_path("atlas"), tmp_path / "atlas")
        layer = next((tmp_path / "atlas").glob("minivgg@9*/conv2_2/*/images")).parent
        right = json.loads((layer / "explain" / "3.json").read_text())
        if note.startswith("{"):
            note = json.dumps(right | json.loads(note))
        (layer / "explain" / "3.json").write_text(note)
        page = AtlasPage(Store(str(tmp_path / "atlas")))
        page.view()
        put(page, model="minivgg", layer="conv2_2")
        assert len(page.rows()) == 48
        page.unit = 3
        assert "Channel 3 of conv2_2" in text_of(page._body)

    def test_what_is_not_in_the_store_is_told(self, atlas):
        put(atlas, model="minivgg", layer="conv3_2")
        atlas.unit = 95
        assert "not finished" in text_of(atlas._body)
        atlas.unit = 999_999
        assert "not finished" in text_of(atlas._body)

    def test_a_damaged_unit_costs_itself_only(self, tmp_path):
        shutil.copytree(data_path("atlas"), tmp_path / "atlas")
        layer = next((tmp_path / "atlas").glob("minivgg@9*/conv2_2/*/images")).parent
        (layer / "images" / "c.3.0.0.0.0").write_bytes(b"nothing")
        (layer / "done" / "4.json").write_text("{")
        page = AtlasPage(Store(str(tmp_path / "atlas")))
        page.view()
        put(page, model="minivgg", layer="conv2_2", sort="channel")
        assert "its images are damaged" in page._grid.content
        assert len(page.rows()) == 47
        page.unit = 3
        assert "is damaged" in text_of(page._body)
        page.unit = 5
        assert "Channel 5 of conv2_2" in text_of(page._body)

    def test_an_empty_store_is_told(self, tmp_path):
        from invis.atlas import Atlas

        Atlas(tmp_path / "empty", mode="a")
        store = Store(str(tmp_path / "empty"))
        page = AtlasPage(store)
        assert "no finished unit yet" in text_of(page.view())
        assert "no layer yet" in text_of(StartPage(store).view())


class TestUnit:
    def test_probe_and_morph_are_computed_on_demand(self, store):
        layer = store.layer("minivgg", "conv2_2", "trained")
        view = UnitView(store.read(layer, 31), go.Figure(), None, live=True, dark=False)
        view._probes.run()
        assert view._probes.job.wait(60)
        view._probes.look()
        assert len(view._more["probes"]) == 3 and len(view._more["morph"]) == 0
        assert "phase-invariant grating" in view._probes._line.object
        view._morph.run()
        view.close()
        assert view._morph.job.wait(20)

    def test_without_live_nothing_is_computed(self, store):
        layer = store.layer("minivgg", "conv2_2", "trained")
        view = UnitView(store.read(layer, 31), go.Figure(), None, live=False, dark=True)
        assert view._jobs == []

    def test_exemplars_of_the_owners_pictures(self, store, tmp_path):
        noise = np.random.default_rng(0)
        for k in range(3):
            pixels = noise.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{k}.png")
        ds = store.read(store.layer("minivgg", "conv2_2", "trained"), 31)
        view = UnitView(ds, go.Figure(), None, live=True, dark=False, images=tmp_path)
        view._crops.run()
        assert view._crops.job.wait(60)
        view._crops.look()
        assert view._crops.job.state is State.DONE, view._crops.job.error
        assert len(view._more["exemplars"]) == 1
        closed = UnitView(ds, go.Figure(), None, live=True, dark=False)
        assert len(closed._jobs) == 3

    @pytest.mark.parametrize("band", [None, "1:2"])
    def test_the_code_repeats_the_search(self, band):
        (ds,) = search("minivgg@none:0/conv1_2/0", images=2, band=band, distance="conv1_1")
        text = text_of(pn.Column(*UnitView(ds, go.Figure(), None, live=False, dark=False)._files()))
        assert 'distance="conv1_1"' in text and "objective" not in text
        assert ("band=(1.0, 2.0)" in text) is (band is not None)

    def test_the_download_is_the_result(self, store, tmp_path):
        ds = store.read(store.layer("minivgg", "conv2_2", "trained"), 3)
        (tmp_path / "result.nc").write_bytes(to_bytes(ds))
        again = load(tmp_path / "result.nc")
        assert again["images"].equals(ds["images"])
        assert again.attrs["address"] == "minivgg/conv2_2/3"


class TestLive:
    def test_a_search_through_the_queue(self):
        page = SearchPage()
        page.view()
        put(page, model="truth", layer="complex_cell", images=3)
        page.search.run()
        assert page.search.job.wait(60)
        page.search.look()
        assert page.search.job.state is State.DONE
        assert "Index" in page.search._line.object
        assert len(page._pane) == 1

    @pytest.mark.parametrize("typed", [99999, -5, None])
    def test_a_number_that_is_none_is_told_and_put_back(self, typed):
        page = SearchPage()
        view = page.view()
        put(page, model="minivgg", layer="conv2_2")
        (field,) = [one for one in view.select() if getattr(one, "label", "") == "Unit"]
        field.value = 7
        assert page.channel == 7
        field.value = typed
        assert (page.channel, field.value) == (7, 7)
        assert "use 0 to 47" in text_of(view)
        field.value = 8
        assert page.channel == 8 and "use 0 to" not in text_of(view)
        page.layer = "conv1_1"
        page.channel = 3
        assert field.value == 3

    def test_a_visitor_who_leaves_frees_the_worker(self):
        first, second = SearchPage(), SearchPage()
        put(first, model="miniresnet", layer="layer3.0")
        put(second, model="miniresnet", layer="layer3.0")
        first.search.run()
        second.search.run()
        second.search.look()
        assert "before you" in second.search._line.object or second.search.job.position == 0
        for page in (second, first):
            page.close()
        assert first.search.job.wait(10) and second.search.job.wait(10)
        assert {first.search.job.state, second.search.job.state} == {State.CANCELLED}

    def test_the_limit_of_seconds(self):
        page = SearchPage()
        put(page, model="miniresnet", layer="layer3.0", images=12)
        page.search._limit = 0.3
        page.search.run()
        for _ in range(200):
            page.search.look()
            if page.search.job.wait(0.05):
                break
        assert page.search.job.state is State.CANCELLED

    def test_a_job_that_breaks_is_one_sentence_and_the_next_one_runs(self):
        page = SearchPage()
        put(page, model="truth", layer="simple_cell", images=2)

        def broken():
            raise MemoryError("no room")
            yield

        begin = page.search._begin
        page.search._begin = lambda: broken
        page.search.run()
        page.search.job.wait(10)
        page.search.look()
        assert page.search.job.state is State.FAILED
        assert "no room" in page.search._line.object
        page.search._begin = begin
        page.search.run()
        assert page.search.job.wait(60)
        assert page.search.job.state is State.DONE


class TestTrajectories:
    def test_a_run_that_ships_and_its_layers(self):
        page = TrajectoriesPage()
        page.view()
        assert page._work.job.wait(60)
        page._work.look()
        assert "conv2_2" in page.param.layer.objects
        assert len(page._figures) == 5
        page.layer = "conv2_2"
        assert page._work.job.wait(60)
        page._work.look()
        assert "20" not in page.run and "checkpoints" in page._work._line.object

    def test_a_url_names_a_layer_and_another_run_forgets_it(self):
        page = TrajectoriesPage()
        page.read_url("?run=miniresnet&layer=layer1.0.conv1")
        assert (page.run, page.layer) == ("miniresnet", "layer1.0.conv1")
        page.view()
        assert page._work.job.wait(60) and page._work.job.state is State.DONE
        page.run = "minivgg"
        assert page.layer == "whole network"
        assert page._work.job.wait(60) and page._work.job.state is State.DONE

    def test_without_live_only_kept_products_are_offered(self, tmp_path):
        shutil.copy(data_path("trajectories/minivgg.npz"), tmp_path / "kept.npz")
        (tmp_path / "run").mkdir()
        page = TrajectoriesPage(tmp_path, live=False)
        assert page.param.run.objects == ["minivgg", "miniresnet", "kept.npz"]
        assert not page._work.start.visible
        assert TrajectoriesPage(tmp_path).param.run.objects[2:] == ["kept.npz", "run"]

    def test_recordings_of_the_owner_are_names_only(self, tmp_path):
        import torch

        Recorder(torch.nn.Linear(3, 2), tmp_path / "run")
        (tmp_path / ".hidden").mkdir()
        assert list(recordings(tmp_path)) == ["run"]
        page = TrajectoriesPage(tmp_path)
        page.read_url("?run=run")
        assert page.run == "run"
        page.read_url("?run=../run")
        assert page.run == "run"
        page._new_run()
        page._work.job.wait(10)
        page._work.look()
        assert "a trajectory has at least 2" in page._work._line.object


def test_the_first_page_has_three_pictures(store):
    view = StartPage(store).view()
    figures = [part for part in view.select() if type(part).__name__ == "Plotly"]
    assert len(figures) == 3


def test_stitching_shows_the_study_that_ships():
    page = StitchingPage()
    view = page.view()
    (figure,) = [part.object for part in view.select() if type(part).__name__ == "Plotly"]
    assert figure.data
    for panel in page.param.panel.objects:
        page.panel = panel
        assert len(page._figures) == 1 and page._figures[0].object.data


@pytest.mark.parametrize("name", PAGES)
def test_odd_urls_change_nothing_but_to_what_there_is(store, name):
    """Every parameter with every odd text: no error, and values stay among the known ones."""
    page = PAGES[name](store)
    tried = 0
    for parameter in [*page.linked, "name", "store", "unknown", "__init__", "theme"]:
        for odd in ODD:
            for query in (urlencode({parameter: odd}, errors="ignore"), f"{parameter}={odd}"):
                page.read_url(f"?{query}")
                tried += 1
            page.read_url(f"?{quote(odd, errors='ignore')}")
    for parameter in page.linked:
        value, kind = getattr(page, parameter), page.param[parameter]
        if hasattr(kind, "objects"):
            assert value in kind.objects
        elif isinstance(value, str):
            assert parameter == "phrase"
        else:
            assert isinstance(value, int) and kind.bounds[0] <= value <= kind.bounds[1]
    assert tried >= 200 and len(ODD) >= 90
    assert page.name.startswith(type(page).__name__)
    page.query()


def test_odd_phrases_find_nothing_and_break_nothing(store):
    page = AtlasPage(store)
    page.view()
    put(page, model="minivgg", layer="conv2_2")
    for odd in ODD:
        page.phrase = odd
        assert "<script>alert" not in page._grid.content
        assert all(odd[:60].strip().lower() in sentence_of(row).lower() for row in page.rows())


def test_possible_values():
    page = SearchPage()
    assert possible(page.param.images, "7") == 7
    assert possible(page.param.images, "99") is None
    assert possible(page.param.alpha, "0.9") == 0.9
    assert possible(page.param.alpha, "0.91") is None


def test_caches_are_bounded():
    store = Store(str(data_path("atlas")))
    for k in range(FIGURES + 1):
        assert store.figure((k,), lambda k=k: 2 * k) == 2 * k
    assert store.figure((1,), lambda: "made again") == 2
    assert store.figure((0,), lambda: "made again") == "made again"


def test_a_store_that_is_none(tmp_path):
    with pytest.raises(InvisError, match="does not exist"):
        Store(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("terminal", [True, False])
def test_the_log_speaks_to_who_reads_it(monkeypatch, caplog, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with caplog.at_level("INFO", "invis.dashboard"):
        event("visit", page="atlas", seconds=0.25)
        event("stop")
    visit, stop = caplog.messages
    if terminal:
        assert re.fullmatch(r"\d\d:\d\d:\d\d  visit  page atlas, seconds 0.25", visit)
        assert re.fullmatch(r"\d\d:\d\d:\d\d  stop", stop)
    else:
        assert json.loads(visit)["seconds"] == 0.25 and json.loads(stop)["event"] == "stop"
