"""The same job by lucent and by Invis, in one run, with the same weights.

    python benchmarks/against_lucent.py [--models minivgg,vgg19] [--weights FILE]
        [--layers conv1_2,conv2_2,conv3_1,conv4_1] [--repeats 3] [--threads 2]
        [--out benchmarks/results/lucent.json]

The job: 8 images of one unit that excite it and differ. lucent maximises the central neuron minus w
times its diversity (w the best of 1, 10, 100) for its default of 512 steps,

    users:  as its users run it: 128 px, its transforms, upsampled to 224, the whole network;
    helped: no transforms, images as large as the field, the network cut behind the layer.

lucent's images are cut to the unit's field, brought to Invis's contrast, clipped, rounded to 8 bits
and measured by Invis. A user's run is timed once with the best w, on the whole network; the three w
are compared on the network cut behind the layer, whose images are the same. Where a user's run
would take more than ten minutes its time is extrapolated from a few steps; and where the three cut
ones would, too, there is no quality to tell. VGG-16 is there with --weights; VGG-19, untrained, for
the cost alone. With --out, rows of these models and layers replace those in the file.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import harness
import numpy as np
import torch
from torch import Tensor, nn

from invis.interop.require import lucent
from invis.models.unit import Units, units_at
from invis.search import search
from invis.search.again import problem_of
from invis.search.null import measure

IMAGES, WEIGHTS = 8, (1.0, 10.0, 100.0)
# 0.9 to two digits: what a search ends with loses up to half a percent by rounding to 8 bits.
FLOOR = 0.895
LOOKS = (32, 64, 128, 256, 512)
STEPS, TRIAL, MOST_SECONDS = 512, 3, 600.0
CHANNEL = 3
CANVAS = 224


class Cut(nn.Module):
    """A network ended behind a module, with the names that lucent knows."""

    def __init__(self, network: nn.Module, place: str) -> None:
        super().__init__()
        *path, last = place.split(".")
        holder = network.get_submodule(".".join(path))
        parts = nn.Sequential()
        for name, module in holder.named_children():
            parts.add_module(name, module)
            if name == last:
                break
        self.run = [parts]
        for name, module in [(path[0], parts)] if path else parts.named_children():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.run[0](x)


class Job:
    """One unit, as lucent sees it and as Invis measures it."""

    def __init__(self, address: str, weights: str | None) -> None:
        self.units: Units = units_at(address, weights, "cpu")
        self.place = self.units.layer.alias or self.units.layer.layer
        self.channel = int(address.rpartition("/")[2])
        self.whole = self.units.model.module
        self.cut = Cut(self.whole, self.place)
        self.side = self.units.image_shape[1]
        model = self.units.model
        self.mean, self.std = (torch.tensor(x).view(-1, 1, 1) for x in (model.mean, model.std))
        self.start, self.stride = self._geometry()

    def _geometry(self) -> tuple[int, int]:
        """Where the field of the output at 0 begins, and the pixels between two fields."""
        image = torch.rand(1, 3, CANVAS, CANVAS, requires_grad=True)
        out = self.cut(image)
        middle = out.shape[2] // 2
        begins = []
        for row in (middle, middle + 1):
            (gradient,) = torch.autograd.grad(
                out[0, :, row, middle].sum(), image, retain_graph=True
            )
            seen = gradient[0].abs().sum((0, 2)).nonzero().flatten()
            begins.append(int(seen[-1]) - self.side + 1)
        stride = begins[1] - begins[0]
        return begins[0] - middle * stride, stride

    def lucent(
        self, w: float, helped: bool, cut: bool, steps: int = STEPS
    ) -> tuple[list[Tensor], float]:
        """Images (8, 3, H, W) in 0..1 as the network sees them at each look, and the seconds."""
        from lucent.optvis import param, render, transform

        it = lucent().objectives
        layer = self.place.replace(".", "_")
        objective = it.neuron(layer, self.channel) - w * it.diversity(layer)
        transforms = [] if helped else list(transform.standard_transforms)
        transforms.append(lambda x: (x - self.mean) / self.std)
        size, sees = (self.side, self.side) if helped else (128, CANVAS)
        looks = tuple(look for look in LOOKS if look <= steps) or (steps,)
        network = self.cut if cut else self.whole
        began = time.perf_counter()
        try:
            shown = render.render_vis(
                network, objective, lambda: param.image(size, batch=IMAGES), transforms=transforms,
                thresholds=looks, preprocess=False, progress=False, show_image=False,
                fixed_image_size=self.side if helped else None,
            )  # fmt: skip
        finally:
            for module in network.modules():
                module._forward_hooks.clear()
        taken = time.perf_counter() - began
        up = nn.Upsample(size=sees, mode="bilinear", align_corners=True)
        return [up(torch.tensor(one).permute(0, 3, 1, 2)) for one in shown], taken

    def fields(self, images: Tensor) -> np.ndarray:
        """What the central unit sees of images (8, 3, H, W): (8, side, side, 3), 0 to 255.

        Beyond the border lies what the network pads with: the mean colour.
        """
        with torch.no_grad():
            middle = self.cut((images[:1] - self.mean) / self.std).shape[2] // 2
        begin = self.start + middle * self.stride + self.side
        padded = self.mean.expand(3, *(n + 2 * self.side for n in images.shape[2:])).clone()
        canvas = padded.repeat(len(images), 1, 1, 1)
        canvas[:, :, self.side : -self.side, self.side : -self.side] = images
        seen = canvas[:, :, begin : begin + self.side, begin : begin + self.side]
        return 255 * seen.permute(0, 2, 3, 1).numpy()

    def quality(self, images: Tensor, ours: Any) -> dict[str, float]:
        """fraction_min, index and spread of lucent's images, by what Invis found of the unit."""
        problem, grey = problem_of(ours, self.units), self.units.grey.numpy()
        off = self.fields(images) - grey
        norm = np.linalg.norm(off.reshape(len(off), -1), axis=1)[:, None, None, None]
        pixels = np.clip(np.round(grey + off * problem.radius / norm), 0, 255).astype(np.uint8)
        plain = np.broadcast_to(grey.astype(np.uint8), pixels[:1].shape)
        found = self.units.full_responses(np.concatenate([pixels, plain]), [0] * (IMAGES + 1))
        response, base = found[:-1].double().numpy(), float(found[-1])
        fraction = (response - base) / (float(ours.attrs["reference"]) - base)
        inside = problem.value(problem.vectors(pixels), torch.zeros(IMAGES, dtype=torch.long))
        beta = (float(inside.mean()) - base) / (float(ours.attrs["free_reference"]) - base)
        sizes = (pixels - grey).reshape(IMAGES, -1)
        got = measure(sizes, problem.radius, beta)
        return {"fraction_min": float(fraction.min()), "index": got.index, "spread": got.spread}


