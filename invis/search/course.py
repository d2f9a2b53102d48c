"""The course of a search: what was reached after how many steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

# Of one unit: rows of step, mean nearest distance in units of R, weakest fraction.
Course = Sequence[tuple[int, float, float]]


@dataclass(frozen=True)
class Mark:
    """Where the sets of a batch stood after `step` steps.

    Attributes:
        distance: (U,) mean distance to the nearest neighbour, in units of R.
        weakest: (U,) fraction of each set's weakest image.
    """

    step: int
    distance: Tensor
    weakest: Tensor

    def only(self, keep: Tensor) -> Mark:
        """The same for some units (K,)."""
        return Mark(self.step, self.distance[keep], self.weakest[keep])


def of_unit(marks: Sequence[Mark], unit: int) -> Course:
    """The course of one unit of the batch."""
    return [(m.step, float(m.distance[unit]), float(m.weakest[unit])) for m in marks]
