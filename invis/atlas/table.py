"""All measures of an atlas as one table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from invis.atlas.layer import AtlasLayer

# First columns; everything else that is known of a unit follows.
FIRST = ("address", "model", "weights", "layer", "channel", "index", "spread", "fraction_min")


def table(layers: Iterable[AtlasLayer], notes: Iterable[str] = ()) -> pd.DataFrame:
    """One row a finished unit: the scalars of its result, its layer's path, and its notes.

    Args:
        layers: whose units.
        notes: kinds of notes, such as `probe`; their scalars become columns `probe_NAME`.

    Raises:
        InvisError: where a record is damaged.
    """
    kinds = list(notes)
    return pd.DataFrame([row for layer in layers for row in rows(layer, kinds)])


def rows(layer: AtlasLayer, notes: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The rows of one layer, by channel."""
    found = []
    for channel in sorted(layer.done()):
        attrs = layer.record(channel)["attrs"]
        # A weights name tells less than the hash, but people sort by it.
        row = {key: attrs.get(key) for key in FIRST} | {"path": layer.path, "channel": channel}
        row |= {key: value for key, value in attrs.items() if not isinstance(value, list)}
        row["channel"] = channel
        for name in notes:
            value = layer.noted(channel, name) or {}
            row |= {f"{name}_{key}": item for key, item in value.items() if _scalar(item)}
        found.append(row)
    return found


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)
