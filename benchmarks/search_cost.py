"""What a search costs, beside the same convolutions alone, in one run.

    python benchmarks/search_cost.py [--weights FILE] [--layers conv1_2,conv2_2,conv3_1]
        [--units 16] [--singles 16] [--repeats 1] [--threads 2] [--out FILE]

For each layer of VGG-16: seconds of one unit with 8 images, of the batch and of the units one by
one (the mean of --singles of them times the number of units; take all of them for a fair ratio),
and the floor: every convolution of the search replayed with the same shapes and the same
micro-batches, forward and gradient with respect to the input, nothing else. Prints a table and,
with --out, writes JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

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

    def replay(self) -> float:
        """Seconds of the same convolutions alone."""
        total = 0.0
        for key, count in self.seen.items():
            shape, weight_shape, has_bias, _, channels_last, needs_grad = key
            x, weight = torch.randn(shape), torch.randn(weight_shape)
            bias = torch.randn(weight_shape[0]) if has_bias else None
            if channels_last:
                x = x.contiguous(memory_format=torch.channels_last)
                weight = weight.contiguous(memory_format=torch.channels_last)
            x.requires_grad_(needs_grad)
            once = self._once(x, weight, bias, self.options[key], needs_grad)
            once()
            runs = min(count, 20)
            began = time.perf_counter()
            for _ in range(runs):
                once()
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


def seconds(units: Units) -> float:
    """Seconds of one search."""
    began = time.perf_counter()
    search(units)
    return time.perf_counter() - began


def measure(layer: str, count: int, singles: int, repeats: int, weights: str) -> dict[str, Any]:
    """All figures of one layer."""
    batch = units_at(f"vgg16/{layer}/0-{count - 1}", weights)
    single = [units_at(f"vgg16/{layer}/{k}", weights) for k in range(singles)]
    seconds(single[0])
    alone = [statistics.median(seconds(unit) for _ in range(repeats)) for unit in single]
    with Convolutions() as convolutions:
        search(single[0])
    floor = convolutions.replay()
    together = statistics.median(seconds(batch) for _ in range(max(1, repeats // 2)))
    with Convolutions() as convolutions:
        search(batch)
    batch_floor = convolutions.replay()
    one_by_one = statistics.mean(alone) * count
    return {
        "layer": layer,
        "unit_seconds": statistics.median(alone),
        "unit_over_floor": alone[0] / floor,
        "batch_units": count,
        "batch_seconds": together,
        "batch_over_singles": together / one_by_one,
        "batch_over_floor": together / batch_floor,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weights", default="none")
    parser.add_argument("--layers", default="conv1_2,conv2_2,conv3_1")
    parser.add_argument("--units", type=int, default=16)
    parser.add_argument("--singles", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = []
    print("layer     one unit   / floor   batch of units    / one by one   / floor")
    for layer in options.layers.split(","):
        row = measure(layer, options.units, options.singles, options.repeats, options.weights)
        rows.append(row)
        print(
            f"{layer:8s} {row['unit_seconds']:7.2f} s  {row['unit_over_floor']:6.2f}   "
            f"{row['batch_units']:4d} in {row['batch_seconds']:6.1f} s     "
            f"{row['batch_over_singles']:8.2f}     {row['batch_over_floor']:8.2f}",
            flush=True,
        )
    if options.out:
        about = {
            "processor": platform.processor() or platform.machine(),
            "torch": torch.__version__,
        }
        options.out.write_text(
            json.dumps({**about, "threads": options.threads, "rows": rows}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
