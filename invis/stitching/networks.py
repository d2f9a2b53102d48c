"""A dozen small encoders that train in seconds, from five families.

All end in a linear layer onto one latent width, so that every pair can be compared, and differ in
everything else: architecture, width, depth, what they were trained for.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from invis.stitching.checks import choice

Shape = tuple[int, int, int]


def _mlp(shape: Shape, latent: int, hidden: int, depth: int) -> nn.Module:
    widths = [shape[0] * shape[1] * shape[2], *[hidden] * depth]
    layers: list[nn.Module] = [nn.Flatten()]
    for n, m in pairwise(widths):
        layers += [nn.Linear(n, m), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], latent))


def _pooled(latent: int, channels: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, latent)]


def _cnn(shape: Shape, latent: int, width: int) -> nn.Module:
    """Two strided convolutions."""
    return nn.Sequential(
        nn.Conv2d(shape[0], width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.ReLU(),
        *_pooled(latent, 2 * width),
    )


def _vgg(shape: Shape, latent: int, width: int) -> nn.Module:
    """Pairs of 3x3 convolutions between max poolings, as in minivgg."""
    layers: list[nn.Module] = []
    channels = shape[0]
    for stage in (width, 2 * width):
        for _ in range(2):
            layers += [nn.Conv2d(channels, stage, 3, padding=1), nn.BatchNorm2d(stage), nn.ReLU()]
            channels = stage
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, *_pooled(latent, channels))


class _Block(nn.Module):
    """Two 3x3 convolutions added to their input, as in miniresnet without the bottleneck."""

    def __init__(self, n: int, m: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n, m, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(m),
            nn.ReLU(),
            nn.Conv2d(m, m, 3, padding=1, bias=False),
            nn.BatchNorm2d(m),
        )
        self.skip = nn.Conv2d(n, m, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.skip(x))


def _resnet(shape: Shape, latent: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(shape[0], width, 3, padding=1),
        _Block(width, width, 1),
        _Block(width, 2 * width, 2),
        *_pooled(latent, 2 * width),
    )


Builder = Callable[[Shape, int], nn.Module]

# Classifiers learn to name the class; autoencoders to draw the image again, without any label.
CLASSIFIERS: dict[str, Builder] = {
    "mlp": lambda shape, latent: _mlp(shape, latent, 128, 1),
    "mlp-wide": lambda shape, latent: _mlp(shape, latent, 512, 1),
    "mlp-deep": lambda shape, latent: _mlp(shape, latent, 96, 3),
    "cnn": lambda shape, latent: _cnn(shape, latent, 16),
    "cnn-wide": lambda shape, latent: _cnn(shape, latent, 48),
    "vgg": lambda shape, latent: _vgg(shape, latent, 12),
    "vgg-wide": lambda shape, latent: _vgg(shape, latent, 24),
    "resnet": lambda shape, latent: _resnet(shape, latent, 12),
    "resnet-wide": lambda shape, latent: _resnet(shape, latent, 24),
}
AUTOENCODERS: dict[str, Builder] = {
    "autoencoder": lambda shape, latent: _mlp(shape, latent, 128, 1),
    "autoencoder-wide": lambda shape, latent: _mlp(shape, latent, 384, 2),
    "autoencoder-cnn": lambda shape, latent: _cnn(shape, latent, 24),
}
SMALL = (*CLASSIFIERS, *AUTOENCODERS)

# One of each family, and both aims.
DEFAULT = ("mlp", "cnn", "vgg", "resnet", "autoencoder", "autoencoder-cnn")


def build(name: str, shape: Shape, latent: int, seed: int) -> nn.Module:
    """The small encoder (B, C, H, W) -> (B, latent), drawn by its seed.

    Raises:
        InvisError: there is no such small encoder.
    """
    choice("encoder", name, SMALL)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_own_seed(name, "encoder", seed))
        return (CLASSIFIERS | AUTOENCODERS)[name](shape, latent)


def build_head(name: str, shape: Shape, latent: int, classes: int, seed: int) -> nn.Module:
    """What the encoder is trained with: a linear classifier, or a decoder (B, latent) -> pixels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_own_seed(name, "head", seed))
        if name in CLASSIFIERS:
            return nn.Linear(latent, classes)
        pixels = shape[0] * shape[1] * shape[2]
        return nn.Sequential(
            nn.Linear(latent, 128), nn.ReLU(), nn.Linear(128, pixels), nn.Sigmoid()
        )


def _own_seed(name: str, part: str, seed: int) -> int:
    # Heads that start alike would pull the encoders below them towards a common language.
    return zlib.crc32(f"{name}/{part}/{seed}".encode())
