"""Exemplars beside their set: what a unit meets in pictures, under what it could respond to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from xarray import Dataset

from invis.errors import InvisError
from invis.views.base import words
from invis.views.base.frame import BELOW_TITLE, LETTER, LINE, WIDE_LINE, Frame, hint
from invis.views.base.images import grey_of, stretch_factor, stretched
from invis.views.base.mosaic import REFERENCE, Tiling, mosaic, plan
from invis.views.base.page import figures_html
from invis.views.base.theme import (
    LABEL_SIZE,
    Palette,
    palette,
    rgb,
    template,
)
from invis.views.base.tiles import BARS, TRACKS, Caption, mosaic_axes, tile_traces
from invis.views.probe.exemplars_shares import note, share_axes, share_traces, verdict

MOST_COLUMNS = 8
HEAD, GAP, PANEL, FOOT = 64, 46, 216, 62


def exemplars_figure(
    found: Dataset, ds: Dataset, dark: bool = False, width: int | None = None
) -> go.Figure:
    """The set of a unit, its exemplars beneath, and the shares of both over random crops.

    Exemplars are shown as they are; the set is stretched where it could not be seen, and says so.

    Args:
        found: what `invis.probe.exemplars.exemplars` returned for the unit.
        ds: the unit's set.
        width: in pixels; without one the figure fills what it is put into.

    Raises:
        InvisError: if the two are not of the same unit, or there is no exemplar.
    """
    if found.attrs.get("address") != ds.attrs.get("address"):
        raise InvisError(
            f"ds is the set of {ds.attrs.get('address')}, but the exemplars are of "
            f"{found.attrs.get('address')}: give those of one unit"
        )
    if not found.sizes["exemplar"]:
        raise InvisError(f"found holds no exemplar of {found.attrs.get('address')}")
    colours = palette(dark)
    inner = Frame(width).inner
    columns = min(MOST_COLUMNS, max(ds.sizes["image"], found.sizes["exemplar"]))
    size = (ds.sizes["row"], ds.sizes["column"])
    above = plan(ds.sizes["image"], size, columns, room=inner)
    below = plan(found.sizes["exemplar"], size, columns, room=inner)
    factor = stretch_factor([ds])
    grey = grey_of(ds)
    set_picture, _ = mosaic(
        stretched(ds["images"].values, grey, factor),
        stretched(ds["reference_image"].values, grey, factor),
        background=rgb(colours.paper),
        tiling=above,
    )
    # The place under the reference stays empty, so that both lie in the same columns.
    blank = np.broadcast_to(np.array(rgb(colours.paper), np.uint8), (*size, 3))
    crops = np.broadcast_to(found["crops"].values, (found.sizes["exemplar"], *size, 3))
    crop_picture, _ = mosaic(crops, blank, background=rgb(colours.paper), tiling=below)
    frame = _Frame(found, above, below, width)
    data = tile_traces(set_picture, above, _set_captions(ds), 1.0, colours)
    second = tile_traces(crop_picture, below, _captions(found), _end(found), colours)
    data += [_without_reference(trace, k, colours) for k, trace in enumerate(second)]
    axes = mosaic_axes(above, (0.0, 1.0), frame.span(frame.set_top, frame.set_height))
    more = mosaic_axes(below, (0.0, 1.0), frame.span(frame.crops_top, frame.crops_height))
    more["yaxis"] |= {"scaleanchor": "x2"}
    top, bottom = frame.span(frame.panel_top, PANEL)[::-1]
    figure = go.Figure(data + share_traces(found, ds, colours))
    figure.update_layout(
        template=template(dark),
        width=width,
        **frame.layout(f"{words.title(found)}: exemplars"),
        showlegend=False,
        xaxis=axes["xaxis"] | {"anchor": "y"},
        yaxis=axes["yaxis"] | {"anchor": "x"},
        xaxis2=more["xaxis"] | {"anchor": "y2"},
        yaxis2=more["yaxis"] | {"anchor": "x2"},
        **share_axes(found, (bottom, top), inner),
        annotations=_texts(found, ds, frame, factor, colours),
    )
    return figure


def exemplars_html(found: Sequence[Dataset], sets: Sequence[Dataset]) -> str:
    """One page that needs no network: a figure for each unit that has exemplars."""
    pairs = [(one, ds) for one, ds in zip(found, sets, strict=True) if one.sizes["exemplar"]]
    light, dark = (
        [exemplars_figure(one, ds, scheme) for one, ds in pairs] for scheme in (False, True)
    )
    title = f"Exemplars of {', '.join(str(one.attrs['address']) for one, _ in pairs[:3])}"
    return figures_html(light, dark, title + (" and others" if len(pairs) > 3 else ""))


class _Frame(Frame):
    """Where the parts lie, in pixels from the top."""

    def __init__(self, found: Dataset, above: Tiling, below: Tiling, width: int | None) -> None:
        super().__init__(width)
        self.lines = self.wrapped(verdict(found))
        self.note = self.wrapped(note(found), LETTER)
        self.set_top = BELOW_TITLE + WIDE_LINE * len(self.lines) + HEAD
        self.set_height = above.size[0] / above.unit
        self.crops_top = self.set_top + self.set_height + GAP + LINE * len(self.note) + 24
        self.crops_height = below.size[0] / below.unit
        self.panel_top = self.crops_top + self.crops_height + GAP
        self.height = round(self.panel_top + PANEL + FOOT)


def _set_captions(ds: Dataset) -> list[Caption]:
    alpha = words.number(ds.attrs, "alpha")
    captions = [Caption("<b>a*</b>", "100 %", 1.0, hover="the reference: best image found")]
    for k, share in enumerate(ds["fraction"].values.astype(float).tolist()):
        text = words.percent(share if math.isfinite(share) else None)
        hover = f"image {k + 1} of the set: {text} of the reference’s activation"
        captions.append(Caption(str(k + 1), f"<b>{text}</b>", share, alpha, hover=hover))
    return captions


def _captions(found: Dataset) -> list[Caption]:
    """Of the empty place under the reference, and of each exemplar."""
    captions = [Caption("", "")]
    for k in range(found.sizes["exemplar"]):
        share, equal = (float(found[key].values[k]) for key in ("fraction", "equal_fraction"))
        text = words.percent(share if math.isfinite(share) else None)
        hover = (
            f"{escape(str(found['path'].values[k]))}<br>"
            f"row {int(found['top'].values[k])}, column {int(found['left'].values[k])}, "
            f"contrast {float(found['contrast'].values[k]):.0f}<br>"
            f"{text} of the reference’s activation as it is<br>"
            f"{words.percent(equal if math.isfinite(equal) else None)} at the set’s contrast"
        )
        mark = max(equal, 0.0) if math.isfinite(equal) else None
        captions.append(Caption(chr(ord("A") + k) if k < 26 else str(k + 1), f"<b>{text}</b>",
                                share, mark, hover=hover))  # fmt: skip
    return captions


def _end(found: Dataset) -> float:
    shares = found["fraction"].values.astype(float)
    return max([1.0, *shares[np.isfinite(shares)].tolist()])


def _without_reference(trace: dict[str, Any], k: int, colours: Palette) -> dict[str, Any]:
    """A trace of the exemplars, on their own axes."""
    moved = trace | {"xaxis": "x2", "yaxis": "y2"}
    if k == BARS:
        moved["line"] = trace["line"] | {"color": colours.spread}
    if k == TRACKS:
        # The first three points are the track under the empty place.
        moved |= {"x": trace["x"][3:], "y": trace["y"][3:]}
    if "customdata" in trace:
        keep = [i for i, tile in enumerate(trace["customdata"]) if tile != REFERENCE]
        for key in ("x", "y", "customdata", "hovertext"):
            moved[key] = [trace[key][i] for i in keep]
    return moved


def _texts(
    found: Dataset, ds: Dataset, frame: _Frame, factor: int, colours: Palette
) -> list[dict[str, Any]]:
    searched = hint(f"searched; {words.stretch_label(factor)}", colours)
    note = "".join(hint(escape(line, quote=False), colours) for line in frame.note)
    folder = escape(str(found.attrs["folder"]), quote=False)
    heads = (
        ("<b>The set</b>" + searched, frame.set_top - 6),
        (f"<b>Exemplars</b> from {folder}" + note, frame.crops_top - 6),
        ("<b>Shares of the reference’s activation</b>", frame.panel_top - 8),
    )
    bold = {"size": LABEL_SIZE, "color": colours.ink}
    return [
        frame.verdict(frame.lines, BELOW_TITLE, colours),
        *(frame.text(said, top, bold, yanchor="bottom") for said, top in heads),
    ]
