"""Accuracy of a classifier on a folder of labelled images."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from invis.errors import InvisError
from invis.files.imagefolder import Images, load_images
from invis.models import mini
from invis.models.weights import weights_hash
from invis.train.data import normalise

BATCH = 125


def topk_hits(logits: Tensor, labels: Tensor, k: int) -> int:
    """How many of the (B,) labels are among the k largest of the (B, classes) logits."""
    best = logits.topk(min(k, logits.shape[1]), dim=1).indices
    return int((best == labels[:, None]).any(dim=1).sum())


@torch.no_grad()
def accuracy(
    net: nn.Module,
    images: Images,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    device: torch.device,
) -> tuple[float, float]:
    """Top-1 and top-5 accuracy in [0, 1] of `net` (in the mode it is in) on all images."""
    hits = np.zeros(2, dtype=np.int64)
    for start in range(0, len(images), BATCH):
        pixels: NDArray[np.uint8] = np.array(images.pixels[start : start + BATCH])
        labels = torch.from_numpy(images.labels[start : start + BATCH]).to(device)
        x = normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device), mean, std)
        logits = net(x).to(device)
        if start == 0 and logits.shape[1] != len(images.classes):
            raise InvisError(
                f"data has {len(images.classes)} classes, but the model has {logits.shape[1]}; "
                "the folders must be the classes that it was trained on."
            )
        hits += [topk_hits(logits, labels, 1), topk_hits(logits, labels, 5)]
    top1, top5 = hits / len(images)
    return float(top1), float(top5)


def evaluate(
    model: str | nn.Module,
    data: str | Path,
    weights: str | None = None,
    device: str | None = None,
) -> dict[str, Any]:
    """Top-1 and top-5 accuracy of a model of the zoo, or of a module, on a folder of images.

    Args:
        model: a name such as `minivgg` or `vgg16`, or a module with the embedded networks' input.
        data: a folder in ImageFolder layout, or one that contains such a folder as `val`.
        weights: as in an address; None for the model's own.
        device: None to choose automatically.

    Returns:
        `model, weights, weights_hash, images, top1, top5` (in [0, 1]) and `seconds`.

    Raises:
        InvisError: unknown model, missing or wrongly laid out data, another number of classes.
    """
    from invis.models.devices import lent, pick_device, single_precision

    start = time.perf_counter()
    where = pick_device(device)
    mean: tuple[float, ...] = mini.MEAN
    std: tuple[float, ...] = mini.STD
    size = mini.INPUT_SIZE
    if isinstance(model, str):
        from invis.models.zoo import load_model

        loaded = load_model(model, weights)
        net, name, used, digest = loaded.module, loaded.name, loaded.weights, loaded.weights_hash
        mean, std, size = tuple(loaded.mean), tuple(loaded.std), loaded.input_size
    else:
        net, name, used = model, type(model).__name__, "given"
        digest = weights_hash(net.state_dict())
    root = Path(data)
    folder = root / "val" if (root / "val").is_dir() else root
    images = load_images(folder, size)
    training = net.training
    try:
        with lent(net.eval(), where) as there, single_precision():
            there = there.to(memory_format=torch.channels_last)
            top1, top5 = accuracy(there, images, mean, std, where)
    finally:
        net.train(training)
    return {
        "model": name,
        "weights": used,
        "weights_hash": digest,
        "images": len(images),
        "top1": round(top1, 4),
        "top5": round(top5, 4),
        "seconds": round(time.perf_counter() - start, 2),
    }
