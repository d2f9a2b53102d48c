"""Pictures of trajectories: what is drawn is what was computed, and the null is in every one."""

import json
import re

import numpy as np
import pytest
import torch
from plotly.offline import get_plotlyjs
from torch import nn

from invis.errors import InvisError
from invis.trajectory import ArraySource, Layout, compare, gram, nulls, pca, simulate
from invis.trajectory.landscape import landscape_steps
from invis.trajectory.matching import matched
from invis.trajectory.searches import FollowedSearch
from invis.views.trajectory.animation import animation_figure
from invis.views.trajectory.distance import distance_figure
from invis.views.trajectory.figures import trajectory_figures, trajectory_html
from invis.views.trajectory.landscape import landscape_figure
from invis.views.trajectory.projections import projections_figure, space_figure
from invis.views.trajectory.search_paths import search_paths_figure
from invis.views.trajectory.spectrum import spectrum_figure


@pytest.fixture(scope="module")
def observed():
    steps = np.arange(0, 300, 5)
    x = simulate(300, 1500, mu=0.1, seed=2)[steps]
    found = pca(gram(ArraySource(x, steps)))
    return found, compare(found)


def named(figure, text):
    (trace,) = [t for t in figure.data if text in (t.name or "")]
    return trace


def test_spectrum_shows_observed_walk_and_nearest_null(observed):
    found, comparison = observed
    figure = spectrum_figure(found, comparison)
    count = len(named(figure, "observed").y)
    np.testing.assert_allclose(named(figure, "observed").y, found.ratios[:count])
    walk = named(figure, "random walk at these steps")
    np.testing.assert_allclose(walk.y, nulls.walk(found.steps).ratios[:count])
    np.testing.assert_allclose(named(figure, "6/(π²k²)").y[:2], [0.6079, 0.1520], atol=1e-4)
    drift = named(figure, "walk with drift (μ = 0.")
    np.testing.assert_allclose(drift.y, comparison.fits["drift"].null.ratios[:count])
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert comparison.reason in figure.layout.title.subtitle.text


def test_projections_show_every_pair_once(observed):
    found, comparison = observed
    figure = projections_figure(found, comparison.fits["walk"].null, components=4)
    points = [t for t in figure.data if t.name == "observed"]
    assert len(points) == 6
    pairs = set()
    for trace in points:
        i, j = (
            next(k for k in range(4) if np.array_equal(values, found.scores[:, k]))
            for values in (trace.x, trace.y)
        )
        pairs.add((i, j))
        assert trace.customdata.tolist() == found.steps.tolist()
    assert pairs == {(i, j) for j in range(4) for i in range(j)}
    assert sum("Lissajous" in t.name for t in figure.data) == 6


def test_a_walk_follows_its_lissajous_curve():
    """A pure walk draws the loops of the null: that is the lesson."""
    found = pca(gram(ArraySource(simulate(300, 20_000, seed=1, dtype=np.float32))))
    laid = matched(found, nulls.walk(found.steps))
    assert (laid.likeness[:4] > 0.98).all()
    off = np.linalg.norm(laid.curves[:, :2] - found.scores[:, :2])
    assert off < 0.12 * np.linalg.norm(found.scores[:, :2])
    np.testing.assert_allclose(laid.distance.mean(), found.distance_from_plane().mean(), rtol=0.05)


def test_space_shows_three_components(observed):
    found, comparison = observed
    figure = space_figure(found, comparison.fits["walk"].null)
    trace = named(figure, "observed")
    np.testing.assert_allclose(np.array([trace.x, trace.y, trace.z]).T, found.scores[:, :3])
    assert len(named(figure, "random walk").x) == len(found.steps)


def test_motion_reaches_every_checkpoint(observed):
    found, comparison = observed
    figure = animation_figure(found, comparison.fits["walk"].null, (1, 2))
    assert [frame.name for frame in figure.frames] == [str(step) for step in found.steps]
    assert [step.args[0][0] for step in figure.layout.sliders[0].steps] == [
        frame.name for frame in figure.frames
    ]
    for t in (0, 7, 59):
        past, now, _, walk_now = figure.frames[t].data
        np.testing.assert_array_equal(past.y, found.scores[: t + 1, 2])
        np.testing.assert_array_equal([now.x[0], now.y[0]], found.scores[t, 1:3])
        assert len(walk_now.x) == 1
    with pytest.raises(InvisError, match="don't exist"):
        animation_figure(found, comparison.fits["walk"].null, (0, 99))


def test_distance_is_relative_to_the_size_of_the_trajectory(observed):
    found, comparison = observed
    trace = named(distance_figure(found, comparison.fits["walk"].null), "observed")
    left = np.sum(np.square(trace.y)) / len(found.steps)
    assert left == pytest.approx(1 - found.ratios[:2].sum())


