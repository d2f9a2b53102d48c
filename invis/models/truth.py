"""Ground truth: units whose invariance is known exactly, as ordinary torch modules.

With x the image as a vector (pixel deviations from grey over 255, three colours, 24 x 24 px):

    simple_cell       f = w.x                               none: a linear unit
    complex_cell      f = (w1.x)^2 + (w2.x)^2               phase: w1, w2 a quadrature pair
    polarity_cell     f = |w.x|                             contrast polarity
    translation_cell  f = max_k w_k.x, w_k at 9 positions   translation by 8 px
    rotation_cell     f = max_k w_k.x, w_k at 8 angles      rotation by 22.5 degrees
    hue_cell          f = (w1.x)^2 + (w2.x)^2               hue: one pattern in two opponent colours

Responses are scaled so that an image of one grey level RMS contrast along w gives f = w.x = 1. The
vectors of one unit are orthonormal (made so by the symmetric orthogonalisation of Loewdin, which
changes them least), but for the hue cell, whose w1 has half the length of w2.

What their sets can reach follows from geometry alone, and depends on the metric: with x = R S v
(`invis.search.metric`) a unit's filters are S w_k.

*Pixels*, S = 1. The simplest: all phases, positions and angles count alike. Of the hue cell two
poles are left at a floor of 0.9, green and magenta: it ignores their polarity and little else.

*Natural images.* The phases of the complex cell stay within 1 % of a circle. Members of the maxima
differ by 1 % in length, as cosines see them cut off at the border or along their diagonals, so that
a floor of 0.9 reaches all of them. Photographs vary twice as much along red-blue as along
green-magenta, whatever the frequency, and so the hue cell's two colours are alike: all hues count
the same. `invis.search.geometry` computes what this allows.
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
        """(K, 3 * 24 * 24) the vectors w_k of a unit."""
        return self.get_submodule(name)[0].weight.detach().flatten(1) / GAIN  # type: ignore[index]


def unit_names() -> list[str]:
    """The units, the simplest first."""
    return list(_recipes())


def _recipes() -> dict[str, tuple[Tensor, nn.Module]]:
    edge = _grey(gabor(0.125, 30.0, 0.0, 4.0))
    quadrature = torch.stack([edge, _grey(gabor(0.125, 30.0, 90.0, 4.0))])
    places = [(row, column) for row in (-8, 0, 8) for column in (-8, 0, 8)]
    bars = torch.stack([_grey(gabor(0.25, 0.0, 0.0, 2.0, at)) for at in places])
    angles = torch.stack([_grey(gabor(0.17, 22.5 * k, 0.0, 5.0)) for k in range(8)])
    blob = gabor(0.06, 90.0, 0.0, 4.0)
    # The opponent axes of photographs, as data/statistics has them.
    red_blue = torch.tensor([0.73, -0.04, -0.68])[:, None, None]
    green_magenta = torch.tensor([-0.37, 0.81, -0.45])[:, None, None]
    hues = torch.stack([red_blue * blob, green_magenta * blob])
    # Where photographs vary twice as much, half the sensitivity makes a circle of hues.
    as_common = torch.tensor([0.5, 1.0])[:, None, None, None]
    return {
        "simple_cell": (orthonormal(edge[None]), nn.Identity()),
        "complex_cell": (orthonormal(quadrature), Energy()),
        "polarity_cell": (orthonormal(edge[None]), Magnitude()),
        "translation_cell": (orthonormal(bars), Strongest()),
        "rotation_cell": (orthonormal(angles), Strongest()),
        "hue_cell": (orthonormal(hues) * as_common, Energy()),
    }


def gabor(
    frequency: float, angle: float, phase: float, sigma: float, at: tuple[float, float] = (0, 0)
) -> Tensor:
    """(24, 24) grating in a Gaussian window.

    Args:
        frequency: cycles per pixel.
        angle, phase: degrees.
        sigma: of the window, in pixels.
        at: rows and columns from the middle to the window's.
    """
    y, x = _grid()
    y, x = y - at[0], x - at[1]
    turn = math.radians(angle)
    along = x * math.cos(turn) + y * math.sin(turn)
    wave = torch.cos(2 * math.pi * frequency * along + math.radians(phase))
    return torch.exp(-(x**2 + y**2) / (2 * sigma**2)) * wave


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
