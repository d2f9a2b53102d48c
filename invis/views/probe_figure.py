"""Response curves of a probed unit, each beside the linear unit's."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from invis.probe.probe import Probes
from invis.views.page import figures_html
from invis.views.theme import palette, template

ONE_AXIS = ("phase", "rotation", "hue", "scale")


def probe_figure(found: Probes, dark: bool = False) -> go.Figure:
    """Small multiples: response as a share of the reference's, the linear unit dashed."""
    colours = palette(dark)
    names = [name for name in ONE_AXIS if name in found.curves]
    figure = make_subplots(rows=2, cols=2, subplot_titles=names, vertical_spacing=0.2)
    for k, name in enumerate(names):
        curve, place = found.curves[name], {"row": k // 2 + 1, "col": k % 2 + 1}
        shared = {"x": curve.values, "mode": "lines", "showlegend": k == 0}
        figure.add_scatter(
            **shared, **place, y=curve.response, name="unit", line={"color": colours.ink}
        )
        figure.add_scatter(
            **shared, **place, y=curve.null, name="linear unit",
            line={"color": colours.muted, "dash": "dash"},
        )  # fmt: skip
        figure.update_xaxes(title=curve.axis_unit, **place)
    figure.update_yaxes(matches="y")
    figure.update_yaxes(title="share of reference", col=1)
    figure.update_layout(template=template(dark), title=found.sentence, height=680)
    return figure


def probe_html(found: Probes) -> str:
    """One page that needs no network."""
    light, dark = ([probe_figure(found, scheme)] for scheme in (False, True))
    return figures_html(light, dark, f"Probes of {found.address}")
