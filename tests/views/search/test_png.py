"""set.png holds the reference and the set, enlarged by a whole factor."""

import io

import numpy as np
import pytest
from PIL import Image

from invis.views.base.images import enlarged, grey_of, stretch_factor, stretched, zoom
from invis.views.search.png import TILE, set_png
from tests.synthetic import complex_cell_result


def picture(ds) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(set_png(ds))))


def find(canvas: np.ndarray, patch: np.ndarray) -> list[tuple[int, int]]:
    """Where `patch` occurs in `canvas`, exactly."""
    height, width = patch.shape[:2]
    rows, cols = np.nonzero((canvas == patch[0, 0]).all(-1))
    return [
        (r, c)
        for r, c in zip(rows.tolist(), cols.tolist(), strict=True)
        if canvas[r : r + height, c : c + width].shape == patch.shape
        and (canvas[r : r + height, c : c + width] == patch).all()
    ]


@pytest.mark.parametrize(("size", "images"), [(24, 8), (5, 2), (40, 11)])
def test_every_image_is_there_in_order(size, images):
    ds = complex_cell_result(size=size, images=images)
    canvas, factor, scale = picture(ds), stretch_factor([ds]), zoom(size, TILE)
    places = []
    for image in [ds["reference_image"].values, *ds["images"].values]:
        shown = enlarged(stretched(image, grey_of(ds), factor), scale)
        (place,) = find(canvas, shown)
        places.append(place)
    assert places == sorted(places)


def test_dead_and_one_colour_results_are_drawn():
    ds = complex_cell_result(dead=True, index=float("nan")).isel(colour=[0])
    ds["fraction"].values[:] = np.nan
    assert picture(ds.assign_attrs(grey=128.0)).ndim == 3


def test_is_pure():
    assert set_png(complex_cell_result()) == set_png(complex_cell_result())
