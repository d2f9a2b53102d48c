"""How the embedded networks are trained: every number of the recipe in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """A short training: one cycle of the learning rate, images that grow while it runs.

    Attributes:
        epochs: passes over the training images.
        batch: images a step.
        peak_rate: highest learning rate of SGD with Nesterov momentum.
        warmup: share of all steps in which the rate rises linearly; then it falls as a cosine to 0.
        momentum: of SGD.
        decay: weight decay of convolution and linear weights (not of biases and batch norms).
        smoothing: label smoothing of the cross entropy.
        average: decay of the exponential moving average of the weights; the average is shipped.
        sizes: (share of the epochs after which it ends, image side in pixels). Small images first,
            as an epoch costs in proportion to the pixels; crops of unresized pixels at the end.
    """

    epochs: int
    batch: int = 128
    peak_rate: float = 0.15
    warmup: float = 0.12
    momentum: float = 0.9
    decay: float = 5e-4
    smoothing: float = 0.05
    average: float = 0.998
    sizes: tuple[tuple[float, int], ...] = ((0.76, 32), (1.0, 48))

    def rate(self, step: int, steps: int) -> float:
        """Learning rate at `step` (0-based) of `steps`."""
        progress = (step + 1) / steps
        if progress < self.warmup:
            return self.peak_rate * progress / self.warmup
        return (
            0.5
            * self.peak_rate
            * (1 + math.cos(math.pi * (progress - self.warmup) / (1 - self.warmup)))
        )

    def size(self, epoch: int, epochs: int) -> int:
        """Side of the training images in `epoch` (0-based) of `epochs`."""
        progress = (epoch + 1) / epochs
        return next(side for end, side in self.sizes if progress <= end + 1e-9)

    def averaging(self, step: int) -> float:
        """Decay of the moving average at `step`: short at first, so that the start is forgotten."""
        return min(self.average, (1 + step) / (10 + step))


RECIPES = {
    "minivgg": Recipe(epochs=12),
    # It learns more slowly: twelve epochs, three of them of unresized pixels, end below 45% top-1.
    "miniresnet": Recipe(epochs=16, batch=64, peak_rate=0.08, sizes=((0.63, 32), (1.0, 48))),
}
