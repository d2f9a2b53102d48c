"""The linear model of Antognini and Sohl-Dickstein (2018) on CIFAR-10: which walk is its training?

    python benchmarks/linear_cifar.py FOLDER [--steps 400] [--every 1] [--rate 0.01] [--batch 128]
        [--momentum 0] [--images 10000] [--skip 0] [--out FILE]

FOLDER holds CIFAR-10 in ImageFolder layout (or its training part). Trains softmax regression by SGD
from zero, records parameters every few steps, and prints the spectrum beside those of the pure
random walk and of each fitted null.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from invis.cli import output
from invis.trajectory import Recorder, compare, gram, open_trajectory, pca


def load(folder: Path, count: int) -> tuple[Tensor, Tensor]:
    """Images (count, 3072), each pixel standardised, and labels; as many of each class."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    pixels, labels = [], []
    for label, one in enumerate(classes):
        for path in sorted(one.iterdir())[: count // len(classes)]:
            pixels.append(np.asarray(Image.open(path).convert("RGB"), dtype=np.float32).ravel())
            labels.append(label)
    images = torch.from_numpy(np.stack(pixels))
    return (images - images.mean(0)) / images.std(), torch.tensor(labels)


def train(images: Tensor, labels: Tensor, given: argparse.Namespace, folder: Path) -> float:
    """SGD of softmax regression, recorded in `folder`; returns the accuracy at its end."""
    generator = torch.Generator().manual_seed(given.seed)
    net = nn.Linear(images.shape[1], int(labels.max()) + 1)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    optimiser = torch.optim.SGD(net.parameters(), lr=given.rate, momentum=given.momentum)
    recorder = None
    for step in range(1, given.skip + given.steps + 1):
        picked = torch.randint(len(images), (given.batch,), generator=generator)
        loss = F.cross_entropy(net(images[picked]), labels[picked])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step == given.skip or (recorder is None and step > given.skip):
            recorder = Recorder(net, folder, every=given.every, dtype="float64")
        elif recorder is not None:
            recorder.step(step - given.skip, loss=loss.item())
    with torch.no_grad():
        return float((net(images).argmax(1) == labels).double().mean())


def main() -> None:
    """Print the tables; write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0, help="steps before recording begins")
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--momentum", type=float, default=0.0)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    inner = given.folder / "train"
    images, labels = load(inner if inner.is_dir() else given.folder, given.images)
    with tempfile.TemporaryDirectory() as temporary:
        accuracy = train(images, labels, given, Path(temporary) / "run.zarr")
        found = pca(gram(open_trajectory(Path(temporary) / "run.zarr")))
    comparison = compare(found)
    names = list(comparison.fits)
    rows = [
        [str(k + 1), f"{100 * found.ratios[k]:.2f}"]
        + [f"{100 * comparison.fits[name].null.ratios[k]:.2f}" for name in names]
        for k in range(10)
    ]
    print(f"{len(found.steps)} checkpoints, {found.parameters} parameters, accuracy {accuracy:.3f}")
    click.echo(output.table(["k", "observed %", *names], rows, right=range(6)))
    for name, fit in comparison.fits.items():
        print(f"{name}: misfit {fit.distance:.3f}, BIC {fit.bic:.1f}, {fit.null.parameters}")
    print(f"best: {comparison.best}. {comparison.reason}")
    if given.out:
        record = {
            "explained": found.ratios.tolist(),
            "best_null": comparison.best,
            "accuracy": accuracy,
            "nulls": {
                name: {"distance": fit.distance, "bic": fit.bic, **fit.null.parameters}
                for name, fit in comparison.fits.items()
            },
        }
        given.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
