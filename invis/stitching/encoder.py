"""Encoders: any torch module, the layer that is its latent space, and how images enter it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from invis.errors import InvisError
from invis.models.devices import single_precision
from invis.stitching.checks import choice


@dataclass(frozen=True)
class Encoder:
    """Images in, vectors out.

    Attributes:
        name: in tables and figures.
        module: any torch module that takes (B, C, H, W).
        layer: dotted name of the module whose output is the latent space; "" for the module's own
            output, None for what enters its last linear layer (the penultimate features of a
            classifier). Feature maps are averaged over their positions.
        mean, std: normalisation for pixels in 0..1, per channel.
        size: rows and columns that images are resized to; None to leave them.
        channels: 1 or 3; grey images are repeated, colours become luminance.
        width: reduce the latent space to this many dimensions by a random projection with
            orthonormal columns, so that encoders of unequal widths can share a table.
    """

    name: str
    module: nn.Module
    layer: str | None = None
    mean: Sequence[float] = (0.5,)
    std: Sequence[float] = (0.5,)
    size: tuple[int, int] | None = None
    channels: int = 1
    width: int | None = None

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise InvisError(f"channels {self.channels} is not possible; it must be 1 or 3.")
        if self.layer:
            choice("layer", self.layer, (name for name, _ in self.module.named_modules() if name))

    def prepare(self, images: NDArray[np.uint8]) -> Tensor:
        """(B, H, W, C) 8-bit images -> the module's input (B, channels, h, w), float32."""
        x = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
        if x.shape[1] == 1 and self.channels == 3:
            x = x.expand(-1, 3, -1, -1)
        elif x.shape[1] == 3 and self.channels == 1:
            luminance = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
            x = (x * luminance).sum(dim=1, keepdim=True)
        if self.size is not None and tuple(x.shape[2:]) != tuple(self.size):
            x = F.interpolate(x, size=self.size, mode="bilinear", antialias=True)
        mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (self.mean, self.std))
        return (x - mean) / std

    @torch.no_grad()
    @single_precision()
    def encode(self, images: NDArray[np.uint8], device: torch.device) -> NDArray[np.float32]:
        """(B, H, W, C) 8-bit images -> (B, d) latent vectors.

        The module must be on `device`. Its weights, modes and hooks are as before afterwards.

        Raises:
            InvisError: the layer was not reached, or its output is no tensor (B, ...).
        """
        with evaluating(self.module), _capture(self) as caught:
            output = self.module(self.prepare(images).to(device))
        value = output if self.layer == "" else caught.get("value")
        if value is None:
            raise InvisError(
                f"layer {self.layer!r} of encoder {self.name!r} was not reached by a forward pass."
            )
        if not isinstance(value, Tensor) or value.ndim < 2 or len(value) != len(images):
            raise InvisError(
                f"layer {self.layer!r} of encoder {self.name!r} gives no tensor with one row per "
                "image; choose another layer."
            )
        if value.ndim == 3:
            value = value.mean(dim=1)
        elif value.ndim > 3:
            value = value.flatten(2).mean(dim=2)
        latents = value.float().cpu()
        if self.width is not None:
            latents = latents @ self._projection(latents.shape[1])
        return latents.numpy()

    def _projection(self, width: int) -> Tensor:
        if self.width is None or not 1 <= self.width <= width:
            raise InvisError(
                f"width {self.width} is not possible for encoder {self.name!r}; "
                f"its latent space has {width} dimensions."
            )
        # Another matrix for each encoder: a common one would align spaces that share a basis.
        seed = int.from_bytes(self.name.encode(), "big") % (2**31)
        random = torch.randn(width, self.width, generator=torch.Generator().manual_seed(seed))
        return torch.linalg.qr(random)[0]

    def untrained(self, seed: int = 0) -> Encoder:
        """The same architecture with weights as before any training; the null of this encoder.

        Raises:
            InvisError: no part of the module knows how to draw its weights (reset_parameters).
        """
        module = copy.deepcopy(self.module)
        drawn = [getattr(part, "reset_parameters", None) for part in module.modules()]
        parts = [draw for draw in drawn if callable(draw)]
        if not parts:
            raise InvisError(
                f"encoder {self.name!r} has no layer with reset_parameters, so it has no "
                "untrained twin."
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for draw in parts:
                draw()
        return replace(self, module=module)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; every part's own mode again afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


@contextmanager
def _capture(encoder: Encoder) -> Iterator[dict[str, Tensor]]:
    """Catch the latent value of one forward pass; the hook is gone afterwards."""
    caught: dict[str, Tensor] = {}

    def keep(value: object) -> None:
        # A copy: what follows may work in place.
        caught["value"] = value.clone() if isinstance(value, Tensor) else value  # type: ignore[assignment]

    if encoder.layer == "":
        yield caught
        return
    if encoder.layer is None:
        linear = [part for part in encoder.module.modules() if isinstance(part, nn.Linear)]
        if not linear:
            raise InvisError(
                f"encoder {encoder.name!r} has no linear layer whose input could be its latent "
                "space; name a layer."
            )
        hook = linear[-1].register_forward_pre_hook(lambda _m, inputs: keep(inputs[0]))
    else:
        part = encoder.module.get_submodule(encoder.layer)
        hook = part.register_forward_hook(lambda _m, _i, output: keep(output))
    try:
        yield caught
    finally:
        hook.remove()
