"""Whole images of a unit as a notebook shows them, beside what grey and noise give."""

from __future__ import annotations

from html import escape
from pathlib import Path

from xarray import Dataset

from invis.views.base import words
from invis.views.base.images import data_uri, zoom

TILE = 128
POSITIONS = {
    "all": "for the mean over all positions",
    "center": "for the unit at the centre",
    "none": "for a unit that sees all of the image",
}


def full_image_html(ds: Dataset) -> str:
    """A data set of `invis.full_image` as an HTML fragment: images, activations, their null."""
    style = (Path(__file__).parent / "notebook.css").read_text(encoding="utf-8")
    attrs, size = ds.attrs, zoom(ds.sizes["column"], TILE) * ds.sizes["column"]
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


def is_full_image(ds: Dataset) -> bool:
    """Whether a data set is what `invis.full_image` made, not a part or a derivation of it."""
    return str(ds.attrs.get("format", "")).startswith("invis-full") and all(
        name in ds and ds[name].ndim == dims
        for name, dims in {"images": 4, "activation": 1}.items()
    )
