"""A result, or whole images of a unit, as a notebook shows them: compact and self-contained."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from xarray import Dataset

from invis.views.base import words
from invis.views.base.images import (
    data_uri,
    grey_of,
    rendering,
    stretch_factor,
    stretched,
    visible,
    zoom,
)

TILE, FULL_TILE = 72, 128
POSITIONS = {
    "all": "for the mean over all positions",
    "center": "for the unit at the centre",
    "none": "for a unit that sees all of the image",
}


def result_html(ds: Dataset) -> str:
    """One result as an HTML fragment: reference, set, what the index says, what to doubt."""
    style = (Path(__file__).parent / "notebook.css").read_text(encoding="utf-8")
    ds = visible(ds)
    grey, factor = grey_of(ds), stretch_factor([ds])
    width = ds.sizes["column"]
    size = zoom(width, TILE) * width
    shown = f"width:{size}px;image-rendering:{rendering(width, size)}"

    def shot(image: np.ndarray, caption: str) -> str:
        return (
            f'<figure><img src="{data_uri(stretched(image, grey, factor))}" '
            f'style="{shown}" alt="{escape(caption)}"><figcaption>{escape(caption)}'
            "</figcaption></figure>"
        )

    shots = shot(ds["reference_image"].values, "reference")
    for image, fraction in zip(ds["images"].values, ds["fraction"].values, strict=True):
        shots += shot(image, words.percent(float(fraction) if np.isfinite(fraction) else None))
    doubts = "".join(f'<p class="invis-warn">{escape(text)}</p>' for text in words.warnings(ds))
    asked = ", ".join(filter(None, [*words.settings(ds), words.contrast_found(ds.attrs)]))
    spread = words.number(ds.attrs, "spread")
    more = f" Spread {spread:.2f} (a linear unit: 1)." if spread is not None else ""
    return (
        f'<div class="invis-result"><style>{style}</style>'
        f'<p class="invis-name">{escape(words.title(ds))}</p>'
        f'<p class="invis-soft">{escape(asked)}; {words.stretch_label(factor)}</p>'
        f'<div class="invis-strip">{shots}</div>'
        f"<p>{escape(words.verdict(ds) + more)}</p>{doubts}</div>"
    )


def full_image_html(ds: Dataset) -> str:
    """A data set of `invis.full_image` as an HTML fragment: images, activations, their null."""
    style = (Path(__file__).parent / "notebook.css").read_text(encoding="utf-8")
    attrs, size = ds.attrs, zoom(ds.sizes["column"], FULL_TILE) * ds.sizes["column"]
    shots = ""
    for image, activation in zip(ds["images"].values, ds["activation"].values, strict=True):
        caption = words.figure(float(activation))
        shots += (
            f'<figure style="margin:0"><img src="{data_uri(image)}" style="width:{size}px;'
            f'box-shadow:0 0 0 1px #8886" '
            f'alt="activation {caption}"><figcaption>{caption}</figcaption></figure>'
        )
    noise, grey = (words.figure(words.number(attrs, f"{a}_response")) for a in ("noise", "grey"))
    asked = f"whole images {POSITIONS[attrs['positions']]}, {attrs['steps']} steps"
    weakest = float(ds["activation"].min())
    doubt = ""
    if weakest <= attrs["noise_response"]:
        doubt = (
            f'<p class="invis-warn">One of these images ({words.figure(weakest)}) excites the unit '
            "no more than noise does: try more steps, less diversity or a smaller rate.</p>"
        )
    return (
        f'<div class="invis-result"><style>{style}</style>'
        f'<p class="invis-name">{escape(words.title(ds))}</p>'
        f'<p class="invis-soft">{escape(asked)}; true contrast</p>'
        f'<div class="invis-strip">{shots}</div>'
        f"<p>Activations measured on these 8-bit images. Of {attrs['noise_images']} images of "
        f"noise of the same contrast the best reaches {noise}; plain grey gives {grey}.</p>"
        f"{doubt}</div>"
    )


def is_result(ds: Dataset) -> bool:
    """Whether a data set is a whole result of a search, not a part or a derivation of one."""
    pictures = {"images": 4, "reference_image": 3, "fraction": 1}
    return str(ds.attrs.get("format", "")).startswith("invis-set") and all(
        name in ds and ds[name].ndim == dims for name, dims in pictures.items()
    )


def is_full_image(ds: Dataset) -> bool:
    """Whether a data set is what `invis.full_image` made, not a part or a derivation of it."""
    return str(ds.attrs.get("format", "")).startswith("invis-full") and all(
        name in ds and ds[name].ndim == dims
        for name, dims in {"images": 4, "activation": 1}.items()
    )


def register(shell: Any) -> None:
    """Make an IPython shell show results as pictures, and other data sets as xarray does."""

    def render(ds: Dataset) -> str:
        if is_full_image(ds):
            return full_image_html(ds)
        return result_html(ds) if is_result(ds) else ds._repr_html_()

    shell.display_formatter.formatters["text/html"].for_type(Dataset, render)
