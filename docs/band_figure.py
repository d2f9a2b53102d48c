"""Draw docs/band.png: sets of ground-truth units in several bands, in the metric of pixels.

    python docs/band_figure.py

Each row is a unit, each block a band in cycles a pixel: the reference, then the set, contrast
stretched 4 times around grey. Prints the index of every set.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from invis.models.truth import SIZE
from invis.search import search

UNITS = ("simple_cell", "complex_cell", "translation_cell", "hue_cell")
BANDS = {"0.25": 0.25 * SIZE, "0.35": 0.35 * SIZE, "0.5": 0.5 * SIZE, "no limit": None}
IMAGES, SIDE, STRETCH, GAP, LEFT = 4, 72, 4, 18, 150


def strip(unit: str, high: float | None) -> tuple[np.ndarray, float]:
    """Reference and set as one row of pixels, and the set's index."""
    (ds,) = search(f"truth/{unit}/0", images=IMAGES, band=(0.0, high), metric="pixels")
    images = np.concatenate([ds.reference_image.values[None], ds.images.values]).astype(float)
    grey = np.asarray(ds.attrs["grey"], dtype=float)
    shown = np.clip(grey + STRETCH * (images - grey), 0, 255).astype(np.uint8)
    tiles = [np.asarray(Image.fromarray(tile).resize((SIDE, SIDE), 0)) for tile in shown]
    return np.concatenate(tiles, axis=1), ds.attrs["index"]


def main() -> None:
    width = (IMAGES + 1) * SIDE
    page = Image.new(
        "RGB", (LEFT + len(BANDS) * (width + GAP), 40 + len(UNITS) * (SIDE + GAP)), "white"
    )
    draw = ImageDraw.Draw(page)
    for column, (name, high) in enumerate(BANDS.items()):
        x = LEFT + column * (width + GAP)
        unit_of = "" if high is None else " cycles a pixel"
        draw.text((x, 12), f"band 0 to {name}{unit_of}" if high else "no limit", "black")
        for row, unit in enumerate(UNITS):
            y = 40 + row * (SIDE + GAP)
            pixels, index = strip(unit, high)
            page.paste(Image.fromarray(pixels), (x, y))
            draw.text((x, y + SIDE + 2), f"reference | set, index {index:.2f}", "black")
            draw.text((8, y + SIDE // 2 - 6), unit.replace("_", " "), "black")
            print(f"{unit:18s} {name:9s} index {index:.3f}")
    page.save(Path(__file__).with_name("band.png"), optimize=True)


if __name__ == "__main__":
    main()
