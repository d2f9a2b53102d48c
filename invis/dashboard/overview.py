"""All layers of one network, or of two side by side on equal axes; a click opens a unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import panel as pn

from invis.dashboard.page import figure_pane
from invis.dashboard.store import Store
from invis.views.atlas.layer_table import index_of
from invis.views.base.theme import axis_end

# Side by side where there is room for two of this width, else one below the other.
BASIS = "1 1 38rem"


class Overview:
    """The panes of two networks, of which the second is often empty.

    Args:
        store: what is read.
        picked: told the model, layer, group and channel of a dot that was clicked.
        dark: the scheme.
    """

    def __init__(
        self, store: Store, picked: Callable[[str, str, str, int], None], dark: bool
    ) -> None:
        self._store, self._picked, self._dark = store, picked, dark
        self._models: list[str] = []
        self.panes = [
            figure_pane(styles={"flex": BASIS, "min-width": "0"}, visible=False) for _ in range(2)
        ]
        for k, pane in enumerate(self.panes):
            pane.param.watch(lambda event, k=k: self._click(k, event.new), "click_data")
        self.view = pn.FlexBox(*self.panes, sizing_mode="stretch_width")

    def draw(self, models: Sequence[str], measure: str = "index") -> bool:
        """Show these networks, at most two; False where the first has no unit yet."""
        tables = {model: self._store.overview(model) for model in models[:2]}
        self._models = [model for model, rows in tables.items() if rows]
        if not self._models or self._models[0] != models[0]:
            return False
        top = axis_end([index_of(row, measure) for rows in tables.values() for row in rows])
        for k, pane in enumerate(self.panes):
            pane.visible = k < len(self._models)
            if pane.visible:
                model = self._models[k]
                both = len(self._models) > 1
                title = model if both else f"What each layer of {model} ignores"
                figure = self._store.layers_figure(model, title, self._dark, top, measure)
                if pane.object is not figure:
                    pane.object = figure
        return True

    def _click(self, k: int, data: Any) -> None:
        points = (data or {}).get("points") or []
        place = points[0].get("customdata") if points else None
        if isinstance(place, str) and place.count("|") == 2 and k < len(self._models):
            layer, group, channel = place.split("|")
            if channel.isdecimal():
                self._picked(self._models[k], layer, group, int(channel))
