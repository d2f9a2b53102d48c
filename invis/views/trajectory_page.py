"""All pictures of one trajectory on one page that needs no network, light or dark by the reader."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from invis.trajectory.fit import Comparison
from invis.trajectory.pca import PCA
from invis.views.theme import CONFIG, DARK, LIGHT, SANS
from invis.views.trajectory_animation import animation_figure
from invis.views.trajectory_distance import distance_figure
from invis.views.trajectory_projections import projections_figure, space_figure
from invis.views.trajectory_spectrum import Bounds, spectrum_figure, walk_band

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
    Plotly.newPlot(places[k], {{
      data: figure.data, layout: figure.layout, frames: figure.frames || [], config: config }}));
}}
scheme.addEventListener("change", draw);
draw();
</script></body></html>
"""


def trajectory_figures(
    found: PCA, comparison: Comparison, dark: bool = False, bounds: Bounds | None = None
) -> list[go.Figure]:
    """Spectrum, projections, motion, space and distance, as far as there are components."""
    walk = comparison.fits["walk"].null
    figures = [spectrum_figure(found, comparison, dark, bounds)]
    if len(found.eigenvalues) >= 2:
        figures.append(projections_figure(found, walk, dark=dark))
        figures.append(animation_figure(found, walk, dark=dark))
    if len(found.eigenvalues) >= 3:
        figures += [space_figure(found, walk, dark), distance_figure(found, walk, dark)]
    return figures


def trajectory_html(found: PCA, comparison: Comparison, title: str) -> str:
    """The page."""
    bounds = walk_band(found, comparison)
    both = [trajectory_figures(found, comparison, dark, bounds) for dark in (False, True)]
    return PAGE.format(
        title=escape(title),
        light=LIGHT,
        dark=DARK,
        sans=SANS,
        plotly=get_plotlyjs(),
        figures=_json(both),
        config=json.dumps(CONFIG),
    )


def _json(both: Sequence[Sequence[go.Figure]]) -> str:
    text = "[" + ",".join("[" + ",".join(f.to_json() for f in one) + "]" for one in both) + "]"
    # Nothing in a name may end the script.
    return text.replace("</", "<\\/")
