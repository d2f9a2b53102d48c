"""Images of 2, 4 and 5 channels: the first are shown, and the page says which."""

import re

import numpy as np
import pytest

from invis.views.base.images import visible
from invis.views.search.gallery import gallery_html
from invis.views.search.png import set_png
from invis.views.search.set_figure import set_figure
from tests.synthetic import complex_cell_result

SAID = {
    2: "Both channels are shown, as red and cyan.",
    4: "Channels 0, 1 and 2 of 4 are shown, as red, green and blue.",
    5: "Channels 0, 1 and 2 of 5 are shown, as red, green and blue.",
}


def result(channels: int):
    ds = complex_cell_result(size=12, images=3)
    picked = [k % 3 for k in range(channels)]
    ds = ds.isel(colour=picked)
    ds.attrs["grey"] = [float(ds.attrs["grey"][k]) for k in picked]
    return ds


@pytest.mark.parametrize("channels", SAID)
def test_the_first_channels_are_shown_and_named(channels: int) -> None:
    ds = result(channels)
    shown = visible(ds)
    assert shown.sizes["colour"] == 3 and len(shown.attrs["grey"]) == 3
    np.testing.assert_array_equal(shown["images"][..., :2], ds["images"][..., :2])
    page = gallery_html([ds])
    assert SAID[channels] in re.sub(r"\s+", " ", page)
    assert set_png(ds)[:4] == b"\x89PNG"
    assert set_figure(ds).data


@pytest.mark.parametrize("channels", [1, 3])
def test_one_and_three_stay_as_they_are(channels: int) -> None:
    ds = result(channels)
    assert visible(ds) is ds
