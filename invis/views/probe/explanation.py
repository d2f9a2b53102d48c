"""An explanation in pictures: the shares of the families, the set beside its fits, and where."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from invis.probe.explain.explanation import Explanation
from invis.views.base.frame import TOP, heading
from invis.views.base.images import stretch_of, stretched
from invis.views.base.page import units_html
from invis.views.base.theme import LABEL_SIZE, palette, template
from invis.views.base.tiles import picture_trace
from invis.views.probe.curves import share_bars

MAPS = {
    "varies": ("how much it varies", 1.5),
    "polarity": ("polarity turns", 1.0),
    "colour": ("colour turns", 1.0),
    "texture": ("texture", 1.0),
}
# Screen pixels of an image's side.
SIDE = 96


def shares_figure(found: Explanation, dark: bool = False) -> go.Figure:
    """What each family explains, claimed ones standing out, and what it needs to be claimed."""
    colours = palette(dark)
    names = sorted(found.families, key=lambda name: (_share(found, name), -_place(found, name)))
    shares = [_share(found, name) for name in names]
    claimed = [found.families[name]["claimed"] for name in names]
    needs = [found.null.threshold(name) for name in names]
    height = TOP + 30 * len(names) + 70
    figure = share_bars(names, shares, needs, claimed, colours)
    figure.update_layout(
        template=template(dark),
        height=height,
        margin={"l": 160, "r": 70, "t": TOP, "b": 60},
        title=heading(found.address, found.sentence, height, colours),
        xaxis={"range": [0, 1], "tickformat": ".0%", "showgrid": True},
        legend={"x": 1, "y": 0, "xanchor": "right", "yanchor": "bottom"},
    )
    return figure


def fits_figure(found: Explanation, dark: bool = False) -> go.Figure:
    """The set above, and beneath each image the transformed reference that comes nearest to it."""
    below = (
        "above the reference and the set; beneath each image the reference transformed by "
        f"{', '.join(found.chosen.names) or 'nothing'}"
    )
    return _strips(found, found.pictures, [], "Set and fits", below, dark)


def films_figure(found: Explanation, dark: bool = False) -> go.Figure:
    """The reference moved along its flattest directions, as far as the floor is kept."""
    named = [
        f"{one.words}: curvature {one.curvature:.2f}, as far as {one.reach:.2f} "
        f"(linear {one.reach_linear:.2f})"
        for one in found.generators
    ]
    below = "the response curves less than a linear unit’s (1) and keeps the floor all along"
    return _strips(found, found.films, named, "Flat directions", below, dark)


def _strips(
    found: Explanation,
    rows: NDArray[np.uint8],
    named: list[str],
    title: str,
    below: str,
    dark: bool,
) -> go.Figure:
    """Rows of images (R, N, h, w, C), each with a name above it where there are names."""
    colours = palette(dark)
    grey = np.asarray(found.grey, dtype=np.float64)
    factor = stretch_of(found.pictures[0], grey)
    gap = 34 if named else 8
    height = TOP + len(rows) * (SIDE + gap) + 40
    figure = make_subplots(
        len(rows), 1, subplot_titles=named or None, vertical_spacing=gap / (height - TOP)
    )
    for row, images in enumerate(rows):
        strip = _strip(stretched(images, grey, factor))
        figure.add_trace(picture_trace(strip), row=row + 1, col=1)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_annotations(font={"size": LABEL_SIZE, "color": colours.ink})
    figure.update_layout(
        template=template(dark),
        height=height,
        margin={"l": 28, "r": 28, "t": TOP + gap, "b": 20},
        title=heading(title, below, height, colours),
    )
    return figure


def maps_figure(found: Explanation, dark: bool = False) -> go.Figure:
    """Where the set varies, above the same of the linear unit's sets."""
    colours = palette(dark)
    height = TOP + 440
    figure = make_subplots(
        2, len(MAPS), subplot_titles=[told for told, _ in MAPS.values()], vertical_spacing=0.06
    )
    for row, maps in enumerate((found.maps, found.maps_null)):
        for column, (name, (_, most)) in enumerate(MAPS.items()):
            figure.add_heatmap(
                z=getattr(maps, name), zmin=0, zmax=most, colorscale="Cividis", showscale=False,
                hovertemplate="%{z:.2f}<extra></extra>", row=row + 1, col=column + 1,
            )  # fmt: skip
    figure.update_xaxes(showticklabels=False, showgrid=False, constrain="domain")
    figure.update_yaxes(
        showticklabels=False, showgrid=False, autorange="reversed", constrain="domain"
    )
    for k in range(1, 2 * len(MAPS) + 1):
        figure.update_yaxes(
            scaleanchor=f"x{k if k > 1 else ''}",
            row=(k - 1) // len(MAPS) + 1,
            col=(k - 1) % len(MAPS) + 1,
        )
    for row, told in enumerate(("the set", "a linear unit’s")):
        figure.update_yaxes(title=told, row=row + 1, col=1)
    figure.update_annotations(font={"size": LABEL_SIZE, "color": colours.ink})
    below = "bright is much; places without energy are dark"
    figure.update_layout(
        template=template(dark),
        height=height,
        margin={"l": 60, "r": 28, "t": TOP + 24, "b": 20},
        title=heading("Where it varies", below, height, colours),
    )
    return figure


FIGURES = (shares_figure, fits_figure, maps_figure, films_figure)


def explanation_figures(found: Explanation, dark: bool = False) -> list[go.Figure]:
    """All pictures of one explanation."""
    return [make(found, dark) for make in FIGURES]


def explanation_html(found: list[Explanation]) -> str:
    """One page that needs no network."""
    return units_html(found, explanation_figures, "What varies in")


def _share(found: Explanation, name: str) -> float:
    return float(found.families[name]["share"])


def _place(found: Explanation, name: str) -> int:
    return list(found.families).index(name)


def _strip(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, h, w, C) -> one picture of enlarged pixels in a row, white between."""
    count, height, width, colours = images.shape
    each = max(1, SIDE // max(height, width)) * 2
    gap = each * max(1, width // 10)
    sheet = np.full((height * each, count * (width * each + gap) - gap, 3), 255, np.uint8)
    for k, image in enumerate(images):
        large = image.repeat(each, 0).repeat(each, 1)
        left = k * (width * each + gap)
        sheet[:, left : left + width * each] = large if colours == 3 else large.repeat(3, 2)
    return sheet
