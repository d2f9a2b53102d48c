"""The page of stitching: the digits study, computed once for all visitors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param

from invis.dashboard.background import Background
from invis.dashboard.page import Figures, Page, controls, sentence
from invis.jobs import Job, State
from invis.progress import Step
from invis.stitching.aggregation import TASKS
from invis.stitching.forgiveness import TRANSFORMATIONS
from invis.stitching.matrix import StitchSettings
from invis.stitching.networks import DEFAULT
from invis.stitching.study import Study, study_steps
from invis.views.stitching.forgives import forgives_figure
from invis.views.stitching.points import points_figure
from invis.views.stitching.reconstructions import reconstructions_figure
from invis.views.stitching.scores import matrix_figure, methods_figure

CSS = [(Path(__file__).parent / "parts.css").read_text(encoding="utf-8")]
PANELS = ("Matrix", "Methods", "Pictures", "Points", "Forgives")
POINTS, SECONDS = 500, 300.0
# The study of this process, once some visitor has asked for it.
_study: list[Study] = []


class StitchingPage(Page):
    """Attributes:
    panel: what is shown.
    encoder, decoder: the pair of Pictures and Points.
    transformation, strength: of Forgives, strength in per cent.
    """

    slug: ClassVar[str] = "stitching"
    title: ClassVar[str] = "Stitching"
    linked: ClassVar = ("panel", "encoder", "decoder", "transformation", "strength")

    panel: Any = param.Selector(objects=list(PANELS))
    encoder: Any = param.Selector(default=DEFAULT[0], objects=list(DEFAULT))
    decoder: Any = param.Selector(default=DEFAULT[1], objects=list(DEFAULT))
    transformation: Any = param.Selector(objects=list(TRANSFORMATIONS))
    strength = param.Integer(default=50, bounds=(0, 100))

    def __init__(self, live: bool = True, dark: bool = False) -> None:
        super().__init__(dark)
        self._live = live
        self._said = sentence("The study is not computed yet.", wrong=False)
        self._figures = Figures()
        self._work = Background("Stitch", self._begin, self._news, SECONDS)
        self.param.watch(lambda _: self.show(), list(self.linked))

    def view(self) -> pn.viewable.Viewable:
        text = (
            "<h1>Networks that were trained apart</h1><p>Six encoders of handwritten digits; for "
            "each, a decoder that names the digit. Every decoder reads every encoder: by absolute "
            "coordinates that is noise, by similarities to shared anchors it works. The nulls say "
            "how much of that means anything.</p>"
        )
        if self._live and not _study:
            self._work.run()
        self.show()
        return pn.Column(
            pn.pane.HTML(text, stylesheets=CSS, sizing_mode="stretch_width"),
            controls(self, self.linked),
            *([self._work] if self._live else []),
            self._said,
            self._figures,
            sizing_mode="stretch_width",
        )

    def close(self) -> None:
        self._work.cancel()

    def show(self) -> None:
        """Draw the panel, once there is a study."""
        self._said.visible = not _study
        if _study:
            self._figures.draw([self._figure(_study[0])])

    def _begin(self) -> Any:
        def work() -> Iterator[Step[Study]]:
            if _study:
                yield Step(1.0, "ready", _study)
            else:
                yield from study_steps(settings=StitchSettings(tasks=TASKS))

        return work

    def _news(self, job: Job[Step[Study]]) -> None:
        if job.state is State.FAILED:
            self._work.say(job.error)
        elif job.state is State.CANCELLED:
            self._work.say("Stopped.")
        elif job.state is State.DONE and job.finished:
            _study[:] = job.finished[-1:]
            self._work.say("Ready.")
            self.show()
        elif job.latest is not None:
            self._work.say(job.summary)

    def _figure(self, study: Study) -> Any:
        first, pictured = study.results[0], study.results[-1]
        if self.panel == "Matrix":
            return matrix_figure(first, dark=self.dark)
        if self.panel == "Methods":
            return methods_figure(first, self.dark)
        if self.panel == "Pictures":
            return reconstructions_figure(pictured, self.encoder, self.decoder, dark=self.dark)
        if self.panel == "Forgives":
            place = study.latents.names.index(self.encoder)
            points = study.latents.test[0][place][:POINTS]
            return forgives_figure(
                points, study.anchors(place), self.transformation,
                strength=self.strength / 100, dark=self.dark,
            )  # fmt: skip
        before, after = study.pair(self.encoder, self.decoder, POINTS)
        labels, classes = study.data.test_labels[:POINTS], study.data.classes
        return points_figure(
            before, after, labels, classes, (self.encoder, self.decoder), self.dark
        )
