"""Units as functions on the unit sphere of a metric, evaluated in micro-batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from invis.errors import InvisError
from invis.models.devices import single_precision
from invis.models.unit import Units
from invis.search.metric import Metric
from invis.search.sphere import dot, unit

LEAST_CPU_BATCH = 8
ACCELERATOR_BATCH = 2048
# Convolutions of fewer images may take another kernel, whose rounding differs.
SMALLEST_BATCH = 4
BOX_PASSES = 8
# A pixel this far outside its range, in grey levels, is the business of rounding.
SLACK = 0.25
# How far beyond the range's edge a pass aims: the shape of what sticks out changes on the way.
OVERSHOOT = 1.5

Responses = Callable[[Tensor, Tensor], Tensor]


class Problem:
    """The responses of a batch of units to images given as unit vectors.

    A vector v (D,) stands for the image metric.image(v), a deviation from grey in grey levels.

    Attributes:
        units: the units, U of them.
        metric: the space of the images.
        grey_response: (U,) g, each unit's response to plain grey.
        low, high: (C, 1, 1) the pixel range as deviations from grey.
        micro_batch: images evaluated at once; halved whenever the device runs out of memory.
    """

    def __init__(self, units: Units, metric: Metric, responses: Responses | None = None) -> None:
        self.units = units
        self.device = torch.device(units.device)
        self.metric = metric.to(self.device)
        grey = units.grey.to(self.device).float()[:, None, None]
        self.low, self.high = -grey, 255 - grey
        on_cpu = max(units.cone.cpu_batch, LEAST_CPU_BATCH)
        self.micro_batch = on_cpu if self.device.type == "cpu" else ACCELERATOR_BATCH
        self._responses = responses or units.responses
        count = len(units)
        self.grey_response = self.value(
            torch.zeros(count, metric.size, device=self.device, dtype=torch.float32),
            torch.arange(count, device=self.device),
        )

    def image(self, v: Tensor) -> Tensor:
        """(B, D) -> (B, C, h, w) deviations from grey in grey levels."""
        return self.metric.image(v)

    def value(self, v: Tensor, index: Tensor) -> Tensor:
        """(B, D) vectors and the unit (B,) of each -> (B,) responses."""

        return self.image_value(self.image(v), index)

    def value_and_gradient(self, v: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """As `value`, with the gradients (B, D) with respect to v."""

        def run(part: Tensor, who: Tensor) -> tuple[Tensor, ...]:
            part = part.detach().requires_grad_()
            f = self.respond(self.image(part), who)
            (g,) = torch.autograd.grad(f.sum(), part)
            return f.detach(), g

        f, g = self.run(run, v, index)
        return f, g

    def image_value(self, x: Tensor, index: Tensor) -> Tensor:
        """Images (B, C, h, w), deviations from grey -> responses (B,)."""

        def run(part: Tensor, who: Tensor) -> tuple[Tensor, ...]:
            with torch.no_grad():
                return (self.respond(part, who),)

        return self.run(run, x, index)[0]

    def image_gradient(self, x: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, C, h, w), deviations from grey -> responses (B,) and their gradients."""

        def run(part: Tensor, who: Tensor) -> tuple[Tensor, ...]:
            part = part.detach().requires_grad_()
            f = self.respond(part, who)
            (g,) = torch.autograd.grad(f.sum(), part)
            return f.detach(), g

        f, g = self.run(run, x, index)
        return f, g

    def inside(self, v: Tensor, passes: int = BOX_PASSES) -> Tensor:
        """Bring images into the pixel range, on the sphere of the metric.

        Each pass takes what sticks out of an image back, by the shortest way in the metric: the
        adjoint of `image` spreads it over the frequencies in which a change is cheap, where
        clipping would turn it into fine noise. What still sticks out in the end is clipped in the
        8-bit image.
        """
        part, rows = v, torch.arange(len(v), device=v.device)
        for _ in range(passes):
            x = self.image(part)
            beyond = x - torch.minimum(torch.maximum(x, self.low), self.high)
            out = beyond.flatten(1).abs().amax(1) > SLACK
            if not out.any():
                break
            part, rows, beyond = part[out], rows[out], beyond[out]
            back = self.metric.pull(beyond)
            moved = (self.image(back) * (beyond != 0)).flatten(1)
            step = dot(beyond.flatten(1), moved) / dot(moved, moved).clamp_min(1e-20)
            part = unit(part - OVERSHOOT * step[:, None] * back)
            v = v.index_copy(0, rows, part)
        return v

    def vectors(self, pixels: NDArray[np.uint8]) -> Tensor:
        """8-bit images (B, h, w, C) -> (B, D) what the metric knows of them."""
        x = torch.as_tensor(pixels, device=self.device).permute(0, 3, 1, 2).float() + self.low
        return self.metric.vectors(x)

    @single_precision()
    def run(self, run: Callable[..., tuple[Tensor, ...]], *arguments: Tensor) -> tuple[Tensor, ...]:
        """Call `run` on micro-batches of the arguments' rows and join what it returns.

        The batch is halved whenever the device runs out of memory.
        """
        total, start, parts = len(arguments[0]), 0, []
        while start < total:
            size = min(self.micro_batch, total - start)
            if 0 < total - start - size < SMALLEST_BATCH < size:
                size -= SMALLEST_BATCH
            rows = torch.arange(start, start + max(size, SMALLEST_BATCH), device=self.device)
            rows = rows.clamp(max=total - 1)
            try:
                parts.append([part[:size] for part in run(*(a[rows] for a in arguments))])
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                self._step_down(size)
            else:
                start += size
        return tuple(torch.cat(column) for column in zip(*parts, strict=True))

    def _step_down(self, failed: int) -> None:
        if failed <= SMALLEST_BATCH:
            raise InvisError(
                f"device {str(self.device)!r} has too little free memory for {SMALLEST_BATCH} "
                f"images of {self.units.addresses[0]}: free some, or use device 'cpu'"
            )
        self.micro_batch = max(SMALLEST_BATCH, failed // 2)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def respond(self, x: Tensor, who: Tensor) -> Tensor:
        """Images (B, C, h, w) and the unit of each -> responses (B,), which are checked."""
        f = self._responses(x, who).float()
        if not torch.isfinite(f).all():
            bad = self.units.addresses[int(who[int((~torch.isfinite(f)).nonzero()[0])])]
            raise InvisError(
                f"{bad} responds with NaN or infinity: check the model's weights for such values"
            )
        return f


def _out_of_memory(error: RuntimeError) -> bool:
    kind = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)
    text = str(error)
    return isinstance(error, kind) or "out of memory" in text or "can't allocate memory" in text
