"""Draw the same units' sets in both metrics: docs/metric_units.webp and docs/metric_truth.webp.

    python docs/metric_figure.py

Each row is a unit, on the left in the metric of pixels, on the right in that of natural images: the
reference, then the set, smoothly enlarged and at its true contrast. Prints the index of every set.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from invis.models.truth import unit_names
from invis.search import search

UNITS = {
    "metric_units": [
        "minivgg/conv2_2/3", "minivgg/conv2_2/31", "minivgg/conv3_1/1", "minivgg/conv3_1/4",
        "minivgg/conv3_1/6", "minivgg/conv3_1/7", "miniresnet/layer2.0.conv2/1",
        "miniresnet/layer3.0.conv2/4",
    ],
    "metric_truth": [f"truth/{name}/0" for name in unit_names()],
}  # fmt: skip
METRICS = {"pixels": "In the metric of pixels", "natural": "In the metric of natural images"}
IMAGES, SIDE, GAP, LEFT, TOP, ROW = 6, 88, 6, 24, 56, 118
INK, SOFT = "#17181a", "#5d6068"


def strip(unit: str, metric: str) -> tuple[Image.Image, float]:
    """Reference and set as a row of tiles, and the set's index."""
    (ds,) = search(unit, images=IMAGES, metric=metric)
    images = np.concatenate([ds.reference_image.values[None], ds.images.values])
    row = Image.new("RGB", ((IMAGES + 1) * (SIDE + GAP) + GAP, SIDE), "white")
    for k, pixels in enumerate(images):
        tile = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        row.paste(tile, (k * (SIDE + GAP) + (GAP if k else 0), 0))
    return row, float(ds.attrs["index"])


def draw(name: str) -> Image.Image:
    """One page of units."""
    text, small = (ImageFont.load_default(size) for size in (17, 13))
    width = (IMAGES + 1) * (SIDE + GAP) + GAP
    units = UNITS[name]
    page = Image.new("RGB", (2 * LEFT + 2 * width + 40, TOP + len(units) * ROW), "white")
    pen = ImageDraw.Draw(page)
    for column, (metric, title) in enumerate(METRICS.items()):
        x = LEFT + column * (width + 40)
        pen.text((x, 16), title, INK, text)
        for row, unit in enumerate(units):
            y = TOP + row * ROW
            tiles, index = strip(unit, metric)
            page.paste(tiles, (x, y))
            shown = unit.removeprefix("truth/").removesuffix("/0") if "truth" in unit else unit
            label = f"{shown.replace('_', ' ') if 'truth' in unit else shown}: index {index:.2f}"
            pen.text((x, y + SIDE + 3), label, SOFT, small)
            print(f"{unit:28s} {metric:8s} index {index:.3f}")
    return page


def main() -> None:
    for name in UNITS:
        draw(name).save(Path(__file__).with_name(f"{name}.webp"), quality=85, method=6)


if __name__ == "__main__":
    main()
