"""The slider over a trajectory's checkpoints, its play button, and the numbers of the one shown."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import ipywidgets as ipw
import numpy as np
import traitlets
from numpy.typing import NDArray

from invis.trajectory.matching import matched
from invis.trajectory.nulls import Null
from invis.trajectory.pca import PCA

MILLISECONDS = 150


class StepSlider(ipw.HBox):
    """Goes through the checkpoints by hand, or by itself and again and again.

    Attributes:
        row: of the checkpoint, from 0.
    """

    row = traitlets.Int(0)

    def __init__(self) -> None:
        self._play = ipw.Play(
            interval=MILLISECONDS, repeat=True, show_repeat=False, max=0,
            layout=ipw.Layout(flex="0 0 auto"),
        )  # fmt: skip
        self._slider = ipw.IntSlider(
            readout=False, max=0, layout=ipw.Layout(flex="3 1 260px", min_width="0")
        )
        self._numbers = ipw.HTML(layout=ipw.Layout(flex="4 1 400px", min_width="0"))
        row = ipw.Layout(
            flex_flow="row wrap", grid_gap="4px 10px", width="100%", align_items="center"
        )
        super().__init__([self._play, self._slider, self._numbers], layout=row)
        # In the page: it plays evenly however busy the kernel is.
        ipw.jslink((self._play, "value"), (self._slider, "value"))
        traitlets.link((self, "row"), (self._slider, "value"))

    @property
    def text(self) -> str:
        """The numbers, as HTML."""
        return str(self._numbers.value)

    def show(self, found: PCA, null: Null, metrics: Mapping[str, NDArray[np.float64]]) -> None:
        """Take another trajectory, or one that has grown; at its end it stays at the end."""
        last = len(found.steps) - 1
        at_end = self.row >= self._slider.max
        size = float(np.sqrt(found.eigenvalues.sum() / len(found.steps)))
        self._steps, self._metrics = found.steps, metrics
        self._away = [found.distance_from_plane() / size, matched(found, null).distance / size]
        self._play.max = self._slider.max = last
        if at_end or self.row > last:
            self.row = last
        self.tell()

    def tell(self) -> None:
        """Show the numbers of the checkpoint."""
        observed, walked = (distances[self.row] for distances in self._away)
        parts = [
            f"<b>step {self._steps[self.row]}</b>, checkpoint {self.row + 1} of {len(self._steps)}",
            f"off the plane {observed:.2f} (random walk {walked:.2f})",
        ]
        for name, values in self._metrics.items():
            if self.row < len(values) and np.isfinite(values[self.row]):
                parts.append(f"{escape(name)} {values[self.row]:.3g}")
        self._numbers.value = " &middot; ".join(parts)
