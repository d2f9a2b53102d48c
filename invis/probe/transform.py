"""Families of transformations of one image, a deviation from grey, that keep its norm."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

TURN = tuple(22.5 * k for k in range(16))


def keep_norm(images: Tensor, norm: Tensor) -> Tensor:
    """Scale images (B, C, h, w) to one norm; empty ones stay empty."""
    norms = images.flatten(1).norm(dim=1).clamp(min=1e-6)
    return images * (norm / norms)[:, None, None, None]


def centre(image: Tensor) -> tuple[float, float]:
    """(row, column) of the centre of energy of an image (C, h, w), in pixels."""
    energy = image.square().sum(0)
    total = energy.sum().clamp(min=1e-12)
    rows = torch.arange(energy.shape[0], dtype=energy.dtype)
    columns = torch.arange(energy.shape[1], dtype=energy.dtype)
    return float(energy.sum(1) @ rows / total), float(energy.sum(0) @ columns / total)


def move(
    image: Tensor, shift: Tensor, angle: Tensor | None = None, scale: Tensor | None = None
) -> Tensor:
    """Shift by (B, 2) rows and columns, turn (degrees) and enlarge about the energy's centre.

    Sub-pixel, bilinear, grey outside: image (C, h, w) -> (B, C, h, w).
    """
    _, height, width = image.shape
    row, column = centre(image)
    angle = torch.zeros(len(shift)) if angle is None else torch.deg2rad(angle)
    scale = torch.ones(len(shift)) if scale is None else scale
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    y = y - row - shift[:, 0, None, None]
    x = x - column - shift[:, 1, None, None]
    c, s, k = (t[:, None, None] for t in (angle.cos(), angle.sin(), scale))
    from_x, from_y = (c * x + s * y) / k + column, (c * y - s * x) / k + row
    grid = torch.stack([(2 * from_x + 1) / width - 1, (2 * from_y + 1) / height - 1], -1)
    many = image.expand(len(shift), -1, -1, -1)
    return functional.grid_sample(many, grid, align_corners=False)


def hue(image: Tensor, degrees: Tensor) -> Tensor:
    """Turn the colours of an image (3, h, w) about the grey axis: (B, 3, h, w)."""
    grey = image.mean(0, keepdim=True)
    colour = image - grey
    across = torch.stack([colour[2] - colour[1], colour[0] - colour[2], colour[1] - colour[0]])
    turn = torch.deg2rad(degrees)[:, None, None, None]
    return grey + turn.cos() * colour + turn.sin() * across / math.sqrt(3)


def phase(image: Tensor, degrees: Tensor, wave: tuple[float, float]) -> Tensor:
    """Turn the phase of an image along `wave`, (row, column) cycles per pixel: (B, C, h, w).

    The quadrature partner is the Hilbert transform along the direction of the wave.
    """
    _, height, width = image.shape
    fy, fx = torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None]
    side = torch.sign(fy * wave[0] + fx * wave[1])
    partner = torch.fft.ifft2(torch.fft.fft2(image) * (-1j * side)).real
    turn = torch.deg2rad(degrees)[:, None, None, None]
    return turn.cos() * image + turn.sin() * partner


def families(image: Tensor, wave: tuple[float, float]) -> dict[str, tuple[Tensor, str, Tensor]]:
    """Every family as name -> (values (V,) or (V, 2), their unit, images (V, C, h, w))."""
    side = max(image.shape[1:])
    steps = torch.linspace(-side * 2 / 3, side * 2 / 3, 17)
    shifts = torch.cartesian_prod(steps, steps)
    turn = torch.tensor(TURN)
    scales = torch.exp2(torch.linspace(-1, 1, 9))
    still = torch.zeros(16, 2)
    found = {
        "translation": (shifts, "px", move(image, shifts)),
        "rotation": (turn, "degrees", move(image, still, turn)),
        "scale": (scales, "times", move(image, still[:9], scale=scales)),
        "phase": (turn, "degrees", phase(image, turn, wave)),
        "polarity": (torch.tensor([1.0, -1.0]), "sign", torch.stack([image, -image])),
    }
    if len(image) == 3:
        found["hue"] = (turn, "degrees", hue(image, turn))
    norm = image.norm()
    return {name: (v, unit, keep_norm(x, norm)) for name, (v, unit, x) in found.items()}