def measured(job: Job, repeats: int) -> tuple[dict[str, Any], Any]:
    """Seconds and quality of Invis, over the seeds 0, 1, ..."""
    search(job.units, seed=0)
    rows, last = [], None
    for seed in range(repeats):
        began = time.perf_counter()
        (ds,) = search(job.units, seed=seed)
        rows.append({"seconds": time.perf_counter() - began} | {
            key: float(ds.attrs[key]) for key in ("fraction_min", "index", "spread")
        })  # fmt: skip
        last = last if last is not None else ds
    told = middle(rows)
    return told | {"until_floor": told["seconds"] if told["fraction_min"] >= FLOOR else None}, last


def middle(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Medians of repeated runs."""
    return {key: median(row[key] for row in rows) for key in rows[0]} | {"runs": len(rows)}


def judged(
    job: Job, ours: Any, w: float, helped: bool, repeats: int
) -> tuple[dict[str, Any], list[float]]:
    """Quality and seconds of lucent with one w on the cut network, and the shares of the steps
    after which all images were above the floor."""
    runs, shares = [], []
    for seed in range(repeats):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 (lucent draws from it)
        images, seconds = job.lucent(w, helped, cut=True)
        found = [job.quality(one, ours) for one in images]
        runs.append({"seconds": seconds} | found[-1])
        reached = [k for k, q in enumerate(found) if q["fraction_min"] >= FLOOR]
        shares.append(LOOKS[reached[0]] / STEPS if reached else math.inf)
    return middle(runs) | {"w": w}, shares


def merit(row: dict[str, Any]) -> tuple[bool, float]:
    """Invariant sets first, and among them the more diverse; else the stronger images."""
    above = row["fraction_min"] >= FLOOR
    return above, row["index"] if above else row["fraction_min"]


def theirs(job: Job, ours: Any, mode: str, repeats: int) -> dict[str, Any]:
    """Seconds and quality of lucent; of `ours` None the seconds alone."""
    helped = mode == "helped"
    step = step_seconds(job, helped, helped)
    row: dict[str, Any] = {"step_seconds": step, "extrapolated": step * STEPS > MOST_SECONDS}
    share, total = math.inf, STEPS * len(WEIGHTS)
    if ours is not None and (helped or step_seconds(job, False, True) * total < MOST_SECONDS):
        tried = [judged(job, ours, w, helped, repeats if helped else 1) for w in WEIGHTS]
        best, shares = max(tried, key=lambda one: merit(one[0]))
        row, share = row | best, median(shares)
    if row["extrapolated"]:
        row |= {"seconds": step * STEPS, "runs": 0, "trial_steps": TRIAL}
    elif not helped or ours is None:
        _, seconds = job.lucent(row.get("w", WEIGHTS[0]), helped, helped)
        row |= {"seconds": seconds, "runs": 1}
    # None: never.
    return row | {"until_floor": None if math.isinf(share) else share * row["seconds"]}


def step_seconds(job: Job, helped: bool, cut: bool) -> float:
    """Seconds of a step of lucent."""
    job.lucent(WEIGHTS[0], helped, cut, 1)
    return job.lucent(WEIGHTS[0], helped, cut, TRIAL)[1] / TRIAL


def rows_of(name: str, layer: str, weights: str | None, repeats: int) -> list[dict[str, Any]]:
    """One layer of a network, by Invis and by lucent."""
    job = Job(f"{name}/{layer}/{CHANNEL}", weights)
    own, found = measured(job, repeats)
    ours = found if "none" not in name else None
    told = {"invis": own} | {
        mode: theirs(job, ours, mode, repeats) for mode in ("helped", "users")
    }  # fmt: skip
    return [
        {"model": name, "layer": layer, "mode": mode, "ratio": row["seconds"] / own["seconds"]}
        | row
        for mode, row in told.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", default="minivgg,vgg16,vgg19")
    parser.add_argument("--weights")
    parser.add_argument("--layers", default="conv1_2,conv2_2,conv3_1,conv4_1")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(asked.threads)
    networks = {"minivgg": None, "vgg19@none:0": None}
    if asked.weights:
        networks["vgg16"] = asked.weights
    for name, weights in networks.items():
        for layer in asked.layers.split(",") if name.split("@")[0] in asked.models else ():
            rows = rows_of(name, layer, weights, asked.repeats)
            for row in rows:
                print(json.dumps(harness.rounded(row)), flush=True)
            if asked.out:
                told = harness.machine(asked.threads) | {"steps": STEPS}
                merged = harness.merged(asked.out, rows, ("model", "layer"))
                harness.write(asked.out, told | {"rows": merged})


if __name__ == "__main__":
    main()
