"""The loss, or any number, on the plane of two components of a trajectory.

A map of a plane says little about what lies off it. So some checkpoints are measured as they are
and at their projections on the plane: where the two agree, the map can be believed along the path.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from invis.errors import InvisError
from invis.models.memory import check_memory
from invis.trajectory.pca import PCA, directions
from invis.trajectory.source import Source

Array = NDArray[np.float64]
Evaluate = Callable[[nn.Module], float]


@dataclass(frozen=True, eq=False)
class Landscape:
    """A map as far as it is known.

    Attributes:
        components: the two components, from 0.
        x, y: (S,) scores on them at which the map is measured.
        values: (S, S) numbers at (y, x); NaN where not yet measured.
        steps: (T,) of the checkpoints.
        path: (T, 2) their projections.
        distance: (T,) how far each lies from the plane.
        checked: (C,) indices of the checkpoints that are measured.
        own_values: (C,) numbers of these checkpoints themselves; NaN where not yet measured.
        plane_values: (C,) numbers of their projections.
        fraction_done: 0 to 1.
        name: of the number, such as `loss`: that of the function which measures it.
    """

    components: tuple[int, int]
    x: Array
    y: Array
    values: Array
    steps: NDArray[np.int64]
    path: Array
    distance: Array
    checked: NDArray[np.int64]
    own_values: Array
    plane_values: Array
    fraction_done: float = 0.0
    name: str = "loss"

    @property
    def summary(self) -> str:
        """A few words for a progress bar."""
        return f"{np.isfinite(self.values).sum()} of {self.values.size} points"

    @property
    def finished(self) -> list[Landscape]:
        """Itself, once every point is measured."""
        return [self] if self.fraction_done == 1 else []


def landscape_steps(
    source: Source,
    found: PCA,
    model: nn.Module,
    evaluate: Evaluate,
    components: tuple[int, int] = (0, 1),
    size: int = 25,
    margin: float = 0.25,
    checks: int = 12,
) -> Iterator[Landscape]:
    """Measure point by point, first roughly and then ever finer; closing the generator cancels.

    Args:
        source: the checkpoints.
        found: their PCA, of the whole network.
        model: a network of the kind that was trained; a copy of it is used.
        evaluate: gives the number for a network with certain parameters, such as `loss_on`.
        components: the plane.
        size: points along each axis.
        margin: how far the map goes beyond the path, as a share of the path's extent.
        checks: checkpoints that are measured as they are and on the plane.

    Raises:
        InvisError: if the model has other parameters, or there are no two such components.
    """
    if size < 2 or found.layer is not None or components[0] == components[1]:
        raise InvisError(
            f"components {components!r} of {found.layer or 'the network'} on {size} points: give "
            "two components of the whole network and at least 2 points."
        )
    # Numbers, which of them are known, the order, and the copies of a snapshot.
    check_memory(64 * size**2, f"size {size} needs", "ask for fewer points along an axis")
    mean, axes = directions(source, found, components)
    net = copy.deepcopy(model)
    targets = _targets(source, net)

    def at(vector: NDArray[np.float32] | Tensor) -> float:
        _load(targets, source, torch.as_tensor(vector))
        return float(evaluate(net))

    path = found.scores[:, list(components)]
    x, y = (_axis(path[:, k], size, margin) for k in (0, 1))
    rows = np.unique(np.linspace(0, len(path) - 1, min(checks, len(path))).round().astype(int))
    unknown = np.full(len(rows), np.nan)
    now = Landscape(
        components, x, y, np.full((size, size), np.nan), found.steps, path,
        found.distance_from_plane(components), rows, unknown, unknown, name=_name(evaluate),
    )  # fmt: skip
    points = list(coarse_to_fine(size))
    total, done = len(points) + 2 * len(rows), 0
    own, plane, values = unknown.copy(), unknown.copy(), now.values.copy()

    def snapshot() -> Landscape:
        return replace(
            now, values=values.copy(), own_values=own.copy(), plane_values=plane.copy(),
            fraction_done=done / total,
        )  # fmt: skip

    for k, row in enumerate(rows.tolist()):
        own[k] = at(source.read([row], 0, source.layout.parameters)[0])
        plane[k] = at(mean + path[row].astype(np.float32) @ axes)
        done += 2
        yield snapshot()
    for i, j in points:
        values[i, j] = at(mean + np.array([x[j], y[i]], dtype=np.float32) @ axes)
        done += 1
        yield snapshot()


def coarse_to_fine(size: int) -> Iterator[tuple[int, int]]:
    """Every point of a (size, size) grid once: every 8th row and column first, then between."""
    seen = set()
    for stride in (8, 4, 2, 1):
        for i in range(0, size, stride):
            for j in range(0, size, stride):
                if (i, j) not in seen:
                    seen.add((i, j))
                    yield i, j


def loss_on(images: Tensor, labels: Tensor) -> Evaluate:
    """Mean cross-entropy of a classifier on images (B, ...) with labels (B,).

    Batch norm takes the statistics of these images: those that it gathered in training belong to
    no point of the plane.
    """

    def loss(net: nn.Module) -> float:
        return float(F.cross_entropy(_outputs(net, images), labels))

    return loss


def accuracy_on(images: Tensor, labels: Tensor) -> Evaluate:
    """Share of the images (B, ...) that a classifier names as the labels (B,); see `loss_on`."""

    def accuracy(net: nn.Module) -> float:
        return float((_outputs(net, images).argmax(1) == labels).double().mean())

    return accuracy


def _name(evaluate: Evaluate) -> str:
    """What a function measures, by its own name; a nameless one measures the loss."""
    name = getattr(evaluate, "__name__", "")
    return name.replace("_", " ") if name.isidentifier() else "loss"


@torch.no_grad()
def _outputs(net: nn.Module, images: Tensor) -> Tensor:
    net.eval()
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train()
    return net(images)


def _targets(source: Source, net: nn.Module) -> list[Tensor]:
    """The parameters of the copy in the order of the checkpoints' tensors."""
    named = dict(net.named_parameters())
    for name, shape in zip(source.layout.names, source.layout.shapes, strict=True):
        if name not in named or tuple(named[name].shape) != shape:
            other = tuple(named[name].shape) if name in named else "nothing"
            raise InvisError(
                f"model has {other} where the checkpoints have {name} of shape {shape}: give the "
                "network that was trained."
            )
    return [named[name] for name in source.layout.names]


@torch.no_grad()
def _load(targets: list[Tensor], source: Source, vector: Tensor) -> None:
    starts = source.layout.starts
    for k, target in enumerate(targets):
        target.copy_(vector[starts[k] : starts[k + 1]].view_as(target))


def _axis(scores: Array, size: int, margin: float) -> Array:
    low, high = scores.min(), scores.max()
    beyond = margin * (high - low)
    return np.linspace(low - beyond, high + beyond, size)
