"""How the costs grow: of searches, sweeps, components, relative spaces and the dashboard.

    python benchmarks/growth.py [--only images,units,...] [--threads 2]
        [--out benchmarks/results/growth.json]

Each table varies one thing and leaves the others as they are; the exponent p of cost ~ x^p is that
of the last doubling or so, between the last two rows. Needs no more than 1 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import harness
import numpy as np
import sweep_workers
import torch
import trajectory_pca

from invis.search import search
from invis.stitching.spaces import ProductSpace
from invis.trajectory import gram, open_trajectory, pca

UNIT = "minivgg/conv2_2/3"
Row = tuple[Any, float]


def timed(work: Callable[[], Any], repeats: int = 3) -> float:
    """Median seconds, after one run that warms up."""
    work()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken)


def images() -> Iterator[Row]:
    """images of a set: seconds of a search of minivgg/conv2_2/3"""
    for count in (2, 4, 8, 16, 32):
        yield count, timed(lambda count=count: search(UNIT, images=count))


def units() -> Iterator[Row]:
    """units of a batch: seconds of a search in minivgg/conv2_2, 8 images each"""
    for count in (1, 4, 16, 48):
        yield count, timed(lambda count=count: search(f"minivgg/conv2_2/0-{count - 1}"), 1)


def depth() -> Iterator[Row]:
    """layer of minivgg: seconds of a search of one unit, 8 images"""
    for layer in ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv4_1"):
        yield layer, timed(lambda layer=layer: search(f"minivgg/{layer}/3"), 1)


def workers() -> Iterator[Row]:
    """workers, one thread each: seconds of a sweep of minivgg's conv2_1 to conv3_1"""
    os.environ["OMP_NUM_THREADS"] = "1"
    for count in (1, 2):
        yield count, sweep_workers.seconds(sweep_workers.PATTERN, "0-23", count)[0]


def checkpoints() -> Iterator[Row]:
    """checkpoints: seconds of PCA of a run of 500,000 parameters"""
    for count in (25, 50, 100, 200, 400):
        yield count, components(500_000, count)


def parameters() -> Iterator[Row]:
    """parameters: seconds of PCA of a run of 50 checkpoints"""
    for count in (100_000, 1_000_000, 10_000_000):
        yield count, components(count, 50)


def components(parameters: int, checkpoints: int) -> float:
    """Seconds of PCA of a random walk that lies on disk in half precision."""
    with tempfile.TemporaryDirectory() as folder:
        trajectory_pca.write(Path(folder), parameters, checkpoints)
        return timed(lambda: pca(gram(open_trajectory(Path(folder)), precision="float32")))


def anchors() -> Iterator[Row]:
    """anchors: seconds of the product of four relative spaces, 4,000 points of 128 numbers"""
    for count in (32, 64, 128, 256, 512):
        yield count, product(4000, count)


def points() -> Iterator[Row]:
    """points: seconds of the product of four relative spaces, 128 anchors, 128 numbers each"""
    for count in (1000, 4000, 16_000, 64_000):
        yield count, product(count, 128)


def product(points: int, anchors: int) -> float:
    """Seconds of a product of relative spaces of random latents."""
    latents = np.random.default_rng(0).normal(size=(points + anchors, 128))
    space = ProductSpace().fit(latents[:anchors])
    return timed(lambda: space.transform(latents[anchors:]), 1)


def sessions() -> Iterator[Row]:
    """visitors of the dashboard: 95 % of their clicks are answered within seconds"""
    # Bokeh's client is slow to import and sets up a document of its own.
    import dashboard_load

    for count in (1, 5, 15, 30):
        yield count, dashboard_load.measure(count, 0, 30)["p95_seconds"]


TABLES: dict[str, Callable[[], Iterator[Row]]] = {
    made.__name__: made
    for made in (
        images, units, depth, workers, checkpoints, parameters, anchors, points, sessions
    )
}  # fmt: skip


def exponent(rows: Sequence[Row]) -> float | None:
    """Of cost ~ x^p between the last two rows; None where x is no number."""
    if isinstance(rows[0][0], str) or len(rows) < 2:
        return None
    (x, y), (further, cost) = rows[-2:]
    return math.log(cost / y) / math.log(further / x)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(TABLES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    tables = {}
    for name in asked.only.split(","):
        rows = list(TABLES[name]())
        about = {"what": TABLES[name].__doc__, "rows": rows, "exponent": exponent(rows)}
        tables[name] = about
        print(json.dumps(harness.rounded({name: about})), flush=True)
    if asked.out:
        old = json.loads(asked.out.read_text("utf-8"))["tables"] if asked.out.exists() else {}
        harness.write(asked.out, harness.machine(asked.threads) | {"tables": old | tables})


if __name__ == "__main__":
    main()
