"""The pictures of probes hold the probes' numbers."""

import numpy as np
import pytest

from invis.probe.probe import probe
from invis.views.probe.curves import (
    curves_figure,
    explained_figure,
    phase_figure,
    probe_figures,
    probe_html,
)


@pytest.fixture(scope="module")
def found():
    return probe("truth/complex_cell/0", device="cpu")


def test_bars_are_what_each_family_explains_and_the_claimed_one_stands_out(found):
    bars, marks, numbers = explained_figure(found).data
    shares = dict(zip(bars.y, bars.x, strict=True))
    assert shares == {n: c.explained for n, c in found.curves.items() if n != "contrast"}
    assert bars.y[-1] == "phase"
    colours = dict(zip(bars.y, bars.marker.color, strict=True))
    assert [name for name, colour in colours.items() if colour == colours["phase"]] == ["phase"]
    for name, x in zip(marks.y, marks.x, strict=True):
        assert x == pytest.approx(np.quantile(found.curves[name].explained_null, 0.95))
    assert (numbers.x >= np.maximum(bars.x, marks.x)).all(), "a number stands on a bar or a mark"


def test_panels_show_unit_set_and_null(found):
    figure = curves_figure(found)
    titles = [note.text for note in figure.layout.annotations]
    assert titles == [
        "phase", "translation", "rotation", "scale", "hue", "contrast", "blur", "deformation",
    ]  # fmt: skip
    by_name = {trace.name: trace for trace in figure.data[:5]}
    curve = found.curves["phase"]
    np.testing.assert_allclose(by_name["reference"].y[:-1], curve.response)
    np.testing.assert_allclose(by_name["linear unit"].y[:-1], curve.null)
    np.testing.assert_allclose(by_name["set, mean"].y[:-1], curve.set_response.mean(0))
    assert by_name["reference"].x[-1] == 360


def test_no_panel_cuts_a_curve_and_contrast_has_a_scale_of_its_own(found):
    figure = curves_figure(found)
    ranges = [axis.range for axis in figure.select_yaxes()]
    for name, (low, high) in zip(
        [note.text for note in figure.layout.annotations], ranges, strict=True
    ):
        curve = found.curves[name]
        assert low < min(curve.response.min(), curve.null.min())
        assert high > max(curve.response.max(), curve.null.max())
    assert len(set(ranges)) == 2


def test_the_phase_figure_closes_the_circle(found):
    (line,) = phase_figure(found).data
    assert line.y[0] == line.y[-1] == found.tuning.rates[0]
    assert "F1/F0 0.0" in phase_figure(found).layout.title.subtitle.text


def test_the_page_asks_for_nothing_and_holds_both_schemes(found):
    html = probe_html([found])
    assert "Probes of truth/complex_cell/0" in html
    assert 'src="http' not in html
    assert len(probe_figures(found)) == len(probe_figures(found, dark=True)) == 3
