"""The page of live searches: one unit of an embedded network, through the job queue."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param
import plotly.graph_objects as go

from invis.dashboard.background import Background
from invis.dashboard.number import NumberField
from invis.dashboard.page import Figures, Page, controls
from invis.jobs import Job, State
from invis.models.suggest import layers_of
from invis.models.unit import units_at
from invis.search.live import Glimpse, LiveSearch
from invis.search.settings import SETTINGS, About, Settings
from invis.views.base import words
from invis.views.search.set_figure import blank_set_figure, show_set, update_set

CSS = [(Path(__file__).parent / "parts.css").read_text(encoding="utf-8")]
MODELS = ("minivgg", "minivgg@seed1", "minivgg@none:0", "miniresnet", "miniresnet@seed1",
          "miniresnet@none:0", "truth")  # fmt: skip
# Limits for a visitor.
LIMITS, SECONDS = {"images": (2, 12), "seed": (0, 99)}, 60.0


class SearchPage(Page):
    """Attributes:
    model, layer, channel: the unit.
    the others: of the search, one for each of `Settings`.
    """

    slug: ClassVar[str] = "live"
    linked: ClassVar = ("model", "layer", "channel", *SETTINGS)

    model: Any = param.Selector(default=MODELS[0], objects=list(MODELS))
    layer: Any = param.Selector(objects=[""])
    channel = param.Integer(default=0, bounds=(0, 0), label="Unit")

    def __init__(self, dark: bool = False) -> None:
        super().__init__(dark)
        self._live: LiveSearch | None = None
        self._settings = Settings()
        self._channels: dict[str, int] = {}
        self._new_model()
        self._figure = blank_set_figure(dark)
        self._pane = Figures()
        self._search = Background("Search", self._begin, self._news, SECONDS)
        self.param.watch(lambda _: self._new_model(), "model")
        self.param.watch(lambda _: self._new_layer(), "layer")

    def view(self) -> pn.viewable.Viewable:
        text = (
            "<h1>Search a unit</h1><p>Choose a unit of a network that ships with Invis, and press "
            "Search. Visitors wait for each other; a search may take "
            f"{SECONDS:.0f} seconds.</p>"
        )
        kinds = {"channel": NumberField, "seed": NumberField}
        row = controls(self, self.linked, **kinds)
        return pn.Column(
            pn.pane.HTML(text, stylesheets=CSS, sizing_mode="stretch_width"),
            row,
            self._search,
            self._pane,
            sizing_mode="stretch_width",
        )

    @property
    def search(self) -> Background:
        """The search of this visitor."""
        return self._search

    def asked(self) -> Settings:
        """The settings as they stand."""
        return Settings.of(**{name: getattr(self, name) for name in SETTINGS})

    def close(self) -> None:
        self._search.cancel()

    def _begin(self) -> Any:
        address = f"{self.model}/{self.layer}/{self.channel}"
        self._settings = self.asked()
        live = LiveSearch(lambda: units_at(address, device="cpu"), settings=self._settings)
        self._live = live

        def work() -> Iterable[Glimpse]:
            return live.steps()

        return work

    def _news(self, job: Job[Glimpse]) -> None:
        live = self._live
        if live is not None and live.results and job.ended:
            ds = live.results[-1]
            show_set(self._figure, ds)
            self._redraw()
            self._search.say(words.verdict(ds))
        elif job.state is State.FAILED:
            self._search.say(job.error)
        elif job.state is State.CANCELLED:
            self._search.say("Stopped.")
        elif job.latest is not None and job.latest.previews:
            (preview, *_) = job.latest.previews
            title = f"{preview.address}, searching"
            update_set(
                self._figure, preview.images, preview.reference, preview.fractions,
                self._settings.alpha, None, grey=preview.grey, title=title,
                verdict=job.latest.summary,
            )  # fmt: skip
            self._redraw()
            self._search.say(job.latest.summary)
        elif job.latest is not None:
            self._search.say(job.summary)

    def _redraw(self) -> None:
        self._pane.draw([go.Figure(self._figure)])

    def _new_model(self) -> None:
        self._channels = {one.layer: one.channels for one in layers_of(self.model)}
        names = list(self._channels)
        self.param.layer.objects = names
        if self.layer not in names:
            self.layer = "conv2_2" if "conv2_2" in names else names[0]
        self._new_layer()

    def _new_layer(self) -> None:
        last = self._channels.get(self.layer, 1) - 1
        self.param.channel.bounds = (0, last)
        if self.channel > last:
            self.channel = last
        before = list(self._channels)[: list(self._channels).index(self.layer)]
        for name, about in SETTINGS.items():
            if about.other == "LAYER":
                self.param[name].objects = [*about.choices, *before]
                if getattr(self, name) not in self.param[name].objects:
                    setattr(self, name, about.default)


def parameter(name: str, about: About) -> param.Parameter:
    """What a visitor may ask of a setting: a few values, and none that names a file."""
    if about.kind is int:
        bounds: Any = LIMITS.get(name, about.range and about.range[:2])
        return param.Integer(default=about.default, bounds=bounds)
    values = about.choices or about.usual
    default = "" if about.default is None else about.default
    return param.Selector(default=default, objects={str(one) or "as usual": one for one in values})


for _name, _about in SETTINGS.items():
    SearchPage.param.add_parameter(_name, parameter(_name, _about))
