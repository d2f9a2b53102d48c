"""Train many decoders at once, each on the space of its own encoder, and score them on any."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from invis.stitching.aggregation import CLASSES, Decoders


@dataclass(frozen=True)
class Recipe:
    """How decoders are trained; the same for all methods, so that none is favoured.

    Attributes:
        hidden: width of a decoder's hidden vector.
        steps: of Adam.
        batch: inputs a step.
        rate: learning rate at the start; it falls to zero along a cosine.
    """

    hidden: int = 32
    steps: int = 80
    batch: int = 128
    rate: float = 1e-2


def train_decoders(
    tokens: Tensor,
    targets: Tensor,
    *,
    outputs: int,
    task: str,
    aggregation: str = "concatenation",
    seeds: Sequence[int],
    recipe: Recipe = Recipe(),
) -> Iterator[tuple[int, Decoders]]:
    """Train G decoders; yields (steps done, the decoders so far) a few times, last when done.

    Args:
        tokens: (G, N, S, K), the g-th decoder's own training inputs.
        targets: (N,) int64 classes, or (N, pixels) in 0..1; the inputs are the same for all G.
        outputs: number of classes or pixels.
        task: `classification` (cross-entropy) or `reconstruction` (squared error).
        aggregation: how the S spaces become one.
        seeds: (G,), of each decoder's start and order of inputs.
        recipe: steps, batch, learning rate, width.
    """
    groups, count, spaces, anchors = tokens.shape
    decoders = Decoders(aggregation, spaces, anchors, outputs, task, recipe.hidden, seeds)
    decoders.to(tokens.device)
    prepared = decoders.prepare(tokens)
    device = tokens.device
    # The tokens as they came are as large as the prepared ones.
    del tokens
    optimiser = Adam(list(decoders.parameters()))
    order = _orders(count, min(recipe.batch, count), recipe.steps, seeds).to(device)
    # Whole rows of one long table: far cheaper than an index for each axis.
    rows = prepared.flatten(0, 1)
    places = order + count * torch.arange(groups, device=device)[:, None, None]
    for step in range(recipe.steps):
        chosen = order[:, step]
        batch = rows.index_select(0, places[:, step].flatten())
        predicted = decoders(batch.unflatten(0, chosen.shape))
        if task == CLASSES:
            wanted = targets[chosen].flatten()
            loss = F.cross_entropy(predicted.flatten(0, 1), wanted) * groups
        else:
            loss = F.mse_loss(predicted, targets[chosen]) * groups
        rate = recipe.rate * (1 + math.cos(math.pi * step / recipe.steps)) / 2
        optimiser.step(loss, rate)
        if step % 30 == 29:
            yield step + 1, decoders
    yield recipe.steps, decoders.requires_grad_(False)


class Adam:
    """Adam (Kingma and Ba 2015) with torch's defaults, one rate a step.

    torch.optim takes seconds to import, more than the decoders take to train.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = list(parameters)
        self._mean = [torch.zeros_like(p) for p in self._parameters]
        self._square = [torch.zeros_like(p) for p in self._parameters]
        self._steps = 0

    def step(self, loss: Tensor, rate: float) -> None:
        """Follow the gradient of `loss`."""
        self._steps += 1
        rate *= math.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps)
        small = 1e-8 * math.sqrt(1 - 0.999**self._steps)
        gradients = torch.autograd.grad(loss, self._parameters)
        state = zip(self._parameters, self._mean, self._square, gradients, strict=True)
        with torch.no_grad():
            for parameter, mean, square, gradient in state:
                mean.lerp_(gradient, 0.1)
                square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
                parameter.addcdiv_(mean, square.sqrt().add_(small), value=-rate)


def _orders(count: int, batch: int, steps: int, seeds: Sequence[int]) -> Tensor:
    """(G, steps, batch) indices: whole epochs in random order, each decoder in its own."""
    needed = steps * batch
    rows = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        epochs = [rng.permutation(count) for _ in range(-(-needed // count))] or [np.empty(0, int)]
        rows.append(np.concatenate(epochs)[:needed].reshape(steps, batch))
    return torch.from_numpy(np.stack(rows))


@torch.no_grad()
def predict(decoders: Decoders, tokens: Iterable[Tensor]) -> Tensor:
    """G times (N, S, K) -> (G, N, outputs), the g-th decoder on the g-th tokens.

    Where one tensor is there several times, its preparation is shared.
    """
    given = list(tokens)
    prepared = {id(one): decoders.prepare(one[None])[0] for one in given}
    return decoders(torch.stack([prepared[id(one)] for one in given]))


def scores(predicted: Tensor, targets: Tensor, task: str) -> NDArray[np.float64]:
    """(G,) accuracy, or root mean squared error in units of the pixel range."""
    if task == CLASSES:
        right = predicted.argmax(dim=-1) == targets
        return right.double().mean(dim=1).cpu().numpy()
    return (predicted - targets).double().square().mean(dim=(1, 2)).sqrt().cpu().numpy()
