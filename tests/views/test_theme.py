"""One look: readable sizes, enough contrast, and no remote parts."""

import subprocess
import sys

import pytest

from invis.views.theme import CONFIG, DARK, LIGHT, SIZE, axis_end, palette, rgb, template


def luminance(colour):
    parts = [c / 255 for c in rgb(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    """WCAG 2.1's contrast ratio."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_text_and_marks_stand_out(colours):
    for text in (colours.ink, colours.muted, colours.warn):
        assert contrast(text, colours.paper) >= 4.5
    for mark in (*colours.series, colours.index, colours.spread, colours.null):
        assert contrast(mark, colours.paper) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
def test_a_template_is_large_enough_and_asks_for_nothing(dark):
    made = template(dark)
    assert made.layout.paper_bgcolor == palette(dark).paper
    assert min(made.layout.font.size, made.layout.xaxis.tickfont.size, SIZE) >= 14
    assert made.layout.title.font.size > made.layout.font.size
    assert "http" not in str(made.to_plotly_json())
    assert CONFIG["displaylogo"] is False and CONFIG["displayModeBar"] is False


def test_an_axis_ends_beyond_every_value():
    assert axis_end([]) == 2 and axis_end([float("nan"), 0.5]) == 2
    assert axis_end([1.95]) == 2.5 and axis_end([2.4]) == 2.5 and axis_end([2.41]) == 3
    assert axis_end([0.3], 1.5) == 1.5


def test_the_gallery_css_has_the_same_colours():
    from importlib.resources import files

    css = files("invis.views").joinpath("gallery.css").read_text(encoding="utf-8")
    for colours in (LIGHT, DARK):
        for name in ("ink", "muted", "line", "shade", "null", "index", "spread", "warn"):
            assert f"--{name}: {getattr(colours, name)};" in css
        assert f"--bg: {colours.paper};" in css


def test_figures_need_no_torch():
    code = "import sys, invis.views.thumbnails_figure, invis.views.set_figure; sys.exit('torch' in sys.modules)"  # noqa: E501
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
