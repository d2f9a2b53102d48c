"""One result as a card of the gallery: name, verdict, doubts, pictures, measures, provenance."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xarray import Dataset

from invis.views.base import words
from invis.views.base.images import data_uri, zoom
from invis.views.search import charts

# Fields up to this many pixels are enlarged by a whole factor; others never with hard edges.
HARD_EDGES = 64
TARGET_WIDTH = {"single": 172, "pair": 112, "many": 72}

# What is told elsewhere, or is of use to a program only.
_UNTOLD = ("grey", "index_reason", "metric_statistics")
_PROVENANCE = {
    "address": "address",
    "model": "model",
    "weights": "weights",
    "weights_hash": "weights, sha256",
    "layer": "layer",
    "channel": "channel",
    "receptive_field": "receptive field, px",
    "images": "images",
    "alpha": "activation floor",
    "metric": "metric of distances",
    "contrast": "RMS contrast over all images of the norm, of 255",
    "pixel_contrast": "RMS contrast of these images, of 255",
    "band_low": "band from, cycles per image",
    "band_high": "band to, cycles per image",
    "objective": "objective",
    "distance_space": "distance searched in",
    "reference": "reference, a*",
    "free_reference": "reference without pixel range",
    "grey_response": "response to plain grey",
    "fraction_min": "smallest fraction",
    "fraction_mean": "mean fraction",
    "beta": "beta of the null",
    "distance": "nearest-neighbour distance, R",
    "rms_distance": "RMS pairwise distance, R",
    "null_distance": "null distance, R",
    "index": "index",
    "spread": "spread",
    "kappa": "kappa",
    "kappa_low": "kappa, from",
    "kappa_high": "kappa, to",
    "kappa_spread": "kappa of the spread",
    "saturated": "saturated pixel values",
    "full_model_error": "full-model error",
    "converged": "converged",
    "dead": "dead",
    "steps": "steps",
    "seconds": "seconds",
    "seed": "seed",
    "device": "device",
    "threads": "threads",
    "batch": "units in the batch",
    "invis_version": "Invis",
    "torch_version": "PyTorch",
}


def card(
    ds: Dataset, anchor: str, grey: str, kind: str, factor: int, top: float, told: Sequence[str]
) -> str:
    """One result as an article.

    `kind` is the page it stands on (single, pair, many), `grey` the class of its display stretch,
    `top` the end of the page's axis; `told` are the settings that the page has told already.
    """
    asked = ", ".join(part for part in words.settings(ds) if part not in told)
    about = " · ".join(filter(None, [words.weights(ds), asked, words.contrast_found(ds.attrs)]))
    heading = "h1" if kind == "single" else "h2"
    warnings = "".join(f"<li>{_lead(text)}</li>" for text in words.warnings(ds))
    remark = " ".join(
        filter(None, [words.remark(ds), words.tolerance(ds.attrs), words.in_features(ds)])
    )
    measured = (
        f'<div class="measured"><section><h3>Against the null</h3>{charts.scale(ds, top)}</section>'
        f"<section>{charts.courses(ds)}</section></div>"
    )
    return (
        f'<article class="result" id="{anchor}"><div class="about">'
        f'<{heading} class="name">{escape(words.title(ds))}</{heading}>'
        f'<p class="address">{escape(str(ds.attrs.get("address", "")))}</p>'
        f'<p class="settings">{escape(about[:1].upper() + about[1:])}</p>'
        f'<p class="verdict">{_lead(words.verdict(ds))}</p>'
        + (f'<p class="remark">{escape(remark)}</p>' if remark else "")
        + (f'<ul class="warnings">{warnings}</ul>' if warnings else "")
        + "</div>"
        + _seen(ds, grey, kind, factor, measured if kind != "many" else "")
        + _details(ds, charts.courses(ds) if kind == "many" else "")
        + "</article>\n"
    )


def _seen(ds: Dataset, grey: str, kind: str, factor: int, measured: str) -> str:
    images: NDArray[np.uint8] = ds["images"].values
    count, _, width, _ = images.shape
    size = shown_width(width, kind)
    alpha = words.number(ds.attrs, "alpha")
    fractions = ds["fraction"].values.astype(float)
    end = max(1.0, float(np.nanmax(fractions, initial=1.0)))
    css = grey + (" large" if width > HARD_EDGES else "")
    shots = "".join(
        _shot(image, f"image {i} of {count}", str(i), fraction, alpha, end, css)
        for i, (image, fraction) in enumerate(zip(images, fractions, strict=True), 1)
    )
    reference = _shot(
        ds["reference_image"].values, "the reference image", "a*", 1.0, None, end, css
    )
    label = (
        f'<span class="stretch-on">{words.stretch_label(factor)}</span>'
        f'<span class="stretch-off">{words.stretch_label(1)}</span>'
    )
    legend = "" if kind == "many" else f'<p class="legend">{words.bars(alpha)}</p>'
    return (
        f'<div class="seen" style="--width:{size};--cols:{columns(count)}">'
        f'<section class="reference"><h3>Reference <span class="hint">best image found</span></h3>'
        f"{reference}</section>"
        f'<section class="images"><h3>The set <span class="hint">{label}</span></h3>'
        f'<div class="set">{shots}</div>{legend}</section>{measured}</div>'
    )


def shown_width(width: int, kind: str) -> int:
    """Screen pixels of a picture `width` pixels wide on a page of this kind."""
    target = TARGET_WIDTH[kind]
    return zoom(width, target) * width if width <= HARD_EDGES else target


def columns(count: int) -> int:
    """How many images to a row: 3 to 6, as full rows as can be, four where that is a tie."""
    if count <= 4:
        return count
    return min((4, 5, 3, 6), key=lambda n: -count % n)


def _shot(
    image: NDArray[np.uint8],
    what: str,
    name: str,
    fraction: float,
    alpha: float | None,
    end: float,
    css: str,
) -> str:
    known = bool(np.isfinite(fraction))
    share = words.percent(fraction if known else None)
    short = known and alpha is not None and fraction < alpha - words.FRACTION_TOLERANCE
    fill = max(0.0, fraction) / end if known else 0.0
    mark = f'<u style="left:calc({100 * alpha / end:.2f}% - 1px)"></u>' if alpha is not None else ""
    height, width = image.shape[:2]
    return (
        f'<figure class="shot"><img class="{css}" width="{width}" height="{height}" '
        f'src="{data_uri(image)}" '
        f'alt="{what}, activation {share} of the reference">'
        f"<figcaption><span>{name}</span><b>{share}</b></figcaption>"
        f'<div class="bar" aria-hidden="true"><i{" class=short" if short else ""} '
        f'style="width:{100 * fill:.2f}%"></i>{mark}</div></figure>'
    )


def _lead(sentence: str) -> str:
    """The words before the first colon in bold."""
    head, colon, rest = sentence.partition(":")
    return f"<b>{escape(head)}{colon}</b>{escape(rest)}" if colon else escape(sentence)


def _details(ds: Dataset, extra: str) -> str:
    attrs = {key: value for key, value in ds.attrs.items() if key not in _UNTOLD}
    rows = {label: attrs.pop(key) for key, label in _PROVENANCE.items() if key in attrs}
    rows |= {key.replace("_", " "): value for key, value in attrs.items()}
    items = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(_value(value))}</dd></div>"
        for label, value in rows.items()
    )
    return (
        f"<details><summary>Provenance and all numbers</summary>"
        f'{extra}<dl class="provenance">{items}</dl></details>'
    )


def _value(value: Any) -> str:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5g}" if np.isfinite(value) else "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    return str(value) if value not in (None, "") else "–"