def test_page_holds_everything_and_loads_nothing(observed):
    page = trajectory_html(*observed, title="</script><b>run")
    assert "</script><b>" not in page
    own = page.replace(get_plotlyjs(), "")
    assert len(own) < len(page) / 2
    assert not re.search(r"(src|href)=|https?://|@import", own)
    line = next(line for line in page.splitlines() if line.startswith("const figures = "))
    both = json.loads(line.removeprefix("const figures = ").rstrip(";"))
    assert [len(one) for one in both] == [5, 5]
    colours = [one[0]["layout"]["template"]["layout"]["paper_bgcolor"] for one in both]
    assert colours[0] != colours[1]


def test_steps_on_log_scale_keep_step_zero():
    steps = np.array([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
    x = simulate(512, 500, seed=0)[steps]
    found = pca(gram(ArraySource(x, steps)))
    figure = distance_figure(found, nulls.walk(steps))
    trace = named(figure, "observed")
    assert figure.layout.xaxis.type == "log"
    assert trace.customdata.tolist() == steps.tolist()
    assert min(trace.x) == 1


def test_short_trajectories_show_what_they_can():
    found = pca(gram(ArraySource(simulate(1, 50, seed=0))))
    assert len(found.eigenvalues) == 1
    comparison = compare(found)
    assert len(trajectory_figures(found, comparison)) == 1
    with pytest.raises(InvisError, match="1 components"):
        projections_figure(found, nulls.walk(found.steps))
    three = pca(gram(ArraySource(simulate(2, 50, seed=0))))
    assert len(trajectory_figures(three, compare(three))) == 3


def test_landscape_shows_what_is_known_and_how_far_to_trust_it():
    torch.manual_seed(0)
    net = nn.Linear(40, 30, bias=False)
    x = simulate(20, 1200, seed=0)
    source = ArraySource(x, layout=Layout(("weight",), ((30, 40),)))
    found = pca(gram(source))

    def squared_norm(net):
        return net.weight.square().sum().item()

    steps = landscape_steps(source, found, net, squared_norm, size=9)
    snapshots = list(steps)
    walk = matched(found, nulls.walk(found.steps)).curves[:, :2]
    figure = landscape_figure(snapshots[-1], walk, dark=True)
    assert figure.layout.title.text == "The squared norm around the path"
    (contour,) = [t for t in figure.data if t.type == "contour"]
    np.testing.assert_allclose(np.array(contour.z, dtype=float), snapshots[-1].values)
    np.testing.assert_allclose(named(figure, "path").y, found.scores[:, 1])
    np.testing.assert_allclose(named(figure, "random walk").x, walk[:, 0])
    assert "differs from the checkpoints’ own" in figure.layout.title.subtitle.text
    half = landscape_figure(snapshots[14])
    assert sum(v is not None for row in half.data[0].z for v in row) == 3
    assert half.to_json()


def test_paths_of_a_search_carry_their_images_and_their_null():
    """Phases of a complex cell lie on a circle: two equal components, on images far apart."""
    search = FollowedSearch("truth/complex_cell/0", {"images": 4, "seed": 0})
    list(search)
    (paths,) = search.paths()
    scores, ratios = paths.plane()
    assert ratios[1] > 0.8 * ratios[0]
    figure = search_paths_figure(paths, thumbnails=3)
    assert len(figure.data) == 4
    np.testing.assert_allclose(figure.data[2].x, scores[:, 2, 0])
    assert len(figure.layout.images) == 12
    assert "random walks of equal contrast" in figure.layout.title.subtitle.text
    assert figure.to_json()
    with pytest.raises(InvisError, match="single dimension"):
        search_paths_figure(paths, "layer")
    assert not search_paths_figure(paths, thumbnails=0, dark=True).layout.images


@pytest.mark.browser
def test_page_draws_in_a_browser_asks_for_nothing_and_plays(observed, browser, tmp_path):
    (tmp_path / "page.html").write_text(trajectory_html(*observed, title="a run"))
    context = browser.new_context(viewport={"width": 900, "height": 900}, color_scheme="dark")
    try:
        page, noise = context.new_page(), []
        page.on(
            "request", lambda r: noise.append(r.url) if r.url[:5] not in ("data:", "file:") else 0
        )
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_selector(".slider-container")
        assert page.locator(".plot-container").count() == 5
        page.get_by_text("▶").click()
        # The scrubber stood at the end; the film begins at the first checkpoint.
        page.wait_for_function(
            "document.querySelectorAll('.js-plotly-plot')[2].layout.sliders[0].active < 50"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= 900
        page.emulate_media(color_scheme="light")
        page.wait_for_function(
            "getComputedStyle(document.querySelector('.main-svg')).backgroundColor"
            " === 'rgb(251, 251, 248)'"
        )
        assert noise == []
    finally:
        context.close()
