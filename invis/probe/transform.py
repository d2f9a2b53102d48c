"""Transformations of one image, a deviation from grey: (C, h, w) -> (B, C, h, w)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

# Waves of a deformation are no shorter than this share of the field: local, yet smooth.
SMOOTHNESS = 0.25

Place = Callable[[Tensor], Tensor]


def flat(images: Tensor) -> Tensor:
    """Images (B, C, h, w) -> vectors (B, C h w), their pixels."""
    return images.flatten(1)


def keep_norm(images: Tensor, norm: Tensor, place: Place = flat) -> Tensor:
    """Scale images (B, C, h, w) to one norm of their vectors; empty ones stay empty."""
    norms = place(images).norm(dim=1)
    norms = norms.clamp(min=1e-7 * float(norm))
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

    Sub-pixel, bilinear, grey outside.
    """
    row, column = centre(image)
    angle = torch.zeros(len(shift)) if angle is None else torch.deg2rad(angle)
    scale = torch.ones(len(shift)) if scale is None else scale
    y, x = _grid(image)
    y = y - row - shift[:, 0, None, None]
    x = x - column - shift[:, 1, None, None]
    c, s, k = (t[:, None, None] for t in (angle.cos(), angle.sin(), scale))
    return _sample(image, (c * y - s * x) / k + row, (c * x + s * y) / k + column)


def deform(image: Tensor, amplitude: Tensor, seed: int = 0) -> Tensor:
    """Displace pixels by a smooth random field of RMS `amplitude` (B,) pixels, each another field.

    The field has no mean, so nothing moves as a whole.
    """
    _, height, width = image.shape
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(amplitude), 2, height, width, generator=generator)
    fy, fx = torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None]
    longest = SMOOTHNESS * max(height, width)
    smooth = torch.exp(-0.5 * ((fy**2 + fx**2) * (2 * math.pi * longest / 2) ** 2))
    smooth[0, 0] = 0
    field = torch.fft.ifft2(torch.fft.fft2(noise) * smooth).real
    rms = field.square().sum(1, keepdim=True).mean((1, 2, 3), keepdim=True).sqrt() * math.sqrt(2)
    field = field * (amplitude[:, None, None, None] / rms.clamp(min=1e-9))
    y, x = _grid(image)
    return _sample(image, y - field[:, 0], x - field[:, 1])


def blur(image: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur of (B,) pixels, grey outside."""
    side = max(image.shape[1:])
    padded = functional.pad(image, (side, side, side, side))
    fy = torch.fft.fftfreq(padded.shape[1])[:, None]
    fx = torch.fft.fftfreq(padded.shape[2])[None]
    squared = 2 * math.pi**2 * (fy**2 + fx**2)
    soft = torch.exp(-squared * sigma[:, None, None] ** 2)[:, None]
    found = torch.fft.ifft2(torch.fft.fft2(padded) * soft).real
    return found[..., side : side + image.shape[1], side : side + image.shape[2]]


def hue(image: Tensor, degrees: Tensor) -> Tensor:
    """Turn the colours of an image (3, h, w) about the grey axis."""
    grey = image.mean(0, keepdim=True)
    colour = image - grey
    across = torch.stack([colour[2] - colour[1], colour[0] - colour[2], colour[1] - colour[0]])
    turn = torch.deg2rad(degrees)[:, None, None, None]
    return grey + turn.cos() * colour + turn.sin() * across / math.sqrt(3)


def phase(image: Tensor, degrees: Tensor, wave: tuple[float, float]) -> Tensor:
    """Turn the phase of an image along `wave`, (row, column) cycles per pixel.

    The quadrature partner is the Hilbert transform along the direction of the wave.
    """
    turn = torch.deg2rad(degrees)[:, None, None, None]
    return turn.cos() * image + turn.sin() * partner(image, wave)


def partner(image: Tensor, wave: tuple[float, float]) -> Tensor:
    """(C, h, w) the image a quarter of a period on, at every frequency, along `wave`."""
    _, height, width = image.shape
    fy, fx = torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None]
    side = torch.sign(fy * wave[0] + fx * wave[1])
    return torch.fft.ifft2(torch.fft.fft2(image) * (-1j * side)).real


def envelope(image: Tensor, wave: tuple[float, float]) -> Tensor:
    """(C, h, w) the local amplitude of an image, whatever its phase along `wave`."""
    return (image.square() + partner(image, wave).square()).sqrt()


def _grid(image: Tensor) -> tuple[Tensor, Tensor]:
    _, height, width = image.shape
    rows, columns = torch.arange(height).float(), torch.arange(width).float()
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return y, x


def _sample(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """The image at places y, x (B, h, w) in pixels."""
    _, height, width = image.shape
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
    return functional.grid_sample(image.expand(len(grid), -1, -1, -1), grid, align_corners=False)
