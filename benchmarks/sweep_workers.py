"""What a second worker brings: the same sweep by one worker and by two, with equal threads each.

    python benchmarks/sweep_workers.py [--pattern minivgg/conv2_1..conv3_1] [--units 0-47]
        [--workers 1,2] [--threads 1] [--rounds 3]

Every sweep goes into a new store and includes the start of its workers. Prints one row a number of
workers, in Markdown: seconds (median of the rounds, which take turns), units a second, and how many
times as fast as the first row.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import median

PATTERN = "minivgg/conv2_1..conv3_1"


def seconds(pattern: str, units: str | None, workers: int) -> tuple[float, int]:
    """How long a sweep into a new store takes, and how many units it found."""
    from invis.atlas.sweep import sweep

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = sweep(pattern, str(Path(folder) / "atlas"), units, workers=workers, device="cpu")
        return time.perf_counter() - began, done.done


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pattern", default=PATTERN)
    parser.add_argument("--units")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    counts = [int(count) for count in options.workers.split(",")]
    taken: dict[int, list[float]] = {count: [] for count in counts}
    found = 0
    for _ in range(options.rounds):
        for count in counts:
            time_taken, found = seconds(options.pattern, options.units, count)
            taken[count].append(time_taken)
    print(f"{options.pattern}, {found} units, {options.threads} threads a worker\n")
    print("| workers | seconds | units a second | times as fast |\n| ---: | ---: | ---: | ---: |")
    first = median(taken[counts[0]])
    for count in counts:
        now = median(taken[count])
        print(f"| {count} | {now:.1f} | {found / now:.2f} | {first / now:.2f} |", flush=True)


if __name__ == "__main__":
    main()
