"""Plotly figures on one page that needs no network, light or dark by the reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from typing import Protocol, TypeVar

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from invis.views.base.theme import CONFIG, DARK, LIGHT, SANS


class OfUnit(Protocol):
    """What was found of one unit."""

    @property
    def address(self) -> str: ...


U = TypeVar("U", bound=OfUnit)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --paper: {light.paper}; --ink: {light.ink}; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --paper: {dark.paper}; --ink: {dark.ink}; }}
}}
body {{ margin: 0 auto; max-width: 84rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 {sans}; }}
h1 {{ font-size: 1rem; font-weight: 400; margin: 1rem 24px 0; overflow-wrap: anywhere; }}
{style}
</style>
<script>{plotly}</script></head>
<body><h1>{title}</h1><main id="figures"></main>
<script>
const figures = {figures};
const config = {config};
const drawn = {drawn};
const scheme = window.matchMedia("(prefers-color-scheme: dark)");
const places = figures[0].map(() =>
  document.getElementById("figures").appendChild(document.createElement("div")));
function draw() {{
  figures[scheme.matches ? 1 : 0].forEach((figure, k) =>
    Plotly.newPlot(places[k], {{
      data: figure.data, layout: figure.layout, frames: figure.frames || [], config: config
    }}).then(drawn));
}}
scheme.addEventListener("change", draw);
draw();
</script></body></html>
"""


def figures_html(
    light: Sequence[go.Figure],
    dark: Sequence[go.Figure],
    title: str,
    style: str = "",
    drawn: str = "() => {}",
) -> str:
    """The page of figures that were made for both schemes.

    Args:
        light, dark: the same figures, in the same order.
        title: of the page.
        style: further CSS.
        drawn: a JavaScript function of the place of a figure, called whenever it was drawn anew.
    """
    both = [[figure.to_json() for figure in figures] for figures in (light, dark)]
    text = "[" + ",".join("[" + ",".join(figures) + "]" for figures in both) + "]"
    return PAGE.format(
        title=escape(title),
        light=LIGHT,
        dark=DARK,
        sans=SANS,
        style=style,
        drawn=drawn,
        plotly=get_plotlyjs(),
        # Nothing in a name may end the script.
        figures=text.replace("</", "<\\/"),
        config=json.dumps(CONFIG),
    )


def units_html(
    found: Sequence[U], figures_of: Callable[[U, bool], list[go.Figure]], what: str
) -> str:
    """The page of what was found of one unit or several.

    Args:
        figures_of: one and whether the page is dark -> its figures.
        what: begins the title, such as "Probes of".
    """
    light, dark = (
        [figure for one in found for figure in figures_of(one, scheme)] for scheme in (False, True)
    )
    units = found[0].address if len(found) == 1 else f"{len(found)} units"
    return figures_html(light, dark, f"{what} {units}")
