"""The widget that shows a training's trajectory beside the random walk, also while it grows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import traitlets
from torch import nn

from invis.errors import InvisError
from invis.jobs import Job, State
from invis.trajectory.gram import Gram
from invis.trajectory.landscape import Landscape, landscape_steps
from invis.trajectory.live import Analysis, LiveTrajectory
from invis.trajectory.recorder import Recorder
from invis.trajectory.source import Source
from invis.views.trajectory_spectrum import walk_band
from invis.views.trajectory_words import verdict
from invis.widgets.choose import named
from invis.widgets.explorer import Explorer, time_left
from invis.widgets.lifetime import replace_earlier
from invis.widgets.trajectory_panels import VIEWS, Shown, TrajectoryPanels

WHOLE = "whole network"
SECONDS_BETWEEN_LOOKS = 0.8


class TrajectoryExplorer(Explorer):
    """Components of a training, the random walk behind them, and a slider over its steps.

    Args:
        source: a folder of checkpoints, a recording, a gram.npz, the name of a run that ships
            (`minivgg`, `miniresnet`), a Recorder, a Source or a Gram.
        follow: look for new checkpoints again and again, and take them in.
        model, loss: a network of the kind that was trained and a function that gives the number
            for such a network, such as `loss_on(images, labels)`: then `Map` draws the landscape.
        dark: for a dark page.

    Attributes:
        layer: whose components; WHOLE for all of them.
        view: one of VIEWS.
        row: of the checkpoint that is marked, from 0.
        follow: see above.
        shown: PCA and comparison on the screen; None before the first.
        landscape: the map as far as it is known; None before the first.

    Raises:
        InvisError: if there is nothing at that path.
    """

    layer = traitlets.Unicode(WHOLE)
    view = traitlets.Enum(VIEWS, VIEWS[0])
    row = traitlets.Int(0)
    follow = traitlets.Bool(False)
    LOOKS_PER_SECOND = 6.0

    def __init__(
        self,
        source: str | Path | Recorder | Source | Gram = "minivgg",
        follow: bool = False,
        model: nn.Module | None = None,
        loss: Callable[[nn.Module], float] | None = None,
        dark: bool = False,
    ) -> None:
        super().__init__()
        self._live = LiveTrajectory(source)
        self._model, self._loss, self._dark = model, loss, dark
        self.shown: Shown | None = None
        self.landscape: Landscape | None = None
        self._following: asyncio.Task | None = None
        self._build()
        self.observe(lambda _: self.search(), "layer")
        self.observe(lambda _: self._panels.choose(self.view), "view")
        self.observe(lambda _: self._mark(), "row")
        self.observe(lambda _: self._begin_to_follow(), "follow")
        self.search()
        self.follow = follow
        replace_earlier(self)

    def __repr__(self) -> str:
        return f"TrajectoryExplorer({self._live.name!r})"

    def search(self) -> Job[Any] | None:
        """Read the checkpoints that are new, and find components and nulls."""
        self.stop()
        live, layer = self._live, None if self.layer == WHOLE else self.layer
        return self._start("cpu", lambda: _analyse(live, layer), f"trajectory {live.name}")

    def map(self) -> Job[Any] | None:
        """Draw the landscape on the plane of the first two components, the path on top."""
        if self.shown is None or self._live.source is None or self._model is None:
            self._say("A map needs checkpoints, a model and a loss function.", wrong=True)
            return None
        self.stop()
        source, found, model, loss = self._live.source, self.shown.found, self._model, self._loss
        assert loss is not None
        return self._start(
            "cpu", lambda: landscape_steps(source, found, model, loss), f"map {self._live.name}"
        )

    def wait(self, timeout: float | None = None) -> Shown | None:
        """Block until the job has ended; what is on the screen then."""
        if self._job is not None and self._job.wait(timeout):
            self._show_progress()
        return self.shown

    def close(self) -> None:
        """Cancel the job, follow no more, and remove the widget."""
        if self._following is not None:
            self._following.cancel()
        super().close()

    def _build(self) -> None:
        thin = {"min_width": "0"}
        self._layer = ipw.Dropdown(options=[WHOLE], layout=ipw.Layout(flex="2 1 220px", **thin))
        self._view = ipw.Dropdown(options=VIEWS, layout=ipw.Layout(flex="2 1 240px", **thin))
        self._follow = ipw.Checkbox(
            description="Follow", indent=False, layout=ipw.Layout(flex="0 0 90px")
        )
        self._search.description, self._search.icon = "Read", "refresh"
        self._map = ipw.Button(
            description="Map", icon="map", layout=ipw.Layout(width="90px", display="none")
        )
        if self._model is not None and self._loss is not None:
            self._map.layout.display = ""
        self._map.on_click(lambda _: self.map())
        self._slider = ipw.IntSlider(
            readout=False, layout=ipw.Layout(flex="1 1 200px", **thin), description="step"
        )
        self._numbers = ipw.HTML(layout=ipw.Layout(flex="2 1 300px", **thin))
        self._verdict = ipw.HTML()
        self._panels = TrajectoryPanels(self._dark)
        self._figures = [self._panels, *self._panels.figures.values()]
        row = ipw.Layout(flex_flow="row wrap", grid_gap="4px 10px", width="100%")
        asked = [named("layer", self._layer), named("view", self._view), self._follow]
        self.children = [
            ipw.HBox(asked, layout=row),
            ipw.HBox([self._search, self._stop, self._map, self._progress], layout=row),
            self._status,
            self._verdict,
            ipw.HBox([self._slider, self._numbers], layout=row),
            self._panels,
        ]
        traitlets.link((self, "layer"), (self._layer, "value"))
        traitlets.link((self, "view"), (self._view, "value"))
        traitlets.link((self, "follow"), (self._follow, "value"))
        traitlets.link((self, "row"), (self._slider, "value"))

    def _show_news(self, job: Job[Any]) -> None:
        latest = job.latest
        if isinstance(latest, Shown) and latest is not self.shown:
            self._take(latest)
        elif isinstance(latest, Landscape) and latest is not self.landscape:
            self.landscape = latest
            self._panels.show_landscape(latest)
        what = "map" if isinstance(latest, Landscape) else "trajectory"
        if job.state is State.FAILED:
            self._say(job.error, wrong=not self.follow)
        elif job.state is State.CANCELLED:
            self._say(f"The {what} was stopped.")
        elif job.state is State.DONE and self.shown is not None:
            count = len(self.shown.found.steps)
            self._say(f"{count} checkpoints of {self.shown.found.parameters:,} parameters.")
        else:
            self._say(f"Working on the {what}{time_left(job)}.")

    def _take(self, new: Shown) -> None:
        last = len(new.found.steps) - 1
        at_end = self.shown is None or self.row == len(self.shown.found.steps) - 1
        self.shown = new
        products = self._live.products
        if products is not None and len(self._layer.options) != len(products.layers) + 1:
            self._layer.options = [WHOLE, *products.layers]
        self._slider.max = max(last, 0)
        self._verdict.value = f'<p style="font-size:1.15em;margin:0">{verdict(new.comparison)}</p>'
        self._panels.show(new)
        if at_end or self.row > last:
            self.row = last
        self._mark()

    def _mark(self) -> None:
        """Show the checkpoint of the slider in all figures, and its numbers."""
        if self.shown is None or not 0 <= self.row < len(self.shown.found.steps):
            return
        self._panels.mark(self.row)
        steps = self.shown.found.steps
        parts = [f"<b>step {steps[self.row]}</b>, checkpoint {self.row + 1} of {len(steps)}"]
        for name, values in self._live.metrics.items():
            if self.row < len(values):
                parts.append(f"{escape(name)} {values[self.row]:.3g}")
        self._numbers.value = " &middot; ".join(parts)

    def _begin_to_follow(self) -> None:
        if self._following is not None:
            self._following.cancel()
            self._following = None
        if self.follow:
            try:
                self._following = asyncio.get_running_loop().create_task(self._keep_looking())
            except RuntimeError:
                self._following = None  # Outside a notebook the caller reads again.

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            if self._job is not None and not self._job.ended:
                continue
            try:
                grown = self._live.grown()
            except InvisError as error:
                self._say(str(error))
                continue
            if grown:
                self.search()


def _analyse(live: LiveTrajectory, layer: str | None) -> Iterator[Analysis | Shown]:
    for analysis in live.steps(layer):
        if analysis.found is None or analysis.comparison is None:
            yield analysis
        else:
            bounds = walk_band(analysis.found, analysis.comparison)
            yield Shown(analysis.found, analysis.comparison, bounds)
