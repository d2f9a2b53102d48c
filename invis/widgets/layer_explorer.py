"""The widget that searches a whole layer and shows its units as thumbnails."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import ipywidgets as ipw
import traitlets
from xarray import Dataset

from invis.errors import InvisError
from invis.jobs import Job, State
from invis.models.address import format_channels, parse_address
from invis.models.suggest import layers_of, listed_layer
from invis.models.unit import units_at
from invis.search.live import Glimpse, LiveSearch
from invis.views.atlas.thumbnails_figure import blank_thumbnails_figure, thumbnails_figure
from invis.views.base import words
from invis.views.base.changes import apply
from invis.views.base.theme import template
from invis.widgets.choose import named
from invis.widgets.explorer import Explorer, time_left
from invis.widgets.figure import clicked_tile, live_figure
from invis.widgets.lifetime import replace_earlier
from invis.widgets.screen import Screen
from invis.widgets.search_explorer import SearchExplorer

AT_ONCE = 16
ORDERS = ("channel", "index, highest first", "index, lowest first", "spread, highest first")


class LayerExplorer(Explorer):
    """Search the units of a layer in batches; a click on one opens it in a SearchExplorer.

    Attributes:
        layer: `model[@weights]/layer`.
        units: how many, from channel 0 on.
        order: of the thumbnails, one of ORDERS.
        results: of the units that ended, by channel.
        explorer: the SearchExplorer below the thumbnails, hidden before the first click.
    """

    layer = traitlets.Unicode()
    units = traitlets.Int(AT_ONCE)
    order = traitlets.Enum(ORDERS, ORDERS[0])
    LOOKS_PER_SECOND = 4.0

    def __init__(
        self, layer: str = "minivgg/conv2_2", units: int = AT_ONCE, dark: bool | None = None,
        **settings: Any,
    ) -> None:  # fmt: skip
        """`settings` as for `search_steps`.

        Raises:
            InvisError: there is no such layer, or a setting is out of range.
        """
        super().__init__()
        self.results: dict[int, Dataset] = {}
        self.explorer = SearchExplorer(f"{layer}/0", dark, **settings)
        self._settings = settings
        self._live: list[LiveSearch] = []
        channels = _channels(layer)
        wide = {"min_width": "0"}
        self._layer = ipw.Text(continuous_update=False, layout=ipw.Layout(flex="2 1 240px", **wide))
        self._units = ipw.BoundedIntText(
            min=1, max=channels, layout=ipw.Layout(flex="1 1 90px", **wide)
        )
        self._order = ipw.Dropdown(options=ORDERS, layout=ipw.Layout(flex="1 1 190px", **wide))
        self._screen = Screen(dark)
        # All figures at once: plotly's widget takes no clicks where it joins the page later.
        self._grid = live_figure(blank_thumbnails_figure(self._screen.dark), self._clicked)
        hidden = ipw.Layout(width="auto", min_width="0", display="none")
        self._figure = ipw.VBox([self._grid], layout=hidden)
        self._below = ipw.VBox(
            [self.explorer], layout=ipw.Layout(width="auto", min_width="0", display="none")
        )
        row = ipw.Layout(flex_flow="row wrap", grid_gap="4px 10px", width="100%")
        asked = [
            named("layer", self._layer), named("units", self._units), named("order", self._order),
        ]  # fmt: skip
        self._figures = [self._grid, self.explorer]
        self.children = [
            ipw.HBox(asked, layout=row),
            ipw.HBox([self._search, self._stop, self._progress], layout=row),
            self._status,
            self._screen,
            self._figure,
            self._below,
        ]
        traitlets.link((self, "layer"), (self._layer, "value"))
        traitlets.link((self, "units"), (self._units, "value"))
        traitlets.link((self, "order"), (self._order, "value"))
        self.layer, self.units = layer, min(units, channels)
        self.observe(lambda _: self._draw(), "order")
        self._screen.observe(lambda _: self._draw(), "pixels")
        self._screen.observe(self._restyle, "dark")
        self.observe(self._new_layer, "layer")
        self._say("Press Search.")
        replace_earlier(self)

    def __repr__(self) -> str:
        return f"LayerExplorer({self.layer!r})"

    def search(self) -> Job[Glimpse] | None:
        """Search the units that have no result yet, AT_ONCE of them in a batch.

        Returns None, with the reason in `message`, where there is nothing to search.
        """
        self.stop()
        try:
            wanted = range(min(self.units, _channels(self.layer)))
        except InvisError as error:
            self._say(str(error), wrong=True)
            return None
        missing = [channel for channel in wanted if channel not in self.results]
        if not missing:
            self._say("All of these units have been searched.")
            return None
        batches = [missing[i : i + AT_ONCE] for i in range(0, len(missing), AT_ONCE)]
        self._live = [self._batch(self.layer, channels) for channels in batches]
        live = self._live
        return self._start(
            self._settings.get("device"), lambda: _one_after_another(live), self.layer
        )

    def wait(self, timeout: float | None = None) -> list[Dataset]:
        """Block until the search has ended; the results in the order of the thumbnails."""
        if self._job is not None and self._job.wait(timeout):
            self._show_progress()
        return self.ordered()

    def ordered(self) -> list[Dataset]:
        """The results in the chosen order; units without a number come last."""
        found = [self.results[channel] for channel in sorted(self.results)]
        if self.order == ORDERS[0]:
            return found
        key, sign = self.order.split(",")[0], -1 if "highest" in self.order else 1

        def rank(ds: Dataset) -> float:
            value = words.number(ds.attrs, key)
            return math.inf if value is None else sign * value

        return sorted(found, key=rank)

    def open_unit(self, channel: int) -> None:
        """Open a unit's result in a SearchExplorer below the thumbnails."""
        self._below.layout.display = ""
        self.explorer.address = f"{self.layer}/{channel}"
        self.explorer.show(self.results[channel])

    def _batch(self, layer: str, channels: list[int]) -> LiveSearch:
        address = f"{layer}/{format_channels(channels)}"
        settings = {k: v for k, v in self._settings.items() if k != "device"}
        device = self._settings.get("device")
        return LiveSearch(lambda: units_at(address, device=device), unfinished=False, **settings)

    def _show_news(self, job: Job[Glimpse]) -> None:
        found = [ds for live in list(self._live) for ds in list(live.results)]
        before = len(self.results)
        self.results |= {int(ds.attrs["channel"]): ds for ds in found}
        if len(self.results) > before:
            self._draw()
        have = f"{len(self.results)} units"
        if job.state is State.FAILED:
            self._say(job.error, wrong=True)
        elif job.state is State.CANCELLED:
            self._say(f"Stopped; {have} so far. Search goes on with the others.")
        elif job.state is State.DONE:
            self._say(f"{have} in {job.seconds:.1f} s. Click one to look closer.")
        else:
            self._say(f"{have} so far{time_left(job)}.")

    def _draw(self) -> None:
        results = self.ordered()
        self._figure.layout.display = "" if results else "none"
        if not results:
            return
        room = self._screen.pixels or None
        figure = thumbnails_figure(results, dark=self._screen.dark, width=room)
        new = figure.to_plotly_json()
        apply(self._grid, new["data"], {k: v for k, v in new["layout"].items() if k != "template"})

    def _restyle(self, _: Any) -> None:
        self._grid.update_layout(template=template(self._screen.dark))
        self._draw()

    def _clicked(self, _trace: object, points: object, _state: object) -> None:
        place = clicked_tile(self._grid, points)
        if place is not None:
            self.open_unit(int(self.ordered()[place].attrs["channel"]))

    def _new_layer(self, _: Any) -> None:
        self.stop()
        try:
            self._units.max = _channels(self.layer)
        except InvisError as error:
            self._say(str(error), wrong=True)
            return
        self._job, self._live, self.results = None, [], {}
        self._draw()
        self._say("Press Search.")


def _channels(layer: str) -> int:
    """How many channels `model[@weights]/layer` has."""
    where = parse_address(f"{layer}/0")
    found = listed_layer(where.model, where.layer)
    if found is None:
        names = ", ".join(one.layer for one in layers_of(where.model)[:8])
        raise InvisError(f"layer {layer!r} is unknown: {where.model} has {names}")
    return found.channels


def _one_after_another(batches: list[LiveSearch]) -> Iterator[Glimpse]:
    """The batches of one job; the share that is done is that of all of them."""
    for k, live in enumerate(batches):
        for glimpse in live.steps():
            yield replace(glimpse, fraction_done=(k + glimpse.fraction_done) / len(batches))
