"""Seconds from cached encoders to the page of the whole digits matrix, all methods and nulls.

    python benchmarks/stitch_digits.py [--seeds 1 3] [--threads 2]

The first study trains the encoders where they are not cached; the second one is measured: encoders
from the cache, decoders, the matrix, and the page and table as `invis stitch` writes them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

# Before torch, as everybody does who uses it: it says how torch's threads wait for each other.
import invis  # noqa: F401 (for what it does)
from invis.cli.stitch import write
from invis.progress import until_done
from invis.stitching.study import study_steps


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    print(f"{asked.threads} threads\n\nseeds  cells  matrix s  page s  together s")
    for seeds in asked.seeds:
        until_done(study_steps(seeds=seeds))
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            (study,) = until_done(study_steps(seeds=seeds))
            middle = time.perf_counter()
            write(Path(folder), study)
            end = time.perf_counter()
        cells = study.results[0]["score"].size
        print(
            f"{seeds:5}  {cells:5}  {middle - began:8.2f}  {end - middle:6.2f}  {end - began:10.2f}"
        )


if __name__ == "__main__":
    main()
