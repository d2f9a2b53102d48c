"""The index of every unit of a model, trained beside untrained: the table of the model card.

    python benchmarks/index_table.py minivgg [--layers conv1_1,conv1_2] [--limit 64] [--keep FILE]
        [--batch 32] [--alpha 0.9] [--metric natural] [--atlas data/atlas]

Searches the units of each layer with the default settings but for these (N = 8) in the shipped
weights and in an untrained control, and prints one row a layer, in Markdown: live units of how
many, median index with its quartiles, median spread. `--keep` appends each batch to a file of JSON
lines and skips what is there, so that the work of hours may be interrupted (one file for each alpha
and metric). `--batch` units are searched together: a GPU has room for some hundreds. `--atlas`
takes from an atlas what it has with these settings.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from harness import Kept

from invis.atlas import Atlas
from invis.models.suggest import layers_of
from invis.search import search

WEIGHTS = {"trained": "", "untrained": "@none:0"}
HEAD = (
    "| layer | field, px | units | live | index, trained | live | index, untrained "
    "| spread, trained | untrained |\n| --- |" + " ---: |" * 8
)


def take(atlas: Path, model: str, kept: Kept, settings: dict[str, Any]) -> None:
    """Add to what is kept the units of an atlas that were searched with these settings."""
    names = {"default": model, "none:0": f"{model}@none:0"}
    for layer in Atlas(str(atlas)).layers():
        same = all(layer.settings.get(key) == value for key, value in settings.items())
        if layer.model == model and layer.weights in names and same:
            for channel in layer.done():
                attrs = layer.record(channel)["attrs"]
                address = f"{names[layer.weights]}/{layer.layer}/{channel}"
                kept.of[address] = {key: attrs[key] for key in ("index", "spread", "dead")}


def searched(
    model: str, layer: str, channels: int, batch: int, kept: Kept, settings: dict[str, Any]
) -> list[dict[str, Any]]:
    """The rows of the first `channels` units of a layer."""
    addresses = [f"{model}/{layer}/{channel}" for channel in range(channels)]
    for start in range(0, channels, batch):
        end = min(start + batch, channels) - 1
        if all(f"{model}/{layer}/{channel}" in kept.of for channel in range(start, end + 1)):
            continue
        found = search(f"{model}/{layer}/{start}-{end}", **settings)
        names = [f"{model}/{layer}/{ds.attrs['channel']}" for ds in found]
        rows = [
            {"address": name} | {key: ds.attrs[key] for key in ("index", "spread", "dead")}
            for name, ds in zip(names, found, strict=True)
        ]
        kept.add(rows)
    return [kept.of[address] for address in addresses]


def cells(rows: list[dict[str, Any]]) -> tuple[str, str, str]:
    """Live units, index with quartiles, spread."""
    live = [row for row in rows if not row["dead"]]
    index = [row["index"] for row in live if not math.isnan(row["index"])]
    spread = [row["spread"] for row in live if not math.isnan(row["spread"])]
    if len(index) < 2:
        return str(len(live)), "–", "–"
    low, middle, high = quantiles(index, n=4)
    return str(len(live)), f"{middle:.2f} ({low:.2f} to {high:.2f})", f"{median(spread):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--layers")
    parser.add_argument("--limit", type=int, default=1 << 20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--alpha", type=float, default=0.9)
    parser.add_argument("--metric", default="natural")
    parser.add_argument("--atlas", type=Path)
    options = parser.parse_args()
    kept = Kept(options.keep)
    settings = {"alpha": options.alpha, "metric": options.metric}
    if options.atlas:
        take(options.atlas, options.model, kept, settings)
    chosen = options.layers.split(",") if options.layers else None
    print(HEAD, flush=True)
    for layer in layers_of(options.model):
        if chosen is not None and layer.layer not in chosen:
            continue
        count = min(layer.channels, options.limit)
        trained, untrained = (
            cells(
                searched(options.model + weights, layer.layer, count, options.batch, kept, settings)
            )
            for weights in WEIGHTS.values()
        )
        asked = str(count) if count == layer.channels else f"{count} of {layer.channels}"
        print(
            f"| {layer.layer} | {layer.receptive_field} | {asked} | {trained[0]} | {trained[1]} "
            f"| {untrained[0]} | {untrained[1]} | {trained[2]} | {untrained[2]} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
