"""A field for a whole number that says what is wrong with a number, and puts the right one back."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn

if TYPE_CHECKING:
    from invis.dashboard.page import Page


class NumberField(pn.viewable.Viewer):
    """The field of one of a page's numbers: what it shows is what the page has.

    Args:
        page: whose number.
        name: of its parameter, an Integer with bounds.
        how: of the field, such as its width.
    """

    def __init__(self, page: Page, name: str, **how: Any) -> None:
        super().__init__()
        self._page, self._name = page, name
        self.field = pn.widgets.IntInput(
            label=page.param[name].label, value=getattr(page, name), **how
        )
        self.said = pn.pane.HTML("", visible=False, margin=(0, 14, 4, 0))
        self.field.param.watch(lambda event: self._typed(event.new), "value")
        page.param.watch(lambda event: self._put(event.new), name)
        self._view = pn.Column(self.field, self.said)

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _typed(self, value: int | None) -> None:
        mine = getattr(self._page, self._name)
        if value == mine:
            return
        low, high = self._page.param[self._name].bounds
        if value is not None and low <= value <= high:
            self._say("")
            setattr(self._page, self._name, value)
            return
        label = self._page.param[self._name].label
        self._say(f"{label} {'is empty' if value is None else value}: use {low} to {high}.")
        # The browser hears nothing of what changes while its own change is taken.
        if pn.state.curdoc is not None and pn.state.curdoc.session_context is not None:
            pn.state.curdoc.add_next_tick_callback(lambda: self._put(mine, self.said.object))
        else:
            self._put(mine, self.said.object)

    def _put(self, value: int, said: str = "") -> None:
        self.field.value = value
        self.said.object, self.said.visible = said, bool(said)

    def _say(self, text: str) -> None:
        said = f'<p class="wrong" role="alert">{escape(text)}</p>' if text else ""
        self.said.object, self.said.visible = said, bool(said)
