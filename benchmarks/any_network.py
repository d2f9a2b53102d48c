"""Search one unit in the middle of every network of torchvision, untrained, at its own size.

    python benchmarks/any_network.py [--models vit_b_16,swin_t] [--layer NAME] [--images 8]

Prints a table: the layer, its window, whether a cone or a canvas was used, seconds to find the unit
and to search it, index, and by how much the search's values differ from the full model's.
"""

from __future__ import annotations

import argparse
import time

import harness  # noqa: F401 (before torch)
from torchvision import models

from invis.models.layers import layers
from invis.models.unit import units_of
from invis.models.zoo import load_model
from invis.search import search

NAMES = models.list_models(module=models)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", default=",".join(NAMES))
    parser.add_argument("--layer", help="instead of the one in the middle")
    parser.add_argument("--images", type=int, default=8)
    asked = parser.parse_args()
    print("model  layer  px  window  way  unit s  search s  index  error")
    for name in asked.models.split(","):
        model = load_model(name, "none")
        table = layers(model)
        layer = asked.layer or table[len(table) // 2].layer
        began = time.perf_counter()
        units = units_of(model, layer, 0)
        found = time.perf_counter()
        (ds,) = search(units, images=asked.images)
        ended = time.perf_counter()
        top, left, bottom, right = units.cone.window
        print(
            f"{name}  {layer}  {model.input_size[0]}  {bottom - top} x {right - left}  "
            f"{ds.attrs['way']}  {found - began:.1f}  {ended - found:.1f}  "
            f"{ds.attrs['index']:.2f}  {ds.attrs['full_model_error']:.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
