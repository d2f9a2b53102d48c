"""The pages of an atlas for a browser without Python: all layers, and the units of one layer."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from invis.views.atlas.layers_figure import layers_figure
from invis.views.base import words
from invis.views.base.theme import CONFIG

PLOTLY = "plotly.min.js"


@dataclass(frozen=True)
class UnitLine:
    """A unit on the page of its layer: what is told, its strip of images, and its own page."""

    address: str
    channel: int
    index: float | None
    spread: float | None
    dead: bool
    told: str
    strip: str
    href: str


@dataclass(frozen=True)
class LayerLine:
    """A layer on the first page: how it is told apart (`group`), its units, and its page."""

    model: str
    layer: str
    group: str
    channels: int
    units: Sequence[UnitLine]
    href: str

    @property
    def best(self) -> UnitLine | None:
        """The unit of the highest index."""
        found = [unit for unit in self.units if unit.index is not None]
        return max(found, key=lambda unit: unit.index or 0.0) if found else None

    @property
    def median(self) -> float | None:
        """Of the indices of its units."""
        return words.median(unit.index for unit in self.units)


def index_html(layers: Sequence[LayerLine], downloads: Sequence[str] = ()) -> str:
    """The first page: each network's layers as distributions of the index, then as a table."""
    models = list(dict.fromkeys(layer.model for layer in layers))
    units = sum(len(layer.units) for layer in layers)
    links = " ".join(f'<a href="{escape(name)}">{escape(name)}</a>' for name in downloads)
    body = (
        f"<section><h1>What {escape(_listed(models))} ignore{'s' * (len(models) == 1)}</h1>"
        f'<p class="lead">{units} units, each with a set of images that excite it alike and differ '
        "as much as they can. An index above 1 is more than any linear unit can ignore.</p>"
        f"{f'<p>All measures: {links}</p>' if links else ''}</section>"
    )
    figures: dict[str, list[Any]] = {}
    for number, model in enumerate(models):
        of_model = [layer for layer in layers if layer.model == model]
        figures[f"figure-{number}"] = _figures(model, of_model)
        rows = "".join(_row(layer) for layer in of_model)
        body += (
            f'<section><div class="figure" id="figure-{number}"></div></section>'
            f'<section><h2>Layers of {escape(model)}</h2><div class="scroll"><table><thead><tr>'
            '<th>Layer</th><th>Weights</th><th class="number">Units</th>'
            '<th class="number">Median index</th><th class="number">Highest</th>'
            f"<th>Its reference and set</th></tr></thead><tbody>{rows}</tbody></table></div>"
            "</section>"
        )
    hrefs = {unit.address: unit.href for layer in layers for unit in layer.units}
    script = _SCRIPT % {
        "figures": _json(figures),
        "hrefs": _json(hrefs),
        "config": json.dumps(CONFIG),
    }
    return _page("Atlas", body, f'<script src="{PLOTLY}"></script><script>{script}</script>')


def layer_html(layer: LayerLine, home: str) -> str:
    """The units of one layer, sorted by index or channel; `home` is the way to the first page."""
    cards = "".join(_card(unit) for unit in _by_index(layer.units))
    body = (
        f'<section><p><a href="{escape(home)}">All layers</a></p>'
        f"<h1>{escape(layer.layer)} of {escape(layer.model)}, {escape(layer.group)}</h1>"
        f'<p class="lead">{len(layer.units)} of {layer.channels} units; the median index is '
        f"{words.figure(layer.median)}. First the reference, then the set.</p>"
        '<div class="sort"><button data-key="index" aria-pressed="true">Highest index first'
        '</button><button data-key="channel" aria-pressed="false">By channel</button></div>'
        f'<div class="units">{cards}</div></section>'
    )
    return _page(f"{layer.layer} of {layer.model}", body, f"<script>{_SORT}</script>")


