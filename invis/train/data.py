"""Batches to train on: random crops and mirror images, and the network's normalisation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from invis.files.imagefolder import Images

SMALLEST_CROP = 0.75


def training_batches(
    images: Images, batch: int, size: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch in random order: (B, 3, size, size) uint8 (channels last) and (B,) labels.

    Augmentation is light because short trainings under-fit: a mirror image half of the time and a
    crop of 75 to 100% of each side, resized. The crop's shape is drawn once per batch, so that one
    resize serves it, and its place once per image. Where `size` is at least 75% of the images'
    side, crops of just that size are taken and not resized: a network that never saw unsmoothed
    pixels while training recognises a third fewer of them later. The last, smaller batch is
    dropped (batch norm needs batches of like size) unless it is the only one.
    """
    height, width = images.pixels.shape[1:3]
    order = rng.permutation(len(images))
    batch = min(batch, len(order))
    resampled = size < SMALLEST_CROP * min(height, width)
    for start in range(0, len(order) - batch + 1, batch):
        chosen = order[start : start + batch]
        if resampled:
            h = int(rng.integers(round(SMALLEST_CROP * height), height + 1))
            w = int(rng.integers(round(SMALLEST_CROP * width), width + 1))
        else:
            h = w = size
        tops = rng.integers(0, height - h + 1, size=batch)
        lefts = rng.integers(0, width - w + 1, size=batch)
        mirrored = rng.random(batch) < 0.5
        crops = np.empty((batch, h, w, 3), dtype=np.uint8)
        for i, index in enumerate(chosen):
            crop = images.pixels[index, tops[i] : tops[i] + h, lefts[i] : lefts[i] + w]
            crops[i] = crop[:, ::-1] if mirrored[i] else crop
        x = torch.from_numpy(crops).permute(0, 3, 1, 2)
        if (h, w) != (size, size):
            x = functional.interpolate(x, size=(size, size), mode="bilinear", antialias=True)
        yield x, torch.from_numpy(images.labels[chosen])


def normalise(x: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """(B, 3, H, W) uint8 -> the float32 network input (x / 255 - mean) / std, channels last."""
    shift = torch.tensor(mean, device=x.device).view(1, -1, 1, 1)
    scale = torch.tensor(std, device=x.device).view(1, -1, 1, 1)
    y = (x.float() / 255 - shift) / scale
    return y.contiguous(memory_format=torch.channels_last)
