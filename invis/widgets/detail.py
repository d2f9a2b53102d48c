"""One image of a set, enlarged, with what the full model says of it."""

from __future__ import annotations

import ipywidgets as ipw
from xarray import Dataset

from invis.views.base import words
from invis.views.base.images import (
    contrasts_of,
    data_uri,
    enlarged,
    grey_of,
    stretch_factor,
    stretched,
)

SIDE = 420
REFERENCE = -1


class Detail(ipw.VBox):
    """An image chosen by a click in the figure, or here by its number."""

    def __init__(self) -> None:
        self._ds: Dataset | None = None
        self._which = ipw.ToggleButtons(
            options=[("reference", REFERENCE)], style={"button_width": "auto"}
        )
        self._view = ipw.HTML()
        super().__init__([self._which, self._view])
        self._which.observe(lambda _: self._draw(), "value")
        self.show(None)

    @property
    def tile(self) -> int:
        """The image shown, -1 for the reference."""
        return self._which.value

    def show(self, ds: Dataset | None) -> None:
        """Offer the images of a result; None empties the view."""
        self._ds = ds
        count = 0 if ds is None else ds.sizes["image"]
        options = [("reference", REFERENCE), *((str(i + 1), i) for i in range(count))]
        tile = min(self.tile, count - 1)
        self._which.options = options
        self._which.value = tile
        self._which.layout.display = "none" if ds is None else ""
        self._draw()

    def choose(self, tile: int) -> None:
        """Show one image, if there is a result that has it."""
        if self._ds is not None and tile < self._ds.sizes["image"]:
            self._which.value = tile

    def _draw(self) -> None:
        ds = self._ds
        if ds is None:
            self._view.value = "<p>When a search has ended, click one of its images.</p>"
            return
        self._view.value = detail_html(ds, self.tile)


def detail_html(ds: Dataset, tile: int) -> str:
    """One image of a result (-1: its reference) beside what was measured of it."""
    reference = tile == REFERENCE
    image = ds["reference_image"].values if reference else ds["images"].values[tile]
    factor = stretch_factor([ds])
    side = max(1, SIDE // image.shape[1])
    shown = enlarged(stretched(image, grey_of(ds), factor), side)
    activation = float(ds.attrs["reference"] if reference else ds["activation"].values[tile])
    fraction = 1.0 if reference else float(ds["fraction"].values[tile])
    rows = [
        ("activation on the full model", words.figure(activation, 3)),
        ("above grey, of the reference", words.percent(fraction, 1)),
        ("response to plain grey", words.figure(words.number(ds.attrs, "grey_response"), 3)),
    ]
    if not reference:
        nearest = float(ds["nearest"].values[tile])
        rows.append(("distance to its nearest neighbour", f"{words.figure(nearest)} R"))
        rows.append(("where distances are", words.metric(ds.attrs)))
    contrast = float(contrasts_of(image[None], grey_of(ds))[0])
    rows += [
        ("RMS contrast", f"{words.figure(contrast, 1)} of 255"),
        ("size", f"{image.shape[1]} × {image.shape[0]} px, shown ×{side}"),
        ("shown with", words.stretch_label(factor)),
    ]
    name = "the reference" if reference else f"image {tile + 1}"
    table = "".join(
        f'<tr><td style="padding:2px 18px 2px 0">{what}</td><td style="text-align:right">'
        f"<b>{value}</b></td></tr>"
        for what, value in rows
    )
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:24px;align-items:flex-start">'
        f'<img alt="{name}, enlarged" src="{data_uri(shown)}" '
        'style="max-width:100%">'
        f'<table style="font-size:15px;line-height:1.5">{table}</table></div>'
    )
