"""How lucent paints: an image as Fourier coefficients, and the transforms that it must survive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from invis.interop.require import lucent

USUAL_SIZE = 224

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
