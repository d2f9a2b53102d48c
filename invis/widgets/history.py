"""Past searches of an explorer, to compare side by side."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets as ipw
from xarray import Dataset

from invis.views.base import alike, words
from invis.views.search.notebook import result_html

MOST = 24


class History(ipw.VBox):
    """The last searches; those that are marked stand side by side below the list.

    Attributes:
        results: the newest last, at most MOST.
        on_choice: called with the marked results, in their order.
    """

    def __init__(self, on_choice: Callable[[list[Dataset]], None]) -> None:
        self.results: list[Dataset] = []
        self.on_choice = on_choice
        self._list = ipw.SelectMultiple(rows=6, layout=ipw.Layout(width="100%"))
        self._side_by_side = ipw.HTML()
        hint = ipw.HTML("<p>Mark several searches (with Ctrl or Shift) to compare them.</p>")
        super().__init__([hint, self._list, self._side_by_side])
        self._list.observe(lambda _: self._show_marked(), "value")

    def add(self, ds: Dataset) -> None:
        """Keep a result; the oldest leaves where there are too many."""
        self.results = [*self.results, ds][-MOST:]
        marked = set(self.chosen)
        self._list.options = [(label(one), i) for i, one in enumerate(self.results)]
        self._list.value = tuple(i for i in sorted(marked) if i < len(self.results))

    @property
    def chosen(self) -> tuple[int, ...]:
        """Places of the marked searches."""
        return self._list.value

    def choose(self, places: tuple[int, ...]) -> None:
        """Mark searches by their place."""
        self._list.value = places

    def _show_marked(self) -> None:
        marked = [self.results[i] for i in self.chosen]
        cells = "".join(
            f'<div style="flex:1 1 420px;min-width:0">{result_html(ds)}</div>' for ds in marked
        )
        doubt = alike.doubt(marked) if len(marked) > 1 else ""
        warning = f"<p><b>{escape(doubt)}</b></p>" if doubt else ""
        row = f'<div style="display:flex;flex-wrap:wrap;gap:24px">{cells}</div>'
        self._side_by_side.value = warning + row if cells else ""
        if marked:
            self.on_choice(marked)


def label(ds: Dataset) -> str:
    """One line: unit, alpha, N, seed, index, and what is unusual."""
    a = ds.attrs
    parts = [
        str(a["address"]),
        f"alpha {words.figure(a['alpha'])}",
        f"N {a['images']}",
        words.metric_name(a),
        f"seed {a['seed']}",
        f"index {words.figure(words.number(a, 'index'))}",
        f"distance {words.figure(words.number(a, 'distance'))} R",
    ]
    if a.get("objective", "set") != "set":
        parts.append(f"objective {a['objective']}")
    if words.differ_in(a):
        parts.append(f"differ in {words.differ_in(a)}")
    if a.get("dead"):
        parts.append("dead")
    elif not a.get("converged", True):
        parts.append("stopped early")
    return " · ".join(parts)
