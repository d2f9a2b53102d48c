"""Ground truth: units whose invariance is known exactly, as ordinary torch modules.

With x the image as a vector (pixel deviations from grey over 255, three colours, 24 x 24 px) and w
unit vectors:

    simple_cell       f = w.x                               none: a linear unit
    complex_cell      f = (w1.x)^2 + (w2.x)^2               phase: w1, w2 a quadrature pair
    polarity_cell     f = |w.x|                             contrast polarity
    translation_cell  f = max_k w_k.x, w_k at 9 positions   translation by 8 px
    rotation_cell     f = max_k w_k.x, w_k at 8 angles      rotation by 22.5 degrees
    hue_cell          f = (w1.x)^2 + (w2.x)^2               hue: one pattern in two opponent colours

Responses are scaled so that an image of one grey level RMS contrast along w gives f = w.x = 1. The
vectors of one unit are orthonormal (made so by the symmetric orthogonalisation of Loewdin, which
changes them least), so what their sets can reach follows from geometry alone: invis.search.check.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

SIZE = 24
MEAN = (128 / 255,) * 3
STD = (1.0,) * 3
INPUT_SIZE = (SIZE, SIZE)
# Pixel deviations arrive over 255; one grey level RMS has norm sqrt(3) * SIZE in grey levels.
GAIN = 255 / (math.sqrt(3) * SIZE)


class Filters(nn.Conv2d):
    """Responses (B, K, 1, 1) of K filters as large as the image."""

    def __init__(self, filters: Tensor) -> None:
        super().__init__(3, len(filters), SIZE, bias=False)
        self.weight = nn.Parameter(filters * GAIN, requires_grad=False)


class Energy(nn.Module):
    """Sum of squares over the filters: (B, K, 1, 1) -> (B, 1, 1, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.square().sum(1, keepdim=True)


class Strongest(nn.Module):
    """The largest of the filters: (B, K, 1, 1) -> (B, 1, 1, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(1, keepdim=True)


class Magnitude(nn.Module):
    """The absolute value."""

    def forward(self, x: Tensor) -> Tensor:
        return x.abs()


class GroundTruth(nn.Module):
    """All ground-truth units side by side; each child is a layer with one channel.

    `forward` maps images (B, 3, 24, 24) to (B, 6), one column a unit.
    """

    def __init__(self) -> None:
        super().__init__()
        for name, (filters, pool) in _recipes().items():
            self.add_module(name, nn.Sequential(Filters(filters), pool))

    def forward(self, x: Tensor) -> Tensor:
        found = [cell(x) for cell in self.children()]
        return torch.cat(found, 1).flatten(1)

    def filters(self, name: str) -> Tensor:
        """(K, 3 * 24 * 24) the orthonormal vectors w_k of a unit."""
        return self.get_submodule(name)[0].weight.detach().flatten(1) / GAIN  # type: ignore[index]


def unit_names() -> list[str]:
    """The units, the simplest first."""
    return list(_recipes())


def _recipes() -> dict[str, tuple[Tensor, nn.Module]]:
    edge = _grey(gabor(0.125, 30.0, 0.0, 4.0))
    quadrature = torch.stack([edge, _grey(gabor(0.125, 30.0, 90.0, 4.0))])
    spots = torch.stack([_grey(spot(y, x)) for y in (4, 12, 20) for x in (4, 12, 20)])
    angles = torch.stack([_grey(gabor(0.17, 22.5 * k, 0.0, 5.0)) for k in range(8)])
    blob = gabor(0.06, 90.0, 0.0, 4.0)
    red_green = torch.tensor([1.0, -1.0, 0.0])[:, None, None]
    blue_yellow = torch.tensor([-0.5, -0.5, 1.0])[:, None, None]
    hues = torch.stack([red_green * blob, blue_yellow * blob])
    return {
        "simple_cell": (orthonormal(edge[None]), nn.Identity()),
        "complex_cell": (orthonormal(quadrature), Energy()),
        "polarity_cell": (orthonormal(edge[None]), Magnitude()),
        "translation_cell": (orthonormal(spots), Strongest()),
        "rotation_cell": (orthonormal(angles), Strongest()),
        "hue_cell": (orthonormal(hues), Energy()),
    }


def gabor(frequency: float, angle: float, phase: float, sigma: float) -> Tensor:
    """(24, 24) grating in a Gaussian window; cycles per pixel, degrees, degrees, pixels."""
    y, x = _grid()
    turn = math.radians(angle)
    along = x * math.cos(turn) + y * math.sin(turn)
    wave = torch.cos(2 * math.pi * frequency * along + math.radians(phase))
    return torch.exp(-(x**2 + y**2) / (2 * sigma**2)) * wave


def spot(row: float, column: float, sigma: float = 2.0) -> Tensor:
    """(24, 24) a light centre with a dark surround at a place in pixels."""
    y, x = _grid()
    squared = (y + SIZE / 2 - 0.5 - row + 0.5) ** 2 + (x + SIZE / 2 - 0.5 - column + 0.5) ** 2
    return (1 - squared / (2 * sigma**2)) * torch.exp(-squared / (2 * sigma**2))


def orthonormal(filters: Tensor) -> Tensor:
    """The orthonormal vectors nearest to the given ones (K, C, h, w): W (W W^T)^(-1/2)."""
    rows = filters.flatten(1).double()
    rows = rows / rows.norm(dim=1, keepdim=True)
    u, _, vt = torch.linalg.svd(rows, full_matrices=False)
    return (u @ vt).float().view_as(filters)


def _grid() -> tuple[Tensor, Tensor]:
    axis = torch.arange(SIZE, dtype=torch.float32) - (SIZE - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return y, x


def _grey(pattern: Tensor) -> Tensor:
    return pattern.expand(3, -1, -1)