def _by_index(units: Sequence[UnitLine]) -> list[UnitLine]:
    return sorted(units, key=lambda unit: (unit.index is None, -(unit.index or 0), unit.channel))


def _figures(model: str, layers: Sequence[LayerLine]) -> list[Any]:
    """The distribution of the index, light and dark, as plotly's JSON."""
    several = len({layer.group for layer in layers}) > 1
    table = [
        {
            "layer": layer.layer,
            "channel": str(unit.channel),
            "index": math.nan if unit.index is None else unit.index,
            "spread": unit.spread,
            "group": layer.group if several else "",
            "address": unit.address,
            "dead": unit.dead,
        }
        for layer in layers
        for unit in layer.units
    ]
    if not table:
        return []
    title = f"What each layer of {model} ignores"
    return [
        json.loads(layers_figure(table, dark=dark, title=title).to_json() or "{}")
        for dark in (False, True)
    ]


def _row(layer: LayerLine) -> str:
    best = layer.best
    strip = f'<img class="strip" src="{escape(best.strip)}" alt="">' if best else ""
    link = f'<a href="{escape(best.href)}">{words.figure(best.index)}</a>' if best else "–"
    return (
        f'<tr><td><a href="{escape(layer.href)}">{escape(layer.layer)}</a></td>'
        f'<td>{escape(layer.group)}</td><td class="number">{len(layer.units)}</td>'
        f'<td class="number">{words.figure(layer.median)}</td><td class="number">{link}</td>'
        f"<td>{strip}</td></tr>"
    )


def _card(unit: UnitLine) -> str:
    value = "dead" if unit.dead else words.figure(unit.index)
    told = f"<p>{escape(unit.told)}</p>" if unit.told else ""
    return (
        f'<article class="unit" data-index="{-1 if unit.index is None else unit.index:.6f}" '
        f'data-channel="{unit.channel}"><header><a href="../{escape(unit.href)}">channel '
        f"{unit.channel}</a><b>{value}</b></header>"
        f'<a href="../{escape(unit.href)}"><img class="strip" loading="lazy" '
        f'src="../{escape(unit.strip)}" alt="reference and set of {escape(unit.address)}"></a>'
        f"{told}</article>"
    )


def _page(title: str, body: str, scripts: str) -> str:
    here = Path(__file__).parents[1]
    style = "".join((here / name).read_text(encoding="utf-8") for name in _SHEETS)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} · Invis</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        '<header class="top"><span class="brand">Invis</span>'
        '<span class="motto">what a network ignores</span></header>\n'
        f'<main class="atlas">{body}</main>\n{scripts}</body>\n</html>\n'
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names or ["a network"])


def _json(value: Any) -> str:
    # Nothing in a name may end the script.
    return json.dumps(value).replace("</", "<\\/").replace("NaN", "null")


_SHEETS = ("base/gallery.css", "atlas/atlas.css")
_SCRIPT = """
const figures = %(figures)s, hrefs = %(hrefs)s, config = %(config)s;
const scheme = window.matchMedia("(prefers-color-scheme: dark)");
function draw() {
  for (const [id, both] of Object.entries(figures)) {
    const figure = both[scheme.matches ? 1 : 0], place = document.getElementById(id);
    if (!figure) continue;
    Plotly.newPlot(place, {data: figure.data, layout: figure.layout, config: config});
    place.on("plotly_click", event => {
      const href = hrefs[event.points[0].customdata];
      if (href) window.location = href;
    });
  }
}
scheme.addEventListener("change", draw);
draw();
"""
_SORT = """
const grid = document.querySelector(".units"), buttons = document.querySelectorAll(".sort button");
buttons.forEach(button => button.addEventListener("click", () => {
  const key = button.dataset.key, sign = key === "index" ? -1 : 1;
  buttons.forEach(one => one.setAttribute("aria-pressed", one === button));
  [...grid.children].sort((a, b) => sign * (a.dataset[key] - b.dataset[key]))
    .forEach(card => grid.appendChild(card));
}));
"""
