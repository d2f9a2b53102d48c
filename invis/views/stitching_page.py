"""All pictures of one stitching on one page that needs no network, light or dark by the reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from xarray import Dataset

from invis.views.stitching_anchors import anchors_figure
from invis.views.stitching_matrix import matrix_figure, methods_figure
from invis.views.stitching_reconstructions import reconstructions_figure
from invis.views.theme import CONFIG, DARK, LIGHT, SANS

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
#figures > div {{ margin: 0 24px 2rem; overflow-x: auto; }}
</style>
<script>{plotly}</script></head>
<body><h1>{title}</h1><main id="figures"></main>
<script>
const figures = {figures};
const config = {config};
const scheme = window.matchMedia("(prefers-color-scheme: dark)");
const places = figures[0].map(() =>
  document.getElementById("figures").appendChild(document.createElement("div")));
function draw() {{
  figures[scheme.matches ? 1 : 0].forEach((figure, k) =>
    Plotly.newPlot(places[k], {{...figure, config}}));
}}
scheme.addEventListener("change", draw);
draw();
</script></body></html>
"""


def stitching_figures(
    results: Sequence[Dataset],
    sweep: Dataset | None = None,
    more: Sequence[Callable[[bool], go.Figure]] = (),
    dark: bool = False,
) -> list[go.Figure]:
    """For every task the methods, the matrix and, for images, the reconstructions; then the rest.

    Args:
        results: of `stitch`.
        sweep: of `anchor_sweep_steps`.
        more: further figures, each a function of `dark`.
        dark: the scheme.
    """
    figures = []
    for ds in results:
        figures += [methods_figure(ds, dark), matrix_figure(ds, dark=dark)]
        if "picture" in ds:
            figures.append(reconstructions_figure(ds, dark=dark))
    if sweep is not None:
        figures.append(anchors_figure(sweep, dark))
    return figures + [make(dark) for make in more]


def stitching_html(
    results: Sequence[Dataset],
    title: str,
    sweep: Dataset | None = None,
    more: Sequence[Callable[[bool], go.Figure]] = (),
) -> str:
    """The page."""
    both = [stitching_figures(results, sweep, more, dark) for dark in (False, True)]
    text = "[" + ",".join("[" + ",".join(f.to_json() for f in one) + "]" for one in both) + "]"
    return PAGE.format(
        title=escape(title),
        light=LIGHT,
        dark=DARK,
        sans=SANS,
        plotly=get_plotlyjs(),
        # Nothing in a name may end the script.
        figures=text.replace("</", "<\\/"),
        config=json.dumps(CONFIG),
    )
