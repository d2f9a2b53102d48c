"""The explorer's promises: first picture, pictures a second, stopping, memory over many searches.

    python benchmarks/explorer.py [--unit minivgg/conv3_1/0] [--searches 50]

Presses Search of a SearchExplorer on a loop as a notebook has it. Prints the seconds from Search to
the first changed picture (first and later searches), pictures a second while the set grows, seconds
from Stop to its status line, and the memory of the process after the 10th and the last search.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from pathlib import Path
from statistics import median

from invis.widgets import SearchExplorer


def megabytes() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


async def one_search(explorer: SearchExplorer, stop_after: float | None = None) -> dict[str, float]:
    """Search to the end, or press Stop after some seconds; what a person would have seen."""
    pictures = {explorer.stage.images.data[0].source}
    began, stopped, changes = time.perf_counter(), None, []
    explorer.search()
    while explorer._job is not None:
        source = explorer.stage.images.data[0].source
        if source not in pictures:
            pictures.add(source)
            changes.append(time.perf_counter())
        if stop_after is not None and stopped is None and time.perf_counter() - began > stop_after:
            stopped = time.perf_counter()
            explorer.stop()
        await asyncio.sleep(0.005)
    ended = time.perf_counter()
    return {
        "first": changes[0] - began,
        "rate": (len(changes) - 1) / (changes[-1] - changes[0]) if len(changes) > 2 else 0.0,
        "stop": ended - stopped if stopped is not None else 0.0,
    }


async def measure(unit: str, searches: int) -> None:
    explorer = SearchExplorer(unit)
    seen = [await one_search(explorer)]
    print(f"{unit}: first picture after {seen[0]['first']:.2f} s in a fresh process")
    memory = []
    for seed in range(1, searches):
        explorer.settings.seed = seed
        seen.append(await one_search(explorer))
        gc.collect()
        memory.append(megabytes())
    first = median(one["first"] for one in seen[1:])
    rate = median(one["rate"] for one in seen[1:])
    print(f"later searches: first picture after {first:.2f} s, {rate:.1f} pictures a second")
    stops = [(await one_search(explorer, stop_after=0.5))["stop"] for _ in range(5)]
    print(f"from Stop to its status line: {median(stops):.2f} s, at most {max(stops):.2f} s")
    print(f"memory after 10 searches {memory[8]:.0f} MB, after {searches} {memory[-1]:.0f} MB")
    explorer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--unit", default="minivgg/conv3_1/0")
    parser.add_argument("--searches", type=int, default=50)
    options = parser.parse_args()
    asyncio.run(measure(options.unit, options.searches))


if __name__ == "__main__":
    main()
