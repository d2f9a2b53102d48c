"""Small networks whose invariance can be written down, for the tests of the search."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from invis.models.unit import Units, unit

MIDDLE = 128 / 255


class Filters(nn.Module):
    """K linear filters (K, C, h, w) as large as the image, with biases; in grey levels."""

    def __init__(self, filters: Tensor, bias: Tensor | float = 0.0) -> None:
        super().__init__()
        count, channels, height, width = filters.shape
        self.filters = nn.Conv2d(channels, count, (height, width))
        self.filters.weight.data = filters.float() * 255
        self.filters.bias.data = torch.as_tensor(bias).float().expand(count).clone()

    def forward(self, x: Tensor) -> Tensor:
        return self.filters(x)


class Energy(Filters):
    """f = sum_k (w_k . x)^2 + bias, as one channel."""

    def __init__(self, filters: Tensor) -> None:
        super().__init__(filters)
        self.pool = Squares()

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.filters(x))


class Squares(nn.Module):
    """(B, K, 1, 1) -> (B, 1, 1, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.square().sum(1, keepdim=True)


def affine(filters: Tensor, bias: Tensor | float = 0.0) -> Units:
    """Units f_k = w_k . x + b_k of x in grey levels from the middle grey."""
    return _unit(Filters(filters, bias), "filters", list(range(len(filters))), filters)


def energy(filters: Tensor) -> Units:
    """One unit, the sum of squares of the filters (K, C, h, w)."""
    return _unit(Energy(filters), "pool", 0, filters)


def small_net(seed: int = 0) -> nn.Sequential:
    """Two stages of convolutions as in a VGG, with random weights; layer `5` sees 10 px."""
    draw = torch.Generator().manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
    )
    for part in net:
        if isinstance(part, nn.Conv2d):
            fan = part.weight[0].numel()
            part.weight.data.normal_(0, math.sqrt(2 / fan), generator=draw)
            part.bias.data.zero_()
    return net


def small_units(channels: int | list[int], seed: int = 0) -> Units:
    """Units of the last layer of `small_net` in images of 20 px."""
    grey = (MIDDLE,) * 3
    return unit(small_net(seed), "5", channels, mean=grey, std=(0.25,) * 3, input_size=20)


def noise(count: int, size: int = 8, seed: int = 0, channels: int = 3) -> Tensor:
    """(count, channels, size, size) random filters of norm 1."""
    draw = torch.Generator().manual_seed(seed)
    filters = torch.randn(count, channels, size, size, generator=draw)
    return filters / filters.flatten(1).norm(dim=1)[:, None, None, None]


def gabor(size: int = 12, phase: float = 0.0) -> Tensor:
    """(1, 3, size, size) a grey Gabor filter of norm 1, a small bright spot in a dark surround."""
    axis = torch.arange(size) - (size - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    envelope = torch.exp(-(x**2 + y**2) / (2 * (size / 6) ** 2))
    patch = (envelope * torch.cos(2 * math.pi * 0.15 * (x + 0.4 * y) + phase)).expand(1, 3, -1, -1)
    return patch / patch.norm()


def _unit(module: nn.Module, layer: str, channel: int | list[int], filters: Tensor) -> Units:
    grey = (MIDDLE,) * filters.shape[1]
    return unit(
        module, layer, channel, mean=grey, std=(1.0,) * len(grey), input_size=filters.shape[-1]
    )


class Bump(Filters):
    """f = |t| t + share * sum_k q_k^2, t = w_0 . x and q_k = w_k . x: one broad smooth maximum."""

    def __init__(self, filters: Tensor, share: float) -> None:
        super().__init__(filters)
        self.pool = Broad(share)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.filters(x))


class Broad(nn.Module):
    """(B, K, 1, 1) -> (B, 1, 1, 1)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        first, rest = x[:, :1], x[:, 1:]
        return first * first.abs() + self.share * rest.square().sum(1, keepdim=True)


def bump(filters: Tensor, share: float) -> Units:
    """One unit with a maximum at the first of orthonormal filters, broad along the others."""
    return _unit(Bump(filters, share), "pool", 0, filters)
