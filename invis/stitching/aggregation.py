"""Decoders on relative spaces: how several spaces become one vector, and what reads it.

Inputs are tokens (B, S, K): for each of S similarities the K relative coordinates. Three ways to
put the spaces together (Cannistraci et al., ICLR 2024): concatenation; a normalisation and a layer
for each space, then the sum; self-attention with the spaces as tokens. The last two are trained
together with what reads them.

Many decoders of one shape (one per encoder and seed) are trained at once: every weight has a
leading axis G of decoders, and since each has its own loss and Adam works element by element, the
result is that of G separate trainings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from invis.errors import InvisError
from invis.stitching.checks import choice

AGGREGATIONS = ("concatenation", "sum", "attention")


class StackedLinear(nn.Module):
    """G linear layers: (G, B, n) -> (G, B, m), the g-th with its own weight, drawn by its seed."""

    def __init__(self, generators: Sequence[torch.Generator], n: int, m: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n)
        weights = [torch.empty(n, m).uniform_(-bound, bound, generator=g) for g in generators]
        biases = [torch.empty(1, m).uniform_(-bound, bound, generator=g) for g in generators]
        self.weight = nn.Parameter(torch.stack(weights))
        self.bias = nn.Parameter(torch.stack(biases))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)


class Aggregation(nn.Module):
    """Tokens (G, B, S, K) -> vectors (G, B, hidden).

    - `concatenation`: LayerNorm, Linear, Tanh on all S K coordinates; with one space this is the
      usual layer on a relative representation.
    - `sum`: LayerNorm, Linear, Tanh for each space, then the sum (DeepSet style).
    - `attention`: LayerNorm and Linear for each space, one self-attention layer with the spaces as
      tokens, Tanh, then the mean.
    """

    def __init__(
        self,
        kind: str,
        spaces: int,
        anchors: int,
        hidden: int,
        generators: Sequence[torch.Generator],
    ) -> None:
        super().__init__()
        self.kind = choice("aggregation", kind, AGGREGATIONS)
        if kind == "concatenation":
            self.embed = nn.ModuleList([StackedLinear(generators, spaces * anchors, hidden)])
        else:
            self.embed = nn.ModuleList(
                [StackedLinear(generators, anchors, hidden) for _ in range(spaces)]
            )
        if kind == "attention":
            self.query = StackedLinear(generators, hidden, hidden)
            self.key = StackedLinear(generators, hidden, hidden)
            self.value = StackedLinear(generators, hidden, hidden)

    def prepare(self, tokens: Tensor) -> Tensor:
        """(G, N, S, K) -> (G, N, S, K), the LayerNorm; it has no parameters, so once is enough."""
        if self.kind == "concatenation":
            return normalised(tokens.flatten(2)).view(tokens.shape)
        return normalised(tokens)

    def forward(self, prepared: Tensor) -> Tensor:
        if self.kind == "concatenation":
            return torch.tanh(self.embed[0](prepared.flatten(2)))
        each = [layer(prepared[:, :, i]) for i, layer in enumerate(self.embed)]
        if self.kind == "sum":
            return torch.stack([torch.tanh(y) for y in each]).sum(dim=0)
        x = torch.stack(each, dim=2)
        q, k, v = (f(x.flatten(1, 2)).view(x.shape) for f in (self.query, self.key, self.value))
        # (G, B, S, hidden): inputs stand where heads do.
        mixed = F.scaled_dot_product_attention(q, k, v)
        return torch.tanh(x + mixed).mean(dim=2)


class Decoders(nn.Module):
    """G decoders: aggregation, normalisation, and a linear layer for classes or an MLP for pixels.

    Args:
        kind: the aggregation.
        spaces, anchors: S and K of the tokens.
        outputs: classes, or pixels of an image.
        task: `classification` gives logits, `reconstruction` pixels in 0..1.
        hidden: width of the aggregated vector.
        seeds: one per decoder; G of them.
    """

    def __init__(
        self,
        kind: str,
        spaces: int,
        anchors: int,
        outputs: int,
        task: str,
        hidden: int,
        seeds: Sequence[int],
    ) -> None:
        super().__init__()
        if not seeds:
            raise InvisError("seeds is empty; give one seed for each decoder.")
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.task = task
        self.aggregate: Aggregation = Aggregation(kind, spaces, anchors, hidden, generators)
        self.middle = StackedLinear(generators, hidden, 2 * hidden) if task != CLASSES else None
        self.read = StackedLinear(
            generators, hidden if self.middle is None else 2 * hidden, outputs
        )

    def prepare(self, tokens: Tensor) -> Tensor:
        """What `forward` takes, from tokens (G, N, S, K)."""
        return self.aggregate.prepare(tokens)

    def forward(self, prepared: Tensor) -> Tensor:
        """Prepared tokens (G, B, S, K) -> (G, B, outputs)."""
        x = normalised(self.aggregate(prepared))
        if self.middle is None:
            return self.read(x)
        return torch.sigmoid(self.read(F.gelu(self.middle(x))))


CLASSES = "classification"
PIXELS = "reconstruction"
TASKS = (CLASSES, PIXELS)


def normalised(x: Tensor) -> Tensor:
    """Mean 0 and variance 1 over the last axis, without learned parameters."""
    return F.layer_norm(x, x.shape[-1:])
