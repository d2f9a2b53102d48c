"""Results as one self-contained page: no request leaves it, and it prints, darkens and narrows well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xarray import Dataset

from invis.errors import InvisError
from invis.views import charts, words
from invis.views.images import data_uri, grey_of, stretch_factor, zoom

# Fields up to this many pixels are shown with hard pixel edges, larger ones smoothly.
HARD_EDGES = 64
TARGET_WIDTH = {"single": 172, "pair": 112, "many": 88}

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
    "contrast": "RMS contrast, of 255",
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


def gallery_html(results: Sequence[Dataset]) -> str:
    """One page of one or many results, side by side where there are two.

    Pure: the same results give the same page. All pictures of a page share one display stretch, and
    all measures one axis. Raises InvisError for an empty list.
    """
    if not results:
        raise InvisError("results is empty: a gallery needs at least one result.")
    kind = {1: "single", 2: "pair"}.get(len(results), "many")
    factor, top = stretch_factor(results), charts.axis_top(results)
    greys = list(dict.fromkeys(tuple(grey_of(ds)) for ds in results))
    cards = "".join(
        _card(ds, f"r{i}", f"g{greys.index(tuple(grey_of(ds)))}", kind, factor, top)
        for i, ds in enumerate(results)
    )
    if kind == "single":
        name, opening = words.title(results[0]), ""
    else:
        name = f"{len(results)} units side by side"
        rows = [(f"r{i}", _short_name(ds, results), ds) for i, ds in enumerate(results)]
        opening = (
            f'<section class="wide"><h1>{name}</h1><p class="settings">{_common_settings(results)}</p>'
            f'<div style="margin-top:1.2rem">{charts.overview(rows, top)}</div></section>'
        )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(name)} · Invis</title>\n<style>\n{_style(greys)}</style>\n</head>\n"
        f'<body class="{kind}">\n{_filters(greys, factor)}{_header(factor)}'
        f"<main>\n{opening}{cards}</main>\n{_footer(results)}</body>\n</html>\n"
    )


def _style(greys: Sequence[tuple[float, ...]]) -> str:
    sheet = (Path(__file__).parent / "gallery.css").read_text(encoding="utf-8")
    for i in range(len(greys)):
        sheet += f".g{i} {{ filter: url(#g{i}); }}\n#true-contrast:checked ~ main .g{i} {{ filter: none; }}\n"
    return sheet


def _filters(greys: Sequence[tuple[float, ...]], factor: int) -> str:
    """One SVG filter a mean grey: the embedded PNG stays what the network saw."""
    filters = []
    for i, grey in enumerate(greys):
        channels = (list(grey) * 3)[:3] if len(grey) == 1 else grey
        functions = "".join(
            f'<feFunc{name} type="linear" slope="{factor}" intercept="{level / 255 * (1 - factor):.6f}"/>'
            for name, level in zip("RGB", channels, strict=True)
        )
        filters.append(
            f'<filter id="g{i}" x="0" y="0" width="1" height="1" color-interpolation-filters="sRGB">'
            f"<feComponentTransfer>{functions}</feComponentTransfer></filter>"
        )
    return f'<svg width="0" height="0" style="position:absolute" aria-hidden="true">{"".join(filters)}</svg>\n'


def _header(factor: int) -> str:
    controls, switches = "", ""
    if factor > 1:
        switches += '<input class="switch" type="checkbox" id="true-contrast">'
        controls += '<label for="true-contrast">True contrast</label>'
    switches += '<input class="switch" type="checkbox" id="smooth">'
    controls += '<label for="smooth">Smooth pixels</label>'
    return (
        f'{switches}\n<header class="top"><span class="brand">Invis</span>'
        f'<span class="motto">what a network ignores</span><div class="controls">{controls}</div></header>\n'
    )


def _card(ds: Dataset, anchor: str, grey: str, kind: str, factor: int, top: float) -> str:
    heading = "h1" if kind == "single" else "h2"
    warnings = "".join(f"<li>{_lead(text)}</li>" for text in words.warnings(ds))
    remark = words.remark(ds)
    measured = (
        f'<div class="measured"><section><h3>Against the null</h3>{charts.scale(ds, top)}</section>'
        f"<section>{charts.courses(ds)}</section></div>"
    )
    return (
        f'<article class="result" id="{anchor}">'
        f'<{heading} class="name">{escape(words.title(ds))}</{heading}>'
        f'<p class="address">{escape(str(ds.attrs.get("address", "")))}</p>'
        f'<p class="settings">{escape(words.weights(ds).capitalize())} · {escape(words.settings(ds))}</p>'
        f'<p class="verdict">{_lead(words.verdict(ds))}</p>'
        + (f'<p class="remark">{escape(remark)}</p>' if remark else "")
        + (f'<ul class="warnings">{warnings}</ul>' if warnings else "")
        + _seen(ds, grey, kind, factor, measured if kind != "many" else "")
        + _details(ds, charts.courses(ds) if kind == "many" else "")
        + "</article>\n"
    )


def _seen(ds: Dataset, grey: str, kind: str, factor: int, measured: str) -> str:
    images: NDArray[np.uint8] = ds["images"].values
    count, _, width, _ = images.shape
    size = zoom(width, TARGET_WIDTH[kind]) * width
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
    floor = f"; the mark is the floor, {words.percent(alpha)}" if alpha is not None else ""
    return (
        f'<div class="seen" style="--width:{size};--cols:{columns(count)}">'
        f'<section class="reference"><h3>Reference <span class="hint">best image found</span></h3>'
        f"{reference}</section>"
        f'<section><h3>The set <span class="hint">bars: share of the reference’s activation{floor} · '
        f'{label}</span></h3><div class="set">{shots}</div></section>{measured}</div>'
    )


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
        f'<figure class="shot"><img class="{css}" width="{width}" height="{height}" src="{data_uri(image)}" '
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
    attrs = {key: value for key, value in ds.attrs.items() if key not in ("grey", "index_reason")}
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


def _short_name(ds: Dataset, results: Sequence[Dataset]) -> str:
    """The address, with its weights where the results' addresses alone do not tell them apart."""
    address = str(ds.attrs.get("address", "unit"))
    same = [other for other in results if other.attrs.get("address") == address]
    return address if len(same) == 1 else f"{address} · {words.settings(ds)}"


def _common_settings(results: Sequence[Dataset]) -> str:
    keys: Mapping[str, str] = {
        "alpha": "activation floor",
        "images": "number of images",
        "contrast": "contrast",
    }
    differing = [
        label for key, label in keys.items() if len({str(ds.attrs.get(key)) for ds in results}) > 1
    ]
    if differing:
        return (
            f"These results differ in {' and '.join(differing)}: "
            "compare their indices with care, they answer different questions."
        )
    return escape(words.settings(results[0])[:1].upper() + words.settings(results[0])[1:])


def _footer(results: Sequence[Dataset]) -> str:
    version = escape(str(results[0].attrs.get("invis_version", "")))
    return (
        "<footer><p>Index: the mean distance of an image to its nearest neighbour in the set, divided by the "
        "largest RMS distance that a linear (affine) unit would allow a set of the same size, contrast and "
        "activation. Spread: the same for all pairs. A linear unit ignores only what is orthogonal to its "
        "one filter and never exceeds 1 in either. Images are sorted so that neighbours differ little; "
        "activations were measured on these 8-bit images through the full model.</p>"
        f"<p>Made with Invis {version}.</p></footer>\n"
    )
