"""One look: readable sizes, enough contrast, and no remote parts."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invis.views.base.theme import (
    CONFIG,
    DARK,
    LIGHT,
    SIZE,
    axis_end,
    mixed,
    palette,
    rgb,
    template,
    text_on,
)

# What dichromats see of linear sRGB: Machado, Oliveira & Fernandes 2009, severity 1.
VISION = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
# Linear sRGB to CIE XYZ, white D65.
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(colour):
    parts = np.array(rgb(colour)) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour))


def lab(colour, vision="full"):
    """CIE L*a*b* of a colour as some eyes see it."""
    seen = XYZ @ np.clip(VISION[vision] @ linear(colour), 0, 1) / (XYZ @ np.ones(3))
    x, y, z = np.where(seen > (6 / 29) ** 3, np.cbrt(seen), seen / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


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


@given(st.integers(0, 0xFFFFFF))
def test_text_stands_out_on_any_colour(number):
    ground = f"#{number:06x}"
    assert contrast(text_on(ground), ground) >= 4.5
    assert contrast(text_on(ground), ground) >= contrast("#ffffff", ground) - 1e-9
    assert contrast(text_on(ground), ground) >= contrast("#000000", ground) - 1e-9


def test_colours_mix_from_the_first_to_the_second():
    assert (
        mixed("#0a0b0c", "#ffffff", 0) == "#0a0b0c" and mixed("#0a0b0c", "#ff00ff", 1) == "#ff00ff"
    )
    assert mixed("#000000", "#64c8ff", 0.5) == "#326480"


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_colour_blind_eyes_tell_series_apart(colours, vision):
    for a, b in (*combinations(colours.series, 2), (colours.index, colours.spread)):
        assert np.linalg.norm(lab(a, vision) - lab(b, vision)) >= 14, (a, b)


def test_the_simulation_knows_colours_that_are_confused():
    assert lab("#ffffff") == pytest.approx([100, 0, 0], abs=0.01)
    for vision in ("protanopia", "deuteranopia"):
        assert lab("#808080", vision) == pytest.approx(lab("#808080"), abs=0.1)
    olive, brown = "#8a6d00", "#b84a00"
    assert np.linalg.norm(lab(olive) - lab(brown)) > 30
    assert np.linalg.norm(lab(olive, "deuteranopia") - lab(brown, "deuteranopia")) < 5


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

    css = files("invis.views.base").joinpath("gallery.css").read_text(encoding="utf-8")
    for colours in (LIGHT, DARK):
        for name in ("ink", "muted", "line", "shade", "null", "index", "spread", "warn"):
            assert f"--{name}: {getattr(colours, name)};" in css
        assert f"--bg: {colours.paper};" in css


def test_figures_need_no_torch():
    code = "import sys, invis.views.atlas.thumbnails_figure, invis.views.search.set_figure; sys.exit('torch' in sys.modules)"  # noqa: E501
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
