"""What a search costs, beside the same convolutions alone, in one run.

    python benchmarks/search_cost.py [--weights FILE] [--layers conv1_2,conv2_2,conv3_1]
        [--units 1,8,16,64] [--threads 2] [--device cpu] [--precision fp32]
        [--out benchmarks/results/search_cost.json]

For each layer of VGG-16 and each number of units in a batch: seconds of the search of their sets of
8 images, and the floor: every convolution of that search replayed with the same shapes and the same
micro-batches, forward and gradient with respect to the input, nothing else, on one thread or on
all, whichever is faster. With --out, rows of these layers and numbers replace those in the file.

On a graphics card also --precision tf32 and bf16, to see what they would give: Invis computes in
fp32, and results are measured in it here too.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import harness
import torch
from torch.overrides import TorchFunctionMode

from invis.models.unit import Units, units_at
from invis.search import search
from invis.search.problem import Problem

Shape = tuple[Any, ...]
TYPES = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16}

EXACT_RUN = Problem.run


class RoundedUnits(Units):
    """Units whose cone runs in bf16."""

    def responses(self, x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            return super().responses(x, index)


class Convolutions(TorchFunctionMode):
    """Counts the convolutions that run inside it, by shape, and whether a gradient follows."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[Shape] = Counter()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in (torch.conv2d, torch.nn.functional.conv2d):
            x, weight, *rest = args
            bias, stride, padding, dilation, groups = (
                kwargs.get(name, rest[k] if k < len(rest) else default)
                for k, (name, default) in enumerate(
                    [("bias", None), ("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)]
                )
            )
            plan = (str(stride), str(padding), str(dilation), groups)
            options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
            channels_last = x.is_contiguous(memory_format=torch.channels_last)
            key = (
                tuple(x.shape), tuple(weight.shape), bias is not None, plan, channels_last,
                x.requires_grad,
            )  # fmt: skip
            self.seen[key] += 1
            self.options = getattr(self, "options", {}) | {key: options}
        return func(*args, **kwargs)

    def replay(self, device: torch.device, dtype: torch.dtype) -> float:
        """Seconds of the same convolutions alone."""
        total = 0.0
        for key, count in self.seen.items():
            shape, weight_shape, has_bias, _, channels_last, needs_grad = key
            like = {"device": device, "dtype": dtype}
            x, weight = torch.randn(shape, **like), torch.randn(weight_shape, **like)
            bias = torch.randn(weight_shape[0], **like) if has_bias else None
            if channels_last:
                x = x.contiguous(memory_format=torch.channels_last)
                weight = weight.contiguous(memory_format=torch.channels_last)
            x.requires_grad_(needs_grad)
            once = self._once(x, weight, bias, self.options[key], needs_grad)
            once()
            settle(device)
            runs = min(count, 20)
            began = time.perf_counter()
            for _ in range(runs):
                once()
            settle(device)
            total += (time.perf_counter() - began) * count / runs
        return total

    @staticmethod
    def _once(
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        options: dict[str, Any],
        needs_grad: bool,
    ) -> Callable[[], None]:
        gradient = torch.ones_like(torch.conv2d(x, weight, bias, **options))

        def run() -> None:
            y = torch.conv2d(x, weight, bias, **options)
            if needs_grad:
                torch.autograd.grad(y, x, gradient)

        return run


def search_seconds(units: Units) -> tuple[float, list[Any]]:
    """Seconds of one search, and its results."""
    began = time.perf_counter()
    found = search(units)
    settle(units.device)
    return time.perf_counter() - began, found


def settle(device: torch.device) -> None:
    """Wait until an accelerator has done all that it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def measure(layer: str, count: int, weights: str, device: str, precision: str) -> dict[str, Any]:
    """Seconds of a batch of units, and of its convolutions; how good its sets are."""
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    Problem.run = EXACT_RUN if precision == "fp32" else EXACT_RUN.__wrapped__
    units = units_at(f"vgg16/{layer}/0-{count - 1}", weights, device)
    if precision == "bf16":
        units = RoundedUnits(**{key.name: getattr(units, key.name) for key in fields(units)})
    search(units.only([0]))
    runs = [search_seconds(units) for _ in range(3 if count == 1 else 1)]
    taken = median(spent for spent, _ in runs)
    live = [ds.attrs for ds in runs[-1][1] if not ds.attrs["dead"]]
    with Convolutions() as convolutions:
        search(units)
    threads, floors = torch.get_num_threads(), []
    for some in {1, threads}:
        torch.set_num_threads(some)
        floors.append(convolutions.replay(units.device, TYPES[precision]))
    torch.set_num_threads(threads)
    return {
        "layer": layer,
        "units": count,
        "precision": precision,
        "seconds": taken,
        "floor": min(floors),
        "ratio": taken / min(floors),
        "index": median(told["index"] for told in live),
        "lowest": min(told["fraction_min"] for told in live),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", default="none")
    parser.add_argument("--layers", default="conv1_2,conv2_2,conv3_1")
    parser.add_argument("--units", default="1,8,16,64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32", help="fp32, or several of fp32,tf32,bf16")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    print("layer     units  type   seconds     floor   ratio   index  lowest")
    for layer, count, precision in product(
        asked.layers.split(","), map(int, asked.units.split(",")), asked.precision.split(",")
    ):
        row = measure(layer, count, asked.weights, asked.device, precision)
        print(
            f"{layer:8s} {count:6d}  {precision} {row['seconds']:9.2f} {row['floor']:9.3f} "
            f"{row['ratio']:7.2f} {row['index']:7.3f} {row['lowest']:7.3f}",
            flush=True,
        )
        if asked.out:
            about = {"device": asked.device, "weights": Path(asked.weights).name}
            merged = harness.merged(asked.out, [row], ("layer", "units", "precision"))
            harness.write(asked.out, harness.machine(asked.threads) | about | {"rows": merged})


if __name__ == "__main__":
    main()
