"""Quality of the sets of whole layers, metric beside metric: what docs and notes quote.

    python benchmarks/layer_table.py [vgg16] [--weights FILE] [--layers conv1_2:0-31,conv4_1:0-7]
        [--metrics natural,pixels] [--seeds 0,1] [--photographs DIR ...] [--out FILE]

Searches the channels of each layer with the default settings and prints a row for each metric and
seed: live units; share of them with fraction_min >= 0.89; share with beta >= 0.85; heaps, the share
whose index is below 0.8 of the spread; index (median, smallest, largest) and median spread; median
contrast in grey levels; share converged; where the median of all images lies among crops of
photographs by the judges of patches and spectra (percentile, * inside the central 95 %), if folders
of photographs are given; seconds of processor a unit. Rows that `--out` holds already are kept.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

import harness
import numpy as np

HEAPS = 0.8
KEYS = ("model", "layer", "channels", "metric", "seed")
COLUMNS = (
    "layer      metric   seed  live  >=0.89  beta>=.85  heaps  index (smallest largest)  spread  "
    "contrast  converged  patches  spectra  s/unit"
)


def measured(found: list[Any], seconds: float, photographs: Any) -> dict[str, Any]:
    """The figures of one row."""
    live = [ds for ds in found if not ds.attrs["dead"]]
    attrs = [ds.attrs for ds in live]
    index = [one["index"] for one in attrs if not math.isnan(one["index"])]
    row: dict[str, Any] = {
        "live": len(live),
        "on_floor": mean(one["fraction_min"] >= 0.89 for one in attrs),
        "beta": mean(one["beta"] >= 0.85 for one in attrs),
        "heaps": mean(one["index"] < HEAPS * one["spread"] for one in attrs),
        "index": median(index),
        "index_low": min(index),
        "index_high": max(index),
        "spread": median(one["spread"] for one in attrs),
        "contrast": median(one["pixel_contrast"] for one in attrs),
        "saturated": mean(one["saturated"] for one in attrs),
        "full_model_error": max(one["full_model_error"] for one in attrs),
        "converged": mean(one["converged"] for one in attrs),
        "seconds": seconds / len(found),
    }
    if photographs is not None:
        from judges import judge_patches, judge_spectra

        images = np.concatenate([ds.images.values for ds in live])
        for name, judge in (("patches", judge_patches), ("spectra", judge_spectra)):
            judged = judge(images, photographs)
            row |= {name: float(np.median(judged.percentile)), f"{name}_inside": judged.inside}
    return row


def line(row: dict[str, Any]) -> str:
    judged = "  ".join(
        f"{row[name]:6.0f}{'*' if row[f'{name}_inside'] else ' '}" if name in row else "      - "
        for name in ("patches", "spectra")
    )
    return (
        f"{row['layer']:9s}  {row['metric']:8s} {row['seed']:3d}  {row['live']:4d}  "
        f"{row['on_floor']:6.2f}  {row['beta']:9.2f}  {row['heaps']:5.2f}  {row['index']:5.2f} "
        f"({row['index_low']:8.2f} {row['index_high']:7.2f})  {row['spread']:6.2f}  "
        f"{row['contrast']:8.1f}  {row['converged']:9.2f}  {judged}  {row['seconds']:6.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", nargs="?", default="vgg16")
    parser.add_argument("--weights")
    parser.add_argument("--layers", default="conv1_2:0-31,conv2_2:0-31,conv3_1:0-31")
    parser.add_argument("--metrics", default="natural,pixels")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--photographs", action="append")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    photographs = None
    if options.photographs:
        from judges import Photographs

        photographs = Photographs(*options.photographs)
    from invis.models.unit import units_at
    from invis.search import search

    print(COLUMNS)
    for layer in options.layers.split(","):
        name, _, channels = layer.partition(":")
        units = units_at(f"{options.model}/{name}/{channels or '0-31'}", options.weights)
        for metric in options.metrics.split(","):
            for seed in map(int, options.seeds.split(",")):
                began = time.process_time()
                found = search(units, metric=metric, seed=seed)
                row = {
                    "model": options.model, "layer": name, "channels": channels, "metric": metric,
                    "seed": seed,
                } | measured(found, time.process_time() - began, photographs)  # fmt: skip
                print(line(row), flush=True)
                if options.out:
                    harness.keep(options.out, row, KEYS)


if __name__ == "__main__":
    main()
