"""All pictures of one stitching on one page that needs no network, light or dark by the reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import plotly.graph_objects as go
from xarray import Dataset

from invis.views.base.images import Pixels
from invis.views.base.page import figures_html
from invis.views.stitching.reconstructions import reconstructions_figure
from invis.views.stitching.scores import anchors_figure, matrix_figure, methods_figure
from invis.views.stitching.sprite import sprite

STYLE = """#figures > div { margin: 0 24px 2rem; overflow-x: auto; position: relative; }
.input-image { position: fixed; z-index: 2; pointer-events: none; border: 2px solid var(--ink);
  background-color: var(--paper); background-repeat: no-repeat; }
.input-rings { position: absolute; inset: 0; pointer-events: none; }
.input-rings div { position: absolute; width: 18px; height: 18px; margin: -12px 0 0 -12px;
  border: 3px solid var(--ink); border-radius: 50%; outline: 1px solid var(--paper); }"""


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
    images: Pixels | None = None,
) -> str:
    """The page; `images` (N, H, W, C) are what the points of `points_figure` stand for."""
    light, dark = (stitching_figures(results, sweep, more, scheme) for scheme in (False, True))
    drawn = {} if images is None else {"drawn": _hover(images)}
    return figures_html(light, dark, title, STYLE, **drawn)


def _hover(images: Pixels) -> str:
    """The function that shows the image under the mouse."""
    script = (Path(__file__).parent / "hover.js").read_text(encoding="utf-8")
    comment, function = script.split("\n", 1)
    inputs = json.dumps(asdict(sprite(images)))
    return f"(() => {{\n{comment}\nconst inputs = {inputs};\nreturn {function.strip()};\n}})()"
