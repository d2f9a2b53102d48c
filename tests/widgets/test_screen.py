"""What the page tells about itself, and that explorers follow its scheme."""

import pytest

from invis.trajectory import ArraySource, simulate
from invis.views.base.theme import DARK, LIGHT
from invis.widgets import LayerExplorer, SearchExplorer, TrajectoryExplorer
from invis.widgets.screen import Screen


def papers(figures):
    return {figure.layout.template.layout.paper_bgcolor for figure in figures}


def test_it_hears_width_and_scheme():
    screen = Screen(None)
    assert (screen.pixels, screen.dark) == (0, False)
    for said, heard in {
        "900 dark": (900, True),
        "1240 light": (1240, False),
        "640 dark": (640, True),
        "": (640, True),
        "dark": (640, True),
        "800": (640, True),
        "-5 light": (640, True),
        "800 pink": (640, True),
    }.items():
        screen._field.value = said
        assert (screen.pixels, screen.dark) == heard


@pytest.mark.parametrize("dark", [True, False])
def test_who_was_told_does_not_follow_the_page(dark):
    screen = Screen(dark)
    for scheme in ("dark", "light"):
        screen._field.value = f"900 {scheme}"
        assert (screen.pixels, screen.dark) == (900, dark)


def test_a_search_follows_the_page_until_someone_chooses():
    explorer = SearchExplorer("truth/simple_cell/0")
    field = explorer.stage.screen._field
    figures = [explorer.stage.images, explorer.stage.course]
    field.value = "900 dark"
    assert explorer.dark and explorer._dark.value and papers(figures) == {DARK.paper}
    explorer._dark.value = False
    field.value = "800 dark"  # a narrower window is no change of scheme
    assert not explorer.dark and papers(figures) == {LIGHT.paper}
    field.value = "800 light"
    field.value = "800 dark"
    assert explorer.dark and papers(figures) == {DARK.paper}
    explorer.close()


def test_a_layer_and_a_trajectory_follow_the_page():
    layer = LayerExplorer("truth/simple_cell", units=1, images=2)
    layer.search()
    layer.wait(60)
    run = TrajectoryExplorer(ArraySource(simulate(30, 400, seed=0)))
    run.wait(60)
    for scheme, colours in (("dark", DARK), ("light", LIGHT)):
        layer._screen._field.value = run._panels._screen._field.value = f"1000 {scheme}"
        assert papers([layer._grid, *run._panels.figures.values()]) == {colours.paper}
        bars = run._panels.figures["spectrum"].data
        assert any(colours.index in str(trace.to_plotly_json()) for trace in bars)
    layer.close()
    run.close()
