"""The widget that crosses encoders and decoders of networks that were trained apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as ipw
import traitlets

from invis.errors import InvisError
from invis.jobs import Job, State
from invis.progress import Step
from invis.stitching.aggregation import CLASSES, TASKS
from invis.stitching.anchors import STRATEGIES
from invis.stitching.matrix import StitchSettings
from invis.stitching.methods import methods
from invis.stitching.networks import DEFAULT, SMALL
from invis.stitching.similarities import PRODUCT, SIMILARITIES
from invis.stitching.specs import EMBEDDED
from invis.stitching.study import Study, study_steps
from invis.stitching.table import summary
from invis.widgets.choose import named
from invis.widgets.explorer import Explorer, time_left
from invis.widgets.lifetime import replace_earlier
from invis.widgets.stitch_forgives import Forgives
from invis.widgets.stitch_panels import PANELS, StitchPanels

FORGIVES = "Forgives"
COUNTS = (8, 16, 32, 64, 128)
BEST = "the best of each kind"


class StitchExplorer(Explorer):
    """Stitch a matrix in the background, and look at it from all sides.

    Args:
        data: `digits`, or a folder with a folder of images a class.
        encoders: names of small encoders or of the zoo; six small ones for digits, the embedded
            networks for other images when left out.
        anchors: how many inputs the spaces share.
        seeds: networks, anchors and decoders anew.
        limit: at most so many training and so many test images.
        dark: for a dark page; as the page is if left out.

    Attributes:
        panel: what is shown: Matrix, Methods, Pictures, Anchors, Points or Forgives.
        study: what is on the screen; None before the first.
    """

    panel = traitlets.Enum((*PANELS, FORGIVES), PANELS[0])
    LOOKS_PER_SECOND = 6.0

    def __init__(
        self,
        data: str = "digits",
        encoders: Sequence[str] = (),
        anchors: int = 128,
        seeds: int = 1,
        limit: int | None = None,
        dark: bool | None = None,
    ) -> None:
        super().__init__()
        self._limit = limit
        self.study: Study | None = None
        self._build(data, list(encoders), anchors, seeds, dark)
        self.observe(lambda _: self._choose(), "panel")
        self._method.observe(lambda _: self._method_chosen(), "value")
        self._say("Press Stitch: a few seconds, and half a minute the first time.")
        replace_earlier(self)

    def __repr__(self) -> str:
        return f"StitchExplorer({self._data.value!r})"

    def search(self) -> Job[Any] | None:
        """Stitch what the controls say; None, with the reason in `message`, for bad input."""
        self.stop()
        data, seeds = self._data.value.strip(), self._seeds.value
        encoders = list(self._encoders.value)
        counts = [n for n in COUNTS if n <= self._anchors.value] if self._sweep.value else []
        try:
            settings = StitchSettings(
                anchors=self._anchors.value,
                strategy=self._strategy.value,
                methods=methods(self._similarities.value),
                tasks=TASKS if self._images.value else (CLASSES,),
            )
        except InvisError as error:
            self._say(str(error), wrong=True)
            return None
        return self._start(
            "cpu",
            lambda: study_steps(
                data, encoders, settings, seeds=seeds, counts=counts, limit=self._limit
            ),
            f"stitch {data}",
        )

    def wait(self, timeout: float | None = None) -> Study | None:
        """Block until the job has ended; what is on the screen then."""
        if self._job is not None and self._job.wait(timeout):
            self._show_progress()
        return self.study

    def choose_pair(self, encoder: str, decoder: str) -> None:
        """Show a pair's pictures and points, as a click on the matrix does."""
        self._panels.choose_pair(encoder, decoder)

    def _build(
        self, data: str, encoders: list[str], anchors: int, seeds: int, dark: bool | None
    ) -> None:  # fmt: skip
        thin = {"min_width": "0"}
        wide = ipw.Layout(flex="1 1 110px", **thin)
        self._data = ipw.Text(data, continuous_update=False, layout=ipw.Layout(flex="1 1 160px"))
        names = encoders or list(DEFAULT if data == "digits" else EMBEDDED)
        allowed = list(dict.fromkeys([*SMALL, *EMBEDDED, *names]))
        self._encoders = ipw.TagsInput(
            value=names, allowed_tags=allowed, allow_duplicates=False,
            layout=ipw.Layout(flex="4 1 400px", **thin),
        )  # fmt: skip
        self._similarities = ipw.TagsInput(
            value=list(PRODUCT), allowed_tags=list(SIMILARITIES), allow_duplicates=False,
            layout=ipw.Layout(flex="2 1 280px", **thin),
        )  # fmt: skip
        self._anchors = ipw.BoundedIntText(anchors, min=2, max=100_000, layout=wide)
        self._strategy = ipw.Dropdown(options=list(STRATEGIES), layout=wide)
        self._seeds = ipw.BoundedIntText(seeds, min=1, max=20, layout=wide)
        tick = {"indent": False, "layout": ipw.Layout(flex="0 0 100px")}
        self._images = ipw.Checkbox(description="images", **tick)
        self._sweep = ipw.Checkbox(description="anchors", **tick)
        self._search.description = "Stitch"
        self._show = ipw.ToggleButtons(
            options=(*PANELS, FORGIVES), style={"button_width": "auto"},
            layout=ipw.Layout(width="100%"),
        )  # fmt: skip
        self._method = ipw.Dropdown(options=[BEST], layout=ipw.Layout(flex="2 1 200px", **thin))
        self._pair = ipw.HTML(layout=ipw.Layout(flex="3 1 300px", **thin))
        self._panels = StitchPanels(dark, self._tell_pair)
        self._forgives = Forgives(dark)
        self._figures = [self._panels, *self._panels.figures.values(), self._forgives.figure]
        row = ipw.Layout(flex_flow="row wrap", grid_gap="4px 10px", width="100%")
        which = [named("data", self._data), named("encoders", self._encoders)]
        how = [
            named("similarities", self._similarities), named("anchors", self._anchors),
            named("chosen", self._strategy), named("seeds", self._seeds),
        ]  # fmt: skip
        self._look = ipw.VBox(
            [
                self._show,
                ipw.HBox([named("method", self._method), self._pair], layout=row),
                self._panels,
                self._forgives,
            ],
            layout=ipw.Layout(width="100%", display="none"),
        )
        self.children = [
            ipw.HBox(which, layout=row),
            ipw.HBox(how, layout=row),
            ipw.HBox(
                [self._search, self._stop, self._images, self._sweep, self._progress], layout=row
            ),
            self._status,
            self._look,
        ]
        traitlets.link((self, "panel"), (self._show, "value"))

    def _show_news(self, job: Job[Step[Study]]) -> None:
        if job.finished and job.finished[-1] is not self.study:
            self._take(job.finished[-1])
        if job.state is State.FAILED:
            self._say(job.error, wrong=True)
        elif job.state is State.CANCELLED:
            self._say("Stopped.")
        elif job.state is State.DONE and self.study is not None:
            self._say(f"{_verdict(self.study, self._label)} ({job.seconds:.1f} s)")
        else:
            self._say(f"{job.summary or 'Beginning'}{time_left(job)}.")

    def _take(self, study: Study) -> None:
        self.study = study
        labels = [str(label) for label in study.results[0]["technique"].values]
        if self._method.options != (BEST, *labels):
            self._method.options = (BEST, *labels)
        self._look.layout.display = ""
        self._panels.show(study)
        self._forgives.show(study.latents.test[0][0], study.anchors(0))
        self._choose()
        self._tell_pair()

    @property
    def _label(self) -> str:
        """The chosen method; empty for the best of each kind."""
        return "" if self._method.value == BEST else str(self._method.value)

    def _method_chosen(self) -> None:
        self._choose()
        if self.study is not None and (self._job is None or self._job.state is State.DONE):
            self._say(_verdict(self.study, self._label))

    def _choose(self) -> None:
        forgives = self.panel == FORGIVES
        self._forgives.layout.display = "" if forgives else "none"
        self._panels.layout.display = "none" if forgives else ""
        if forgives:
            self._forgives.draw()
        else:
            self._panels.choose(self.panel, self._label)

    def _tell_pair(self) -> None:
        encoder, decoder = self._panels.encoder, self._panels.decoder
        self._pair.value = (
            f"pair: <b>{encoder}</b> into the decoder of <b>{decoder}</b>; click a cell of the "
            "matrix for another"
        )


def _verdict(study: Study, method: str = "") -> str:
    """What a method reaches, the best one if left out, beside chance."""
    first = study.results[0]
    rows = [row for row in summary(first) if row["cells"]]
    rows = [row for row in rows if (row["method"] == method if method else not row["null"])]
    if not rows:
        return f"{method}: no pair of encoders can be stitched so"
    lower = first.attrs["better"] == "lower"
    best = min(rows, key=lambda row: row["stitched"] if lower else -row["stitched"])
    return (
        f"{best['method']}: stitched {best['stitched']:.3f}, own decoders {best['own']:.3f}, "
        f"chance {first.attrs['chance']:.3f}"
    )
