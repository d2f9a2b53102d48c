"""The transformations that an explanation is composed of, and how many numbers each needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# Fields smaller than this many pixels have so many parts a side: finer ones fit noise.
PARTS = ((20, 2), (40, 3), (math.inf, 4))


@dataclass(frozen=True)
class Move:
    """One family of transformations in a composition; all its numbers at 0 change nothing.

    A move must have name, scale and candidates; `invis.probe.explain.scene` says what it does.

    Attributes:
        name: in sentences and records.
        scale: of a number 1, in the unit of `axis`; steps of a fit are as long.
        axis: the unit of its numbers.
        numbers: how many a part has.
        parts: whether it has numbers for every part of the field, or for the whole.
        colours: whether it needs three colours.
        starts: (K, numbers) values that a fit may start from, of which the best is taken.
        linear: the image is linear in the numbers, so that least squares finds a start, too.
        period: of a number, where it is an angle.
        discrete: the numbers stay what they started as.
    """

    name: str
    scale: float
    axis: str
    starts: Callable[[], Tensor]
    numbers: int = 1
    parts: bool = False
    colours: bool = False
    linear: bool = False
    period: float | None = None
    discrete: bool = False

    def size(self, grid: int) -> int:
        """Numbers in all, on a field of grid x grid parts."""
        return self.numbers * (grid**2 if self.parts else 1)


def grid_for(side: int) -> int:
    """Parts a side of a field of so many pixels."""
    return next(parts for limit, parts in PARTS if side < limit)


def _even(count: int) -> Tensor:
    """Angles around a turn in radians, but for 0."""
    return torch.arange(1, count)[:, None] * (2 * math.pi / count)


def _around(count: int, *radii: float) -> Tensor:
    """(K, 2) points on circles."""
    turn = torch.arange(count) * (2 * math.pi / count)
    circle = torch.stack([turn.sin(), turn.cos()], 1)
    return torch.cat([circle * r for r in radii])


def _square(count: int, most: float) -> Tensor:
    """(K, 2) points on a grid."""
    steps = torch.linspace(-most, most, count)
    return torch.cartesian_prod(steps, steps)


def _list(*values: float) -> Tensor:
    return torch.tensor(values)[:, None]


# The simplest first: of two that explain the same, the earlier one is named. Displacements are in
# shares of the field's side, angles in radians, sizes in natural logarithms.
MOVES = (
    Move("polarity", 1.0, "sign", lambda: _list(1.0), discrete=True),
    Move("hue", 1.0, "radians", lambda: _even(12), colours=True, period=2 * math.pi),
    Move("phase", 1.0, "radians", lambda: _even(16), period=2 * math.pi),
    Move("rotation", 0.5, "radians", lambda: _even(48), period=2 * math.pi),
    Move("scale", 0.3, "log size", lambda: _list(-0.7, -0.35, -0.15, 0.15, 0.35, 0.7)),
    Move("blur", 0.05, "sides", lambda: _list(0.02, 0.05, 0.1)),
    Move("saturation", 0.5, "gain", lambda: _list(-1.0, -0.5, 1.0, 2.0), colours=True),
    Move("shift", 0.1, "sides", lambda: _square(13, 2 / 3), numbers=2),
    Move("shear", 0.3, "strain", lambda: _around(8, 0.25, 0.5), numbers=2),
    Move("contrast of parts", 0.5, "log gain", lambda: torch.zeros(0, 1), parts=True),
    Move("polarity of parts", 0.5, "gain", lambda: torch.zeros(0, 1), parts=True, linear=True),
    Move("bend", 0.06, "sides", lambda: torch.zeros(0, 2), numbers=2, parts=True),
    Move("colour", 0.5, "gain", lambda: torch.zeros(0, 9), numbers=9, colours=True, linear=True),
    Move(
        "colour of parts", 0.5, "gain", lambda: torch.zeros(0, 2), numbers=2, parts=True,
        colours=True, linear=True,
    ),
)  # fmt: skip
MOVE_NAMES = tuple(move.name for move in MOVES)
