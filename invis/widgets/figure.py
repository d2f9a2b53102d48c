"""Plotly figures that live in an explorer: no tool bar, clicks on the tiles of a mosaic."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go

from invis.views.base.changes import changes
from invis.views.base.mosaic import tile_at, tiling_of

AXES, HIDDEN = ("xaxis", "yaxis"), {"visible": False}
Clicked = Callable[[object, object, object], None]


def live_figure(figure: go.Figure, on_click: Clicked | None = None) -> go.FigureWidget:
    """The widget of a figure, which calls `on_click` for a click on any of its traces."""
    widget = go.FigureWidget(figure)
    widget._config = widget._config | {"displayModeBar": False}
    if on_click is not None:
        for trace in widget.data:
            trace.on_click(on_click)
    return widget


def redraw(widget: go.FigureWidget, figure: go.Figure) -> None:
    """Show another figure in a widget, one with as many traces as it likes."""
    kinds = [[trace.type for trace in one.data] for one in (widget, figure)]
    layout, present = figure.layout.to_plotly_json(), widget.layout.to_plotly_json()
    # In a batch plotly would set a new axis and its parts at once, which the page refuses.
    for key in [key for key in layout if "axis" in key]:
        if key not in present or (kinds[0] != kinds[1] and key[:5] in AXES):
            widget.layout[key] = layout[key]
    # An axis that is needed no more would stay on the page.
    for key in [key for key in present if key[:5] in AXES and key not in layout]:
        if present[key] != HIDDEN:
            widget.layout[key] = HIDDEN
    with widget.batch_update():
        if kinds[0] != kinds[1]:
            widget.data = ()
            widget.add_traces(figure.data)
        else:
            for old, new in zip(widget.data, figure.data, strict=True):
                old.update(changes(new.to_plotly_json(), old.to_plotly_json()))
        widget.layout.update(changes(layout, widget.layout.to_plotly_json()))


def clicked_tile(figure: go.FigureWidget, points: object) -> int | None:
    """The tile of a figure's mosaic that plotly's points of a click lie on, or None."""
    xs, ys = getattr(points, "xs", []), getattr(points, "ys", [])
    if not len(xs) or not len(ys):
        return None
    return tile_at(tiling_of(figure), float(xs[0]), float(ys[0]))
