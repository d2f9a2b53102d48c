"""How fast an atlas of many units opens, and how fast a page of thumbnails is read.

    python benchmarks/atlas_store.py [--units 5000]

The units are synthetic, 8 images of 24 x 24 pixels each; a new process opens the store.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile

import numpy as np

from invis import load_model, search
from invis.atlas import Atlas
from invis.atlas.layer import AtlasLayer

LAYERS, PAGE, SIDE = 10, 64, 24
OPEN = """
import json, random, sys, time
from invis.atlas import Atlas
began = time.perf_counter()
atlas = Atlas(sys.argv[1])
layers = atlas.layers()
opened = time.perf_counter()
count = sum(len(layer.done()) for layer in layers)
counted = time.perf_counter()
pages = []
for layer in layers:
    channels = random.sample(sorted(layer.done()), int(sys.argv[2]))
    start = time.perf_counter()
    layer.thumbnails(channels)
    pages.append(time.perf_counter() - start)
start = time.perf_counter()
rows = len(atlas.table())
print(json.dumps({
    "units": count,
    "open_seconds": opened - began,
    "open_and_count_seconds": counted - began,
    "page_seconds_worst": max(pages),
    "page_seconds_median": sorted(pages)[len(pages) // 2],
    "table_seconds": time.perf_counter() - start,
    "rows": rows,
}))
"""


def fill(store: str, units: int) -> None:
    """Real results of one unit, with other pixels and another number for each."""
    load_model("minivgg")
    (ds,) = search("minivgg/conv2_1/0", device="cpu")
    random = np.random.default_rng(0)
    atlas = Atlas(store, mode="a")
    each = units // LAYERS
    for number in range(LAYERS):
        attrs = {
            "model": "synthetic",
            "weights": "none:0",
            "weights_hash": "0" * 12,
            "layer": f"conv{number}",
            "channels": each,
            "settings": {"images": 8},
        }
        path = f"synthetic@{'0' * 12}/conv{number}/00000000"
        layer: AtlasLayer = atlas.create(path, attrs, (9, SIDE, SIDE, 3))
        for channel in range(each):
            pixels = random.integers(100, 156, (9, SIDE, SIDE, 3), dtype=np.uint8)
            one = ds.drop_vars(["images", "reference_image"]).assign(
                images=(("image", "row", "column", "colour"), pixels[1:]),
                reference_image=(("row", "column", "colour"), pixels[0]),
            )
            one.attrs = ds.attrs | {"channel": str(channel), "layer": f"conv{number}"}
            layer.write(one)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--units", type=int, default=5000)
    units = parser.parse_args().units
    with tempfile.TemporaryDirectory() as folder:
        fill(f"{folder}/atlas", units)
        run = [sys.executable, "-c", OPEN, f"{folder}/atlas", str(PAGE)]
        found = json.loads(subprocess.run(run, capture_output=True, check=True).stdout)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
