"""What a search costs, beside the same convolutions alone, in one run.

    python benchmarks/search_cost.py [--weights FILE] [--layers conv1_2,conv2_2,conv3_1]
        [--units 1,8,16,64] [--threads 2] [--device cpu]
        [--out benchmarks/results/search_cost.json]

For each layer of VGG-16 and each number of units in a batch: seconds of the search of their sets of
8 images, and the floor: every convolution of that search replayed with the same shapes and the same
micro-batches, forward and gradient with respect to the input, nothing else, on one thread or on
all, whichever is faster. With --out, rows of these layers and numbers replace those in the file.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import harness
import torch
from torch.overrides import TorchFunctionMode

from invis.models.unit import Units, units_at
from invis.search import search

Shape = tuple[Any, ...]


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

    def replay(self, device: torch.device) -> float:
        """Seconds of the same convolutions alone."""
        total = 0.0
        for key, count in self.seen.items():
            shape, weight_shape, has_bias, _, channels_last, needs_grad = key
            x = torch.randn(shape, device=device)
            weight = torch.randn(weight_shape, device=device)
            bias = torch.randn(weight_shape[0], device=device) if has_bias else None
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


def search_seconds(units: Units) -> float:
    """Seconds of one search."""
    began = time.perf_counter()
    search(units)
    settle(units.device)
    return time.perf_counter() - began


def settle(device: torch.device) -> None:
    """Wait until an accelerator has done all that it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def measure(layer: str, count: int, weights: str, device: str) -> dict[str, Any]:
    """Seconds of a batch of units, and of its convolutions."""
    units = units_at(f"vgg16/{layer}/0-{count - 1}", weights, device)
    search(units.only([0]))
    taken = median(search_seconds(units) for _ in range(3 if count == 1 else 1))
    with Convolutions() as convolutions:
        search(units)
    threads, floors = torch.get_num_threads(), []
    for some in {1, threads}:
        torch.set_num_threads(some)
        floors.append(convolutions.replay(units.device))
    torch.set_num_threads(threads)
    return {
        "layer": layer,
        "units": count,
        "seconds": taken,
        "floor": min(floors),
        "ratio": taken / min(floors),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", default="none")
    parser.add_argument("--layers", default="conv1_2,conv2_2,conv3_1")
    parser.add_argument("--units", default="1,8,16,64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    rows = []
    print("layer     units   seconds     floor   ratio")
    for layer in asked.layers.split(","):
        for count in map(int, asked.units.split(",")):
            row = measure(layer, count, asked.weights, asked.device)
            rows.append(row)
            print(
                f"{layer:8s} {count:6d} {row['seconds']:9.2f} {row['floor']:9.2f} "
                f"{row['ratio']:7.2f}",
                flush=True,
            )
    if asked.out:
        about = {"device": asked.device, "weights": Path(asked.weights).name}
        merged = harness.merged(asked.out, rows, ("layer", "units"))
        harness.write(asked.out, harness.machine(asked.threads) | about | {"rows": merged})


if __name__ == "__main__":
    main()
