"""Units as cards, facts as a list: plain HTML of what the store tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from invis.atlas.annotate import sentence_of
from invis.views.base import words


def unit_cards(rows: Sequence[Mapping[str, Any]], strips: Sequence[str]) -> str:
    """A card a unit, in the order given."""
    return "".join(_card(row, strip) for row, strip in zip(rows, strips, strict=True))


def _card(row: Mapping[str, Any], strip: str) -> str:
    channel = int(row["channel"])
    value = "dead" if row.get("dead") else words.figure(words.number(row, "index"))
    told = sentence_of(row)
    picture = f'<img src="{strip}" alt="">' if strip else "<p>its images are damaged</p>"
    return (
        f'<button class="unit" type="button" data-channel="{channel}">'
        f'<div class="head"><span>channel {channel}</span><b>{value}</b></div>{picture}'
        f"{f'<p>{escape(told)}</p>' if told else ''}</button>"
    )


def medians(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A line a layer and group: the median index of its units, and what a linear unit reaches."""
    found: dict[tuple[str, str], list[float | None]] = {}
    for row in rows:
        place = str(row["layer"]), str(row["group"])
        found.setdefault(place, []).append(words.number(row, "index"))
    middles = {place: words.median(values) for place, values in found.items()}
    lines = {place: value for place, value in middles.items() if value is not None}
    top = max([1.0, *lines.values()])
    several = len({group for _, group in lines}) > 1
    items = "".join(
        f"<div><dt>{escape(layer)}{escape(f', {group}') if several else ''}</dt>"
        f'<dd><span><i style="width:{100 * value / top:.0f}%"></i>'
        f'<s style="left:{100 / top:.0f}%"></s></span>{words.figure(value)}</dd></div>'
        for (layer, group), value in lines.items()
    )
    told = "<p>The median index of the units; the mark is what a linear unit would reach.</p>"
    return f'<h1>{escape(title)}</h1>{told}<dl class="medians">{items}</dl>'


def facts(pairs: Mapping[str, Any]) -> str:
    """Names and values as a list."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in pairs.items()
        if value not in (None, "")
    )
    return f'<dl class="facts">{items}</dl>'
