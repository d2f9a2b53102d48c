"""Index, spread and quality of whole layers: what the README's and notes' tables are made of.

    python benchmarks/layer_table.py [vgg16] [--weights FILE] [--layers conv1_2,conv2_2,conv3_1]
        [--channels 0-31]

Searches the channels of each layer with the default settings and prints one row a layer: live
units, share of them with fraction_min >= 0.89, the smallest fraction_min, index (median, smallest,
largest), median spread, mean saturated share, largest full_model_error, share converged, seconds.
"""

from __future__ import annotations

import argparse
import math
import time
from statistics import mean, median
from typing import Any

from invis.models.unit import units_at
from invis.search import search

COLUMNS = (
    "layer     live  >=0.89  least  index  (smallest largest)  spread  saturated  error   "
    "converged  seconds"
)


def row(layer: str, found: list[dict[str, Any]], seconds: float) -> str:
    """One line of the table."""
    live = [attrs for attrs in found if not attrs["dead"]]
    index = [attrs["index"] for attrs in live if not math.isnan(attrs["index"])]
    spread = [attrs["spread"] for attrs in live if not math.isnan(attrs["spread"])]
    least = [attrs["fraction_min"] for attrs in live]
    return (
        f"{layer:8s}  {len(live):4d}  {mean(v >= 0.89 for v in least):6.2f}  {min(least):5.3f}  "
        f"{median(index):5.2f}  ({min(index):8.2f} {max(index):7.2f})  {median(spread):6.2f}  "
        f"{mean(attrs['saturated'] for attrs in live):9.5f}  "
        f"{max(attrs['full_model_error'] for attrs in live):5.4f}  "
        f"{mean(attrs['converged'] for attrs in live):9.2f}  {seconds:7.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", nargs="?", default="vgg16")
    parser.add_argument("--weights", default="none")
    parser.add_argument("--layers", default="conv1_2,conv2_2,conv3_1")
    parser.add_argument("--channels", default="0-31")
    options = parser.parse_args()
    print(COLUMNS)
    for layer in options.layers.split(","):
        units = units_at(f"{options.model}/{layer}/{options.channels}", options.weights)
        began = time.perf_counter()
        found = [ds.attrs for ds in search(units)]
        print(row(layer, found, time.perf_counter() - began), flush=True)


if __name__ == "__main__":
    main()
