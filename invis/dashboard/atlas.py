"""The page of the atlas: layers against their null, units of a layer, and one unit."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param

from invis.atlas import AtlasLayer
from invis.atlas.annotate import PROFILE, first_note, sentence_of
from invis.dashboard.cards import medians, unit_cards
from invis.dashboard.grid import UnitGrid
from invis.dashboard.overview import Overview
from invis.dashboard.page import Page, controls, sentence
from invis.dashboard.store import Store
from invis.dashboard.unit import UnitView
from invis.errors import InvisError
from invis.probe.explain.moves import MOVE_NAMES
from invis.probe.families import FAMILIES
from invis.views.base import words
from invis.views.base.measures import MEASURES

CSS = [(Path(__file__).parent / "parts.css").read_text(encoding="utf-8")]
ALL, ALONE = "all layers", "no other"
SORTS = ("index, highest first", "index, lowest first", "channel")
# What else a visitor chooses, beside the model.
CHOSEN = ("beside", "measure", "layer", "group", "sort", "named", "phrase")
ON_A_PAGE = 24
LONGEST = 60


class AtlasPage(Page):
    """Attributes:
    model, group, layer: what is shown; ALL for the overview.
    beside: a second network in the overview; ALONE for none.
    measure: what the overview draws of each unit.
    sort, named, phrase: order and filters of the units.
    page: of the grid, from 0.
    unit: channel of the unit that is open; -1 for none.
    """

    slug: ClassVar[str] = "atlas"
    linked: ClassVar = ("model", *CHOSEN, "page", "unit")

    model: Any = param.Selector(objects=[""])
    beside: Any = param.Selector(default=ALONE, objects=[ALONE])
    measure: Any = param.Selector(default="index", objects=["index"])
    layer: Any = param.Selector(objects=[ALL])
    group: Any = param.Selector(objects=[""])
    sort: Any = param.Selector(default=SORTS[0], objects=list(SORTS))
    named: Any = param.Selector(default="any", objects=["any"], label="Ignores")
    phrase = param.String(default="", label="Sentence contains")
    page = param.Integer(default=0, bounds=(0, 10_000))
    unit = param.Integer(default=-1, bounds=(-1, 1_000_000))

    def __init__(
        self, store: Store, live: bool = True, dark: bool = False, images: Path | None = None
    ) -> None:
        super().__init__(dark)
        self._store, self._live, self._images = store, live, images
        self._open: UnitView | None = None
        self.param.model.objects = store.models or [""]
        self.model = self.param.model.objects[0]
        self.param.named.objects = ["any", *dict.fromkeys([*FAMILIES, *MOVE_NAMES]), "none"]
        self._choices()
        self._overview = Overview(store, self._picked, dark)
        self._grid = UnitGrid(stylesheets=CSS, sizing_mode="stretch_width")
        self._grid.param.watch(self._opened, "clicks")
        self._heading = pn.pane.HTML("", stylesheets=CSS, sizing_mode="stretch_width")
        self._unit = pn.Column(sizing_mode="stretch_width")
        self._body = pn.Column(sizing_mode="stretch_width")
        self.param.watch(self._new_model, "model")
        self.param.watch(self._turned, list(CHOSEN))
        self.param.watch(lambda _: self.show(), ["page", "unit"])

    def view(self) -> pn.viewable.Viewable:
        """Controls, then the overview, a layer, or a unit."""
        row = controls(self, ["model", *CHOSEN], phrase=pn.widgets.TextInput)
        self.show()
        return pn.Column(row, self._heading, self._body, sizing_mode="stretch_width")

    def first(self) -> str:
        """Of the overview its medians; of a layer or unit its name."""
        if self._chosen() is not None:
            unit = f", unit {self.unit}" if self.unit >= 0 else ""
            return f"<h1>{escape(f'{self.model}, {self.layer}{unit}')}</h1>"
        try:
            return medians(
                f"What each layer of {self.model} ignores", self._store.overview(self.model)
            )
        except InvisError:
            return super().first()

    def rows(self) -> list[dict[str, Any]]:
        """Units of the layer that pass the filters, in order."""
        layer = self._chosen()
        found = [] if layer is None else [row for row in self._store.rows(layer) if self._fits(row)]
        if self.sort == SORTS[2]:
            return found
        sign = -1 if self.sort == SORTS[0] else 1

        def rank(row: dict[str, Any]) -> tuple[bool, float]:
            value = words.number(row, "index")
            return value is None, sign * (value or 0.0)

        return sorted(found, key=rank)

    def show(self) -> None:
        """Draw what the parameters say; a broken store is told, not raised."""
        if self._open is not None:
            self._open.close()
            self._open = None
        try:
            parts = self._parts()
        except InvisError as error:
            parts = [sentence(error)]
        # What goes is hidden now and taken away by the next turn: see `Figures`.
        gone = [part for part in self._body if part not in parts and part.visible]
        for part in gone:
            part.visible = False
        for part in parts:
            part.visible = True
        self._body.objects = [*parts, *gone]

    def close(self) -> None:
        if self._open is not None:
            self._open.close()

    def _parts(self) -> list[Any]:
        layer = self._chosen()
        if layer is None:
            return self._all_layers()
        if self.unit >= 0:
            return self._one_unit(layer)
        rows = self.rows()
        pages = max(1, -(-len(rows) // ON_A_PAGE))
        page = min(self.page, pages - 1)
        shown = rows[page * ON_A_PAGE : (page + 1) * ON_A_PAGE]
        strips = self._store.strips(layer, [int(row["channel"]) for row in shown])
        self._grid.content = unit_cards(shown, strips)
        middle = words.median(words.number(row, "index") for row in rows)
        self._heading.object = (
            f"<h1>{self.layer} of {self.model}, {self.group}</h1>"
            f"<p>{len(rows)} of {layer.channels} units; median index {words.figure(middle)}. "
            "First the reference, then the set. Click a unit to open it.</p>"
        )
        return [self._grid, self._pager(pages, page)]

    def _all_layers(self) -> list[Any]:
        models = [self.model, self.beside] if self.beside in self._store.models else [self.model]
        broken = [
            sentence(f"{path} is damaged and left out: {why}.")
            for path, why in self._store.damaged.items()
        ]
        if not self._overview.draw(models, self.measure):
            return [*broken, sentence("This atlas has no finished unit yet.", wrong=False)]
        self._heading.object = (
            f"<p>Each dot is a unit: {MEASURES[self.measure].told}. Click a dot to open the "
            "unit, or choose a layer.</p>"
        )
        return [*broken, self._overview.view]

    def _one_unit(self, layer: AtlasLayer) -> list[Any]:
        self._heading.object = ""
        ds = self._store.read(layer, self.unit)
        figure = self._store.set_figure(layer, self.unit, self.dark)
        note, profile = first_note(layer, self.unit), layer.noted(self.unit, PROFILE)
        self._open = UnitView(
            ds, figure, note, self._live, self.dark, self._images, profile=profile
        )
        back = pn.widgets.Button(label=f"All units of {self.layer}", width=220)
        back.on_click(lambda _: setattr(self, "unit", -1))
        return [back, self._open.view]

    def _pager(self, pages: int, page: int) -> pn.viewable.Viewable:
        if pages == 1:
            return pn.Spacer(height=1)
        before = pn.widgets.Button(label="Previous", width=100, disabled=page == 0)
        after = pn.widgets.Button(label="Next", width=100, disabled=page == pages - 1)
        before.on_click(lambda _: setattr(self, "page", page - 1))
        after.on_click(lambda _: setattr(self, "page", page + 1))
        return pn.Row(before, pn.pane.HTML(f"page {page + 1} of {pages}"), after)

    def _chosen(self) -> AtlasLayer | None:
        if self.layer == ALL:
            return None
        return self._store.layer(self.model, self.layer, self.group)

    def _fits(self, row: dict[str, Any]) -> bool:
        names = sentence_of(row)
        phrase = self.phrase[:LONGEST].strip().lower()
        if self.named == "none":
            named = "nothing claimed" in names
        else:
            # "hue-invariant grating", or "ignores any hue and rotation by up to 30 degrees: ...".
            head = names.partition("invariant")[0] if "invariant" in names else ""
            head += names.partition(":")[0] if names.startswith("ignores") else ""
            # A range of scales is said as one of sizes.
            known = "size from" if self.named == "scale" and "size from" in head else self.named
            named = self.named == "any" or known in head
        return named and phrase in names.lower()

    def _choices(self) -> None:
        layers, groups = self._store.layers(self.model), self._store.groups(self.model)
        self.param.layer.objects = [ALL, *layers]
        others = [model for model in self._store.models if model != self.model]
        self.param.beside.objects = [ALONE, *others]
        if self.beside not in self.param.beside.objects:
            self.beside = ALONE
        self.param.group.objects = groups or [""]
        self.param.measure.objects = self._store.measures(self.model) or ["index"]
        if self.measure not in self.param.measure.objects:
            self.measure = "index"
        if self.layer not in self.param.layer.objects:
            self.layer = ALL
        if self.group not in self.param.group.objects:
            self.group = self.param.group.objects[0]

    def _new_model(self, _: Any) -> None:
        with param.parameterized.batch_call_watchers(self):
            self._choices()
            self.param.update(page=0, unit=-1)
        self.show()

    def _turned(self, _: Any) -> None:
        with param.parameterized.discard_events(self):
            self.param.update(page=0, unit=-1)
        self.show()

    def _picked(self, model: str, layer: str, group: str, channel: int) -> None:
        """A dot of the overview: its network, its layer, its weights, its channel."""
        self.model = model
        if layer in self.param.layer.objects and group in self.param.group.objects:
            self.group, self.layer = group, layer
            self.unit = channel

    def _opened(self, _: Any) -> None:
        self.unit = self._grid.clicked
