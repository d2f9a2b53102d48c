"""Units as cards, facts as a list: plain HTML of what the store tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from invis.views import words


def unit_cards(rows: Sequence[Mapping[str, Any]], strips: Sequence[str]) -> str:
    """A card a unit, in the order given."""
    return "".join(_card(row, strip) for row, strip in zip(rows, strips, strict=True))


def _card(row: Mapping[str, Any], strip: str) -> str:
    channel = int(row["channel"])
    value = "dead" if row.get("dead") else words.figure(words.number(row, "index"))
    told = str(row.get("probe_sentence") or "")
    picture = f'<img src="{strip}" alt="">' if strip else "<p>its images are damaged</p>"
    return (
        f'<button class="unit" type="button" data-channel="{channel}">'
        f'<div class="head"><span>channel {channel}</span><b>{value}</b></div>{picture}'
        f"{f'<p>{escape(told)}</p>' if told else ''}</button>"
    )


def facts(pairs: Mapping[str, Any]) -> str:
    """Names and values as a list."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in pairs.items()
        if value not in (None, "")
    )
    return f'<dl class="facts">{items}</dl>'
