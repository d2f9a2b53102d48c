"""How lucent paints: an image as Fourier coefficients, and the transforms that it must survive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from invis.interop.require import lucent

USUAL_SIZE = 224
CLIP_PASSES = 20

Transform = Callable[[Tensor], Tensor]


def usual_transforms(size: Sequence[int]) -> list[Transform]:
    """lucent's standard transforms in proportion to the image: exactly its own from 224 px on."""
    transform = lucent().transform
    share = min(min(size) / USUAL_SIZE, 1.0)

    def pixels(usual: int, least: int) -> int:
        return max(least, round(usual * share))

    return [
        transform.pad(pixels(12, 1), mode="constant", constant_value=0.5),
        transform.jitter(pixels(8, 2)),
        transform.random_scale([1 + (i - 5) / 50.0 for i in range(11)]),
        transform.random_rotate([*range(-10, 11), *5 * [0]]),
        transform.jitter(pixels(4, 2)),
    ]


def fit(images: Tensor, size: Sequence[int]) -> Tensor:
    """The middle (B, C, H, W) of images of another size, with grey where they are smaller.

    lucent gives the network whatever size its transforms leave, or stretches it to 224.
    """
    pads = []
    for have, want in zip(reversed(images.shape[2:]), reversed(size), strict=True):
        before = (want - have) // 2
        pads += [before, want - have - before]
    return F.pad(images, pads, value=0.5)


def fourier(
    it: Any, images: int, colours: int, rows: int, columns: int
) -> tuple[list[Tensor], Callable[[], Tensor]]:
    """lucent's `param.image` for any number of colours, on the device of its Fourier image."""
    parameters, image_f = it.spatial.fft_image([images, colours, rows, columns])

    def pixels() -> Tensor:
        image = image_f()
        if colours == 3:
            mixed = torch.as_tensor(it.color.color_correlation_normalized).to(image)
            image = torch.einsum("bchw,dc->bdhw", image, mixed)
        return torch.sigmoid(image)

    return parameters, pixels


def eight_bit(pixels: Tensor) -> NDArray[np.uint8]:
    """(B, C, H, W) in [0, 1] -> (B, H, W, C)."""
    levels = (255 * pixels.detach().float()).round().clamp(0, 255)
    return levels.byte().permute(0, 2, 3, 1).cpu().numpy()


def noise_like(noise: Tensor, grey: NDArray[np.floating], contrast: float) -> NDArray[np.uint8]:
    """8-bit images (B, H, W, C) of noise (B, C, H, W) around a grey (C,) with an RMS contrast.

    What the pixel range clips is made up for, as far as it goes.
    """
    x = noise.detach().cpu().permute(0, 2, 3, 1).double().numpy()
    x = x - x.mean((1, 2, 3), keepdims=True)
    for _ in range(CLIP_PASSES):
        held = np.clip(grey + x, 0, 255) - grey
        x = x * contrast / np.sqrt(np.mean(held**2, (1, 2, 3), keepdims=True)).clip(1e-9)
    return np.clip(np.round(grey + x), 0, 255).astype(np.uint8)
