"""What profiles tell: tables of truth units, affine units, whole networks, and what they cost.

    python benchmarks/profile_table.py truth [--metric natural]
    python benchmarks/profile_table.py affine [--limit 200]
    python benchmarks/profile_table.py network minivgg miniresnet [--layers conv1_1,conv1_2]
        [--limit 32] [--least 16] [--batch 16] [--keep FILE]
    python benchmarks/profile_table.py network vgg16 --weights vgg16-hed.safetensors
        --layers conv1_2,conv2_2,conv3_1,conv4_1 --limit 16
    python benchmarks/profile_table.py cost minivgg/conv3_1/0-7

`network` compares trained with untrained units, layer by layer: median and quartiles of the index
at 0.9 and 0.98, of kappa and of the packing number, and how often a trained unit has more than an
untrained one (the area under the curve, 0.5 where they are alike) with a 95 % interval by the
bootstrap. `--keep` appends to a file of JSON lines and skips what is there. `cost` sets the seconds
of profiles against those of single searches at 0.9.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from harness import Kept
from tables import table

FLOORS = (0.8, 0.9, 0.95, 0.98)
MEASURES = {"index at 0.9": "index_0.9", "at 0.98": "index_0.98", "kappa": "kappa",
            "of the spread": "kappa_spread", "fit": "packing"}  # fmt: skip
COMPARED = {"index at 0.9": "index_0.9", "kappa": "kappa", "fit": "packing"}
DRAWS = 2000


def profiled(
    model: str, weights: str | None, layer: str, channels: int, batch: int, kept: Kept
) -> list[dict[str, Any]]:
    """The summaries of the first `channels` units of a layer that are not dead."""
    from invis.search.profile import profile
    from invis.search.profile_result import summary

    def name(channel: int) -> str:
        return f"{model}/{layer}/{channel}"

    for start in range(0, channels, batch):
        end = min(start + batch, channels)
        if all(name(channel) in kept.of for channel in range(start, end)):
            continue
        found = profile(f"{model}/{layer}/{start}-{end - 1}", FLOORS, weights=weights)
        kept.add(
            [
                {"address": name(start + k), "dead": ds.attrs["dead"]} | summary(ds)
                for k, ds in enumerate(found)
            ]
        )
    rows = [kept.of[name(channel)] for channel in range(channels)]
    return [row for row in rows if not row["dead"]]


def values(rows: Sequence[dict[str, Any]], key: str) -> np.ndarray:
    return np.array([row[key] for row in rows if row[key] is not None], dtype=float)


def quartiles(found: np.ndarray) -> str:
    """Median, its 95 % interval by the bootstrap in brackets, and quartiles."""
    if len(found) < 3:
        return "–"
    draw = np.random.default_rng(0).choice(found, (DRAWS, len(found)))
    low, high = np.quantile(np.median(draw, axis=1), [0.025, 0.975])
    first, middle, third = np.quantile(found, [0.25, 0.5, 0.75])
    return f"{middle:.2f} [{low:.2f}, {high:.2f}] ({first:.2f} to {third:.2f})"


def area(ours: np.ndarray, theirs: np.ndarray) -> float:
    """How often one of `ours` is larger than one of `theirs`; ties count half."""
    return float(((ours[:, None] > theirs) + 0.5 * (ours[:, None] == theirs)).mean())


def separation(ours: np.ndarray, theirs: np.ndarray) -> str:
    if min(len(ours), len(theirs)) < 3:
        return "–"
    rng = np.random.default_rng(0)
    drawn = [
        area(rng.choice(ours, len(ours)), rng.choice(theirs, len(theirs))) for _ in range(DRAWS)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{area(ours, theirs):.2f} ({low:.2f} to {high:.2f})"


def network(options: argparse.Namespace) -> None:
    """Trained beside untrained, one table of values and one of what separates them."""
    from invis.models.suggest import layers_of

    kept, chosen = Kept(options.keep), options.layers.split(",") if options.layers else None
    apart = []
    print(table(["layer", "weights", "live", *MEASURES, "linear"], []), flush=True)
    for model in options.names:
        for layer in layers_of(model):
            if layer.channels < options.least or (chosen and layer.layer not in chosen):
                continue
            count = min(layer.channels, options.limit)
            both = {}
            for told, name, weights in (
                ("trained", model, options.weights), ("untrained", f"{model}@none:0", None),
            ):  # fmt: skip
                rows = profiled(name, weights, layer.layer, count, options.batch, kept)
                both[told] = rows
                cells = [quartiles(values(rows, key)) for key in MEASURES.values()]
                null = values(rows, "packing_null")
                linear = f"{np.median(null):.0f}" if len(null) else "any"
                print(
                    f"| {' | '.join([f'{model}/{layer.layer}', told, str(len(rows))])} | "
                    f"{' | '.join([*cells, linear])} |",
                    flush=True,
                )
            apart.append(
                [f"{model}/{layer.layer}"]
                + [
                    separation(*(values(both[one], key) for one in ("trained", "untrained")))
                    for key in COMPARED.values()
                ]
            )
    print(f"\nHow often a trained unit has more than an untrained one:\n\n"
          f"{table(['layer', *COMPARED], apart)}")  # fmt: skip


def truth(options: argparse.Namespace) -> None:
    """Ground-truth units, beside what the geometry of their filters allows at each floor."""
    from invis.models.truth import GroundTruth, unit_names
    from invis.search.check import score
    from invis.search.profile import profile
    from invis.search.profile_result import set_at
    from invis.search.tolerance import kappa

    cells, rows = GroundTruth(), []
    for name in unit_names():
        (ds,) = profile(f"truth/{name}/0", FLOORS, metric=options.metric, seed=options.seed)
        best = [score(cells, name, set_at(ds, alpha)) for alpha in FLOORS]
        kept, null = ds["kept"].values, ds["null_distance"].values
        known = [
            kappa(kept, np.array([one[f"expected_{key}"] for one in best]) * null)
            for key in ("index", "spread")
        ]
        rows.append([
            name, *(f"{one['index']:.2f} ({one['expected_index']:.2f})" for one in best),
            *(f"{ds.attrs[key]:.2f} ({most:.2f})"
              for key, most in zip(("kappa", "kappa_spread"), known, strict=True)),
            "/".join(str(n) for n in ds["islands"].values), str(ds.attrs["packing"]),
            f"{ds.attrs['packing_null']:.0f}",
        ])  # fmt: skip
    head = ["unit", *(f"index at {alpha:g}" for alpha in FLOORS), "kappa", "of the spread",
            "islands", "fit", "linear"]  # fmt: skip
    print(table(head, rows))


def affine(options: argparse.Namespace) -> None:
    """Kappa of random affine units: 8 x 8 px, three colours, biases."""
    import torch

    from invis.models.unit import unit
    from invis.search.profile import profile

    count = min(options.limit, 200)
    torch.manual_seed(options.seed)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, count, 8))
    units = unit(net, "0", list(range(count)), mean=128 / 255, std=0.25, input_size=8)
    found = []
    for start in range(0, count, options.batch):
        part = units.only(range(start, min(start + options.batch, count)))
        found += [ds.attrs["kappa"] for ds in profile(part, FLOORS)]
    kappas = np.abs(found)
    print(f"{count} affine units: |kappa| < 0.05 in {100 * (kappas < 0.05).mean():.1f} %, "
          f"largest {kappas.max():.3f}, median {np.median(found):+.4f}")  # fmt: skip


def cost(options: argparse.Namespace) -> None:
    """Seconds of profiles over those of single searches at 0.9, all units in one batch."""
    from invis.models.unit import units_at
    from invis.search import search
    from invis.search.profile import profile

    rows = []
    # What is loaded when first used is no part of either.
    profile("truth/simple_cell/0", FLOORS[:2], images=2)
    for address in options.names:
        units = units_at(address, options.weights)
        one, whole = (
            timed(lambda job=job, units=units: job(units)) for job in (search, profile)
        )  # fmt: skip
        rows.append([address, f"{one:.1f}", f"{whole:.1f}", f"{whole / one:.2f}"])
    print(table(["units", "search, s", "profile, s", "ratio"], rows))


def timed(job: Callable[[], Any]) -> float:
    """Seconds of this process, which other work on the machine does not change."""
    began = time.process_time()
    job()
    return time.process_time() - began


COMMANDS = {"truth": truth, "affine": affine, "network": network, "cost": cost}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--weights")
    parser.add_argument("--layers")
    parser.add_argument("--limit", type=int, default=1 << 20)
    parser.add_argument("--least", type=int, default=16)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--metric", default="pixels", choices=("pixels", "natural"))
    options = parser.parse_args()
    COMMANDS[options.command](options)


if __name__ == "__main__":
    main()
