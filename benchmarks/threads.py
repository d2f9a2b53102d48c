"""What other work on the cores does to a search: with torch's threads, and with those it is worth.

    python benchmarks/threads.py [--units conv1_2/3,conv2_2/3,conv3_1/3] [--threads 2]

For units of minivgg: seconds of a search on a quiet machine and beside as many busy processes as
there are cores, once with torch's own number of threads, once with what Invis picks.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from statistics import median

import harness  # noqa: F401 (before torch)
import torch

from invis.models.unit import units_at
from invis.search import Settings, search
from invis.search.engine import set_steps


def spin() -> None:
    while True:
        pass


def seconds(address: str) -> tuple[float, float]:
    """With torch's threads, and with those that Invis picks."""
    units = units_at(f"minivgg/{address}")
    taken: tuple[list[float], list[float]] = ([], [])
    for run in range(3):
        began = time.perf_counter()
        for _ in set_steps(units, Settings(seed=run)):
            pass
        between = time.perf_counter()
        search(units, seed=run)
        taken[0].append(between - began)
        taken[1].append(time.perf_counter() - between)
    return median(taken[0]), median(taken[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--units", default="conv1_2/3,conv2_2/3,conv3_1/3")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    print(f"machine   unit        {asked.threads} threads   as Invis does   ratio")
    busy = [multiprocessing.Process(target=spin, daemon=True) for _ in range(os.cpu_count() or 1)]
    for state in ("quiet", "busy"):
        if state == "busy":
            for one in busy:
                one.start()
        for address in asked.units.split(","):
            all_threads, picked = seconds(address)
            ratio = all_threads / picked
            print(f"{state:8s}  {address:10s} {all_threads:8.2f} s {picked:12.2f} s {ratio:9.1f}")


if __name__ == "__main__":
    main()
