"""The page of trajectories: trainings that ship, and recordings in the owner's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param

from invis.dashboard.background import Background
from invis.dashboard.page import Figures, Page, controls
from invis.errors import InvisError
from invis.jobs import Job, State
from invis.progress import Step
from invis.trajectory import SHIPPED
from invis.trajectory.growing import LiveTrajectory
from invis.views.trajectory.figures import trajectory_figures
from invis.views.trajectory.style import verdict
from invis.widgets.trajectory_panels import Shown, shown_steps

CSS = [(Path(__file__).parent / "parts.css").read_text(encoding="utf-8")]
WHOLE = "whole network"


class TrajectoriesPage(Page):
    """Attributes:
    run: its name, one of those that ship or lie in the owner's folder.
    layer: whose components; WHOLE for all of them.
    """

    slug: ClassVar[str] = "trajectories"
    linked: ClassVar = ("run", "layer")

    run: Any = param.Selector(objects=list(SHIPPED))
    layer: Any = param.Selector(objects=[WHOLE])

    def __init__(self, folder: Path | None = None, live: bool = True, dark: bool = False) -> None:
        """`folder` holds the owner's runs; without `live` only those whose products are kept."""
        super().__init__(dark)
        self._runs = {
            name: path for name, path in recordings(folder).items() if live or path.suffix == ".npz"
        }
        self.param.run.objects = [*SHIPPED, *self._runs]
        self._figures = Figures()
        self._said = pn.pane.HTML("", stylesheets=CSS, sizing_mode="stretch_width")
        self._live: LiveTrajectory | None = None
        self._work = Background("Read again", self._begin, self._news, 120.0)
        self._work.start.visible = self._work.stop.visible = live
        with suppress(InvisError):  # `_begin` says why.
            self._open()
        self.param.watch(lambda _: self._new_run(), "run")
        self.param.watch(lambda _: self._work.run(), "layer")

    def view(self) -> pn.viewable.Viewable:
        text = (
            "<h1>A training, against chance</h1><p>Principal components of a training's way "
            "through the space of its parameters. A random walk draws the same arcs; which null "
            "explains the spectrum is said below. A run that is still recorded grows when you "
            "read it again.</p>"
        )
        self._work.run_when_seen()
        return pn.Column(
            pn.pane.HTML(text, stylesheets=CSS, sizing_mode="stretch_width"),
            controls(self, self.linked),
            self._work,
            self._said,
            self._figures,
            sizing_mode="stretch_width",
        )

    def close(self) -> None:
        self._work.cancel()

    def _new_run(self) -> None:
        self._live = None
        try:
            self._open()
        except InvisError:  # `_begin` says why.
            self._offer(())
        self._work.run()

    def _open(self) -> LiveTrajectory:
        """The chosen run, with its layers on offer; InvisError where there is nothing to read."""
        if self._live is None:
            self._live = LiveTrajectory(self._runs.get(self.run, self.run))
            self._offer(self._live.layers)
        return self._live

    def _offer(self, layers: Sequence[str]) -> None:
        """Let visitors choose among layers; the whole network where the chosen one isn't there."""
        self.param.layer.objects = [WHOLE, *layers]
        if self.layer not in self.param.layer.objects:
            self.layer = WHOLE

    def _begin(self) -> Any:
        live = self._open()
        layer = None if self.layer == WHOLE else self.layer

        return lambda: shown_steps(live, layer)

    def _news(self, job: Job[Step[Shown]]) -> None:
        if job.state is State.FAILED:
            self._work.say(job.error)
        elif job.state is State.CANCELLED:
            self._work.say("Stopped.")
        elif job.finished:
            (shown,) = job.finished
            self._said.object = f'<p class="lead">{verdict(shown.comparison)}</p>'
            self._figures.draw(
                trajectory_figures(shown.found, shown.comparison, self.dark, shown.bounds)
            )
            self._work.say(job.summary)
        else:
            self._work.say("Reading.")


def recordings(folder: Path | None) -> Mapping[str, Path]:
    """Name -> path of the runs in a folder that the owner named; visitors only choose a name."""
    if folder is None:
        return {}
    found = sorted(path for path in folder.iterdir() if path.is_dir() or path.suffix == ".npz")
    return {path.name: path for path in found if not path.name.startswith(".")}
