"""PCA of 25 million parameters x 100 checkpoints in fp16 (5 GB) against the machine's limit.

    python benchmarks/trajectory_pca.py [--parameters N] [--checkpoints T] [--folder DIR]

Writes a synthetic random walk as safetensors, then measures in one process and one run: one read of
the data, the same blocks' matrix products alone, and PCA, in turn, with the peak of memory. The
best of each counts: of two rounds, and of up to six where the machine is busy. The limit is the
larger of the first two; PCA should stay within 1.5 of it. Reading and multiplying overlap on two
cores; where they are busy, processor time tells more.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from invis.trajectory import compare, gram, open_trajectory, pca
from invis.trajectory.gram import PIECE

LAYERS = 50
LIMIT = 1.5
ROUNDS, MOST_ROUNDS = 2, 6


def write(folder: Path, parameters: int, checkpoints: int) -> None:
    """A random walk, one file a checkpoint, cut into layers."""
    torch.manual_seed(0)
    x = 0.05 * torch.randn(parameters)
    noise = torch.empty_like(x)
    for step in range(checkpoints):
        parts = x.half().tensor_split(LAYERS)
        state = {f"layer{k:02d}.weight": part.clone() for k, part in enumerate(parts)}
        save_file(state, folder / f"step-{step:06d}.safetensors")
        x += noise.normal_(0, 1e-3)


def read_once(folder: Path) -> float:
    """Seconds of reading every byte."""
    began = time.perf_counter()
    buffer = bytearray(2**22)
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    return time.perf_counter() - began


def products_alone(parameters: int, checkpoints: int) -> float:
    """Seconds of the matrix products of all blocks, on data that is there already."""
    block = torch.randn(checkpoints, PIECE)
    sums = torch.zeros(checkpoints, checkpoints, dtype=torch.float64)
    began = time.perf_counter()
    for _ in range(parameters // PIECE + 1):
        sums += block @ block.T
    return time.perf_counter() - began


def peak_memory() -> float:
    """Most resident memory of this process so far, in GB.

    The kernel's high-water mark of the address space where it tells it (Linux): the resource usage
    of a process begins with that of the process which started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [one for one in status.read_text().splitlines() if one.startswith("VmHWM")]
        return int(line.split()[1]) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def measure(folder: Path, parameters: int, checkpoints: int) -> dict[str, float]:
    """Seconds and peak memory in GB of everything, in one run."""
    read, product, whole, spent, alone = [], [], [], [], []
    while len(read) < ROUNDS or (_over(read, product, whole) > LIMIT and len(read) < MOST_ROUNDS):
        read.append(read_once(folder))
        before = time.thread_time()
        product.append(products_alone(parameters, checkpoints))
        alone.append(time.thread_time() - before)
        began, before = time.perf_counter(), time.thread_time()
        found = pca(gram(open_trajectory(folder), precision="float32"))
        whole.append(time.perf_counter() - began)
        spent.append(time.thread_time() - before)
    comparison = compare(found)
    return {
        "read": min(read),
        "products": min(product),
        "pca": min(whole),
        "over_limit": _over(read, product, whole),
        "rounds": len(read),
        "processor_products": min(alone),
        "processor_pca_without_reading": min(spent),
        "peak_gb": peak_memory(),
        "first_ratio": float(found.ratios[0]),
        "misfit_of_the_walk": comparison.fits["walk"].distance,
    }


def _over(read: list[float], product: list[float], whole: list[float]) -> float:
    """The best time of PCA over the larger of the best times of reading and multiplying."""
    return min(whole) / max(min(read), min(product))


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parameters", type=int, default=25_000_000)
    parser.add_argument("--checkpoints", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="where the checkpoints are or will be")
    parser.add_argument("--write-only", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if not any(folder.glob("*.safetensors")):
            folder.mkdir(parents=True, exist_ok=True)
            write(folder, given.parameters, given.checkpoints)
        if given.write_only:
            return
        json.dump(measure(folder, given.parameters, given.checkpoints), sys.stdout, indent=2)
        print()


if __name__ == "__main__":
    main()
