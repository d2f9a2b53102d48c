"""The widget that shows a training's trajectory beside the random walk, also while it grows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import traitlets
from torch import nn

from invis.errors import InvisError
from invis.jobs import Job, State
from invis.trajectory.gram import Gram
from invis.trajectory.growing import LiveTrajectory
from invis.trajectory.landscape import Landscape, landscape_steps
from invis.trajectory.matching import matched
from invis.trajectory.nulls import walk
from invis.trajectory.pca import pca
from invis.trajectory.recorder import Recorder
from invis.trajectory.source import Source
from invis.views.trajectory.style import verdict
from invis.widgets.choose import named
from invis.widgets.explorer import Explorer, time_left
from invis.widgets.lifetime import replace_earlier
from invis.widgets.trajectory_panels import COUNTS, VIEWS, Shown, TrajectoryPanels, shown_steps
from invis.widgets.trajectory_steps import StepSlider

WHOLE = "whole network"
SECONDS_BETWEEN_LOOKS = 0.8


class TrajectoryExplorer(Explorer):
    """Components of a training, the random walk behind them, and a slider over its steps.

    Args:
        source: a folder of checkpoints, a recording, a gram.npz, the name of a run that ships
            (`minivgg`, `miniresnet`), a Recorder, a Source or a Gram; `minivgg` if left out.
        follow: look for new checkpoints again and again, and take them in.
        model, loss: a network of the kind that was trained and a function that gives the number
            for such a network, such as `loss_on(images, labels)` or `accuracy_on(images, labels)`:
            then `Map` draws the landscape, which bears the function's name.
        layer: whose components.
        components: how many in pairs, 2 to 5.
        dark: for a dark page; as the page is if left out.

    Attributes:
        layer, components, follow: see above; `layer` is WHOLE for all of them.
        view: one of VIEWS.
        row: of the checkpoint that is marked, from 0.
        shown: PCA and comparison on the screen; None before the first.
        landscape: the map as far as it is known; None before the first.

    Raises:
        InvisError: if there is nothing at that path, or no such layer.
    """

    layer = traitlets.Unicode(WHOLE)
    components = traitlets.Int(4, min=COUNTS[0], max=COUNTS[-1])
    view = traitlets.Enum(VIEWS, VIEWS[0])
    row = traitlets.Int(0)
    follow = traitlets.Bool(False)
    LOOKS_PER_SECOND = 6.0

    def __init__(
        self,
        source: str | Path | Recorder | Source | Gram | None = None,
        follow: bool = False,
        model: nn.Module | None = None,
        loss: Callable[[nn.Module], float] | None = None,
        layer: str = WHOLE,
        components: int = 4,
        dark: bool | None = None,
    ) -> None:
        super().__init__()
        self._live = LiveTrajectory("minivgg" if source is None else source)
        self._model, self._loss = model, loss
        self.shown: Shown | None = None
        self.landscape: Landscape | None = None
        self._following: asyncio.Task | None = None
        self.layer, self.components = layer, components
        self._build(dark)
        self.observe(lambda _: self.search(), "layer")
        self.observe(self._choose, ["view", "components"])
        self.observe(lambda _: self._mark(), "row")
        self.observe(lambda _: self._begin_to_follow(), "follow")
        self.search()
        self.follow = follow
        replace_earlier(self)

    def __repr__(self) -> str:
        return f"TrajectoryExplorer({self._live.name!r})"

    def search(self) -> Job[Any] | None:
        """Read the checkpoints that are new, and find components and nulls."""
        super().stop()
        live, layer = self._live, None if self.layer == WHOLE else self.layer
        return self._start("cpu", lambda: shown_steps(live, layer), f"trajectory {live.name}")

    def map(self) -> Job[Any] | None:
        """Draw the landscape on the plane of the whole network's first two components."""
        source, products = self._live.source, self._live.products
        model, loss = self._model, self._loss
        if source is None or products is None or model is None or loss is None:
            self._say("A map needs checkpoints, a model and a loss function.", wrong=True)
            return None
        super().stop()
        try:
            found = pca(products)
        except InvisError as error:
            self._say(str(error), wrong=True)
            return None
        self._behind_map = matched(found, walk(found.steps)).curves[:, :2]
        return self._start(
            "cpu", lambda: landscape_steps(source, found, model, loss), f"map {self._live.name}"
        )

    def stop(self) -> None:
        """Stop the job and follow no more; what is on the screen stays."""
        self.follow = False
        super().stop()

    def wait(self, timeout: float | None = None) -> Shown | None:
        """Block until the job has ended; what is on the screen then."""
        if self._job is not None and self._job.wait(timeout):
            self._show_progress()
        return self.shown

    @traitlets.validate("layer")
    def _checked_layer(self, proposal: Any) -> str:
        layer = str(proposal["value"])
        if layer != WHOLE and layer not in self._live.layers:
            known = ", ".join(self._live.layers)
            raise InvisError(f"layer {layer!r} does not exist; there are {known}.")
        return layer

    def _build(self, dark: bool | None) -> None:
        thin = {"min_width": "0"}
        self._layer = ipw.Dropdown(
            options=[WHOLE, *self._live.layers], layout=ipw.Layout(flex="2 1 200px", **thin)
        )
        self._view = ipw.Dropdown(options=VIEWS, layout=ipw.Layout(flex="2 1 200px", **thin))
        self._components = ipw.Dropdown(options=COUNTS, layout=ipw.Layout(flex="1 1 90px", **thin))
        self._follow = ipw.Checkbox(
            description="Follow", indent=False, disabled=not self._live.grows,
            tooltip="Take in new checkpoints while the run is still recorded",
            layout=ipw.Layout(width="80px"),
        )  # fmt: skip
        self._search.description, self._search.icon = "Read", "refresh"
        self._map = ipw.Button(
            description="Map", icon="map", tooltip="The loss on the plane of two components",
            layout=ipw.Layout(width="90px", display="none"),
        )  # fmt: skip
        if self._model is not None and self._loss is not None:
            self._map.layout.display = ""
        self._map.on_click(lambda _: self.map())
        self._verdict = ipw.HTML()
        self._slider = StepSlider()
        self._panels = TrajectoryPanels(dark, self.components)
        self._figures = [self._panels, *self._panels.figures.values()]
        row = ipw.Layout(flex_flow="row wrap", grid_gap="4px 10px", width="100%")
        asked = [
            named("layer", self._layer), named("view", self._view),
            named("components in pairs", self._components),
        ]  # fmt: skip
        buttons = [self._search, self._stop, self._map, self._follow, self._progress]
        self.children = [
            ipw.HBox(asked, layout=row),
            ipw.HBox(buttons, layout=row),
            self._status,
            self._verdict,
            self._slider,
            self._panels,
        ]
        for trait, control in {
            "layer": self._layer, "view": self._view, "components": self._components,
            "follow": self._follow,
        }.items():  # fmt: skip
            traitlets.link((self, trait), (control, "value"))
        traitlets.link((self, "row"), (self._slider, "row"))

    def _show_progress(self) -> None:
        """As in every explorer; but to follow means to wait again and again, which is no news."""
        waiting = self._job is not None and self._job.state is State.WAITING
        if not (waiting and self.follow and self.shown is not None):
            super()._show_progress()

    def _show_news(self, job: Job[Any]) -> None:
        latest = job.latest
        shown = next((one for one in job.finished if isinstance(one, Shown)), None)
        if shown is not None and shown is not self.shown:
            self._take(shown)
        elif isinstance(latest, Landscape) and latest is not self.landscape:
            self.landscape = latest
            self._panels.show_landscape(latest, self._behind_map)
        mapping = job.label.startswith("map ")
        what = "map" if mapping else "trajectory"
        if job.state is State.FAILED:
            # A run that begins to be recorded has nothing to show yet.
            self._say(job.error, wrong=not self.follow or self.shown is not None)
        elif job.state is State.CANCELLED:
            self._say(f"The {what} was stopped.")
        elif self.shown is not None and (job.state is State.DONE or (self.follow and not mapping)):
            found = self.shown.found
            size = f"{len(found.steps)} checkpoints of {found.parameters:,} parameters"
            self._say(f"Following: {size} so far." if self.follow else f"{size}.")
        else:
            self._say(f"Working on the {what}{time_left(job)}.")

    def _take(self, new: Shown) -> None:
        self.shown = new
        words = escape(verdict(new.comparison), quote=False)
        self._verdict.value = f'<p style="font-size:1.2em;margin:0">{words}</p>'
        # The row moves before the figures are drawn, so that they are drawn once.
        self._slider.show(new.found, new.comparison.fits["walk"].null, self._live.metrics)
        self._panels.show(new, self.row)

    def _choose(self, _: Any) -> None:
        self._panels.choose(self.view, self.components)

    def _mark(self) -> None:
        """Show the checkpoint of the slider in all figures, and its numbers."""
        if self.shown is not None and 0 <= self.row < len(self.shown.found.steps):
            self._slider.tell()
            self._panels.mark(self.row)

    def _begin_to_follow(self) -> None:
        if self._following is not None:
            self._following.cancel()
            self._following = None
        self._show_progress()
        if self.follow:
            with suppress(RuntimeError):  # Outside a notebook the caller reads again.
                self._following = asyncio.get_running_loop().create_task(self._keep_looking())

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            if self._job is not None and not self._job.ended:
                continue
            try:
                grown = await asyncio.to_thread(self._live.grown)
            except InvisError as error:
                self._say(str(error))
                continue
            if grown and (self._job is None or self._job.ended):
                self._show_progress()  # What that one left, nobody may have looked at yet.
                self.search()
