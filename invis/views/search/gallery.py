"""Results as one self-contained page: it asks for nothing, and prints, darkens and narrows well."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from xarray import Dataset

from invis.errors import InvisError
from invis.views.base import alike, words
from invis.views.base.images import grey_of, is_smooth, stretch_factor, visible, widest_stretch
from invis.views.search import charts
from invis.views.search.card import card, shown_width


def gallery_html(results: Sequence[Dataset]) -> str:
    """One page of one or many results, side by side where there are two.

    Pure: the same results give the same page. All pictures of a page share one display stretch, and
    all measures one axis; switches show true contrast and hard pixels. Raises InvisError for an
    empty list.
    """
    if not results:
        raise InvisError("results is empty: a gallery needs at least one result.")
    results = [visible(ds) for ds in results]
    kind = {1: "single", 2: "pair"}.get(len(results), "many")
    factor, top = widest_stretch(results), charts.axis_top(results)
    widths = {ds.sizes["column"] for ds in results}
    smooth = any(is_smooth(width, shown_width(width, kind)) for width in widths)
    header = _header(factor, true=stretch_factor(results) == 1, smooth=smooth)
    asked = [words.settings(ds) for ds in results]
    common = [part for part in asked[0] if all(part in other for other in asked)]
    greys = list(dict.fromkeys(tuple(grey_of(ds)) for ds in results))
    cards = "".join(
        card(
            ds,
            f"r{i}",
            f"g{greys.index(tuple(grey_of(ds)))}",
            kind,
            factor,
            top,
            told=() if kind == "single" else common,
        )
        for i, ds in enumerate(results)
    )
    if kind == "single":
        name, opening = words.title(results[0]), ""
    else:
        units = len({str(ds.attrs.get("address")) for ds in results})
        what = "units" if units == len(results) else "results"
        name = f"{len(results)} {what} side by side"
        rows = [(f"r{i}", _short_name(ds, results), ds) for i, ds in enumerate(results)]
        opening = (
            f'<section class="wide"><h1>{name}</h1>'
            f'<p class="settings">{_question(results, common)}</p>'
            f'<div style="margin-top:1.2rem">{charts.overview(rows, top)}</div></section>'
        )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(name)} · Invis</title>\n<style>\n{_style(greys)}</style>\n</head>\n"
        f'<body class="{kind}">\n{_filters(greys, factor)}{header}'
        f"<main>\n{opening}{cards}</main>\n{_footer(results)}</body>\n</html>\n"
    )


def _style(greys: Sequence[tuple[float, ...]]) -> str:
    sheet = (Path(__file__).parents[1] / "base" / "gallery.css").read_text(encoding="utf-8")
    off = "#true-contrast:checked ~ main"
    for i in range(len(greys)):
        sheet += f".g{i} {{ filter: url(#g{i}); }} {off} .g{i} {{ filter: none; }}\n"
    return sheet


def _filters(greys: Sequence[tuple[float, ...]], factor: int) -> str:
    """One SVG filter a mean grey: the embedded PNG stays what the network saw."""
    filters = []
    for i, grey in enumerate(greys):
        channels = grey * 3 if len(grey) == 1 else grey
        functions = "".join(
            f'<feFunc{name} type="linear" slope="{factor}" '
            f'intercept="{level / 255 * (1 - factor):.6f}"/>'
            for name, level in zip("RGB", channels, strict=True)
        )
        filters.append(
            f'<filter id="g{i}" x="0" y="0" width="1" height="1" '
            'color-interpolation-filters="sRGB">'
            f"<feComponentTransfer>{functions}</feComponentTransfer></filter>"
        )
    hidden = 'width="0" height="0" style="position:absolute" aria-hidden="true"'
    return f"<svg {hidden}>{''.join(filters)}</svg>\n"


def _header(factor: int, true: bool, smooth: bool) -> str:
    """The switches and their labels; `true` and `smooth` are how the page begins."""
    known = [("true-contrast", "True contrast", true)] if factor > 1 else []
    known.append(("smooth", "Smooth pixels", smooth))
    switches = "".join(
        f'<input class="switch" type="checkbox" id="{name}"{" checked" if on else ""}>'
        for name, _, on in known
    )
    controls = "".join(f'<label for="{name}">{label}</label>' for name, label, _ in known)
    return (
        f'{switches}\n<header class="top"><span class="brand">Invis</span>'
        '<span class="motto">what a network ignores</span>'
        f'<div class="controls">{controls}</div></header>\n'
    )


def _short_name(ds: Dataset, results: Sequence[Dataset]) -> str:
    """The address, and what tells a result from others of the same address."""
    address = str(ds.attrs.get("address", "unit"))
    own = words.brief(ds)
    others = [words.brief(one) for one in results if one.attrs.get("address") == address]
    parts = [own[key] for key in own if any(one.get(key) != own[key] for one in others)]
    return ", ".join([address, *parts])


def _question(results: Sequence[Dataset], common: Sequence[str]) -> str:
    """The settings that all results share, and a warning where indices are not comparable."""
    told, warning = escape(", ".join(common)), alike.doubt(results)
    return f"{told} <b>{escape(warning)}</b>" if warning else told


def _footer(results: Sequence[Dataset]) -> str:
    version = escape(str(results[0].attrs.get("invis_version", "")))
    return (
        "<footer><p>Index: the mean distance of an image to its nearest neighbour in the set, "
        "divided by the largest RMS distance that a linear (affine) unit would allow a set of the "
        "same size, norm and activation, both in the metric of the search. Spread: the same for "
        "all pairs. A linear unit ignores only what is orthogonal to its one filter and never "
        "exceeds 1 in either. Images are sorted so that neighbours differ little; "
        "activations were measured on these 8-bit images through the full model.</p>"
        f"<p>Made with Invis {version}.</p></footer>\n"
    )
