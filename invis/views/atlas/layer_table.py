"""Layers by name, and results as rows of a table of layers: what the layer overview draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from xarray import Dataset

from invis.errors import InvisError
from invis.views.base import words
from invis.views.base.measures import MEASURES

Row = Mapping[str, Any]


def table_of(results: Sequence[Dataset], groups: Sequence[str] | None = None) -> list[Row]:
    """Results or profiles as rows of layer, channel, measures, group, address, dead.

    `groups` names the group of each result; if left out, results of different models, weights or
    metrics form groups. Raises InvisError for groups that are not one for each result.
    """
    if groups is not None and len(groups) != len(results):
        raise InvisError(
            f"groups has {len(groups)} names for {len(results)} results: give one for each."
        )
    models = {str(ds.attrs.get("model", "")) for ds in results}
    origins = {(str(ds.attrs.get("model", "")), words.weights(ds)) for ds in results}
    metrics = {words.metric_name(ds.attrs) for ds in results}

    def group(ds: Dataset) -> str:
        parts = [str(ds.attrs.get("model", ""))] * (len(models) > 1)
        parts += [words.weights(ds)] * (len(origins) > len(models))
        # Units in different metrics are never compared without saying so.
        parts += [words.metric_name(ds.attrs)] * (len(metrics) > 1)
        return ", ".join(parts)

    return [
        {
            "layer": str(ds.attrs.get("layer", "")),
            "channel": str(ds.attrs.get("channel", "")),
            **{key: words.number(ds.attrs, key) for key in MEASURES},
            "group": group(ds) if groups is None else groups[i],
            "address": str(ds.attrs.get("address", "")),
            "dead": bool(ds.attrs.get("dead", False)),
        }
        for i, ds in enumerate(results)
    ]


def as_rows(table: Sequence[Dataset | Row]) -> list[Row]:
    """A table given as results or as rows, as rows.

    Raises:
        InvisError: if it is empty, mixed, or an entry names no layer.
    """
    results = [one for one in table if isinstance(one, Dataset)]
    if results and len(results) == len(table):
        return table_of(results)
    rows = [one for one in table if not isinstance(one, Dataset) and "layer" in one]
    if not rows or len(rows) != len(table):
        raise InvisError(
            f"table has {len(table)} entries, {len(rows)} of them rows with a layer: give results, "
            "or rows with layer, channel and index."
        )
    return rows


def index_of(row: Row, measure: str = "index") -> float:
    """The index of a unit, or another measure; NaN for a dead one and where there is none."""
    value = row.get(measure)
    return math.nan if value is None or row.get("dead") else float(value)


def address_of(row: Row) -> str:
    """The address of a unit, or its layer and channel where it has none."""
    return str(row.get("address") or f"{row['layer']}/{row.get('channel', '')}")


def missing(rows: Sequence[Row], measure: str = "index") -> str:
    """What has no index among some units: "3 dead", "1 dead, 2 without index", or nothing."""
    dead = sum(bool(row.get("dead")) for row in rows)
    without = sum(not math.isfinite(index_of(row, measure)) for row in rows) - dead
    name = MEASURES[measure].name
    parts = [f"{dead} dead"] * (dead > 0) + [f"{without} without {name}"] * (without > 0)
    return ", ".join(parts)


class NamedLayer(Protocol):
    """What is known of a layer of an atlas."""

    path: str
    model: str
    weights: str
    weights_hash: str
    layer: str
    settings: dict[str, object]


def weights(layer: NamedLayer) -> str:
    """`trained`, `untrained, seed 0`, or the name of the weights."""
    return told(layer.weights)


def told(name: str) -> str:
    """The name of weights as people say it."""
    if name == "none" or name.startswith("none:"):
        seed = name.partition(":")[2]
        return f"untrained, seed {seed}" if seed else "untrained"
    if name in ("", "default"):
        return "trained"
    return f"weights {name[:12]}"


def order(layer: NamedLayer) -> tuple[str, bool, str, str]:
    """By model, what was trained first, then by layer."""
    return layer.model, weights(layer).startswith("untrained"), layer.layer, layer.path


def groups(layers: Sequence[NamedLayer]) -> dict[str, str]:
    """Path -> what tells a layer from its namesakes: its weights, and settings that differ.

    The metric is told wherever an atlas has several: layers of one group are drawn as one network,
    and distances in different metrics are not to be compared.
    """
    found = {}
    several = len({str(one.settings.get("metric")) for one in layers}) > 1
    for layer in layers:
        same = [one for one in layers if (one.model, one.layer) == (layer.model, layer.layer)]
        twins = [one for one in same if one.weights_hash == layer.weights_hash]
        parts = [weights(layer)]
        if len({one.weights_hash for one in same if weights(one) == weights(layer)}) > 1:
            parts.append(layer.weights_hash[:6])
        for key, value in layer.settings.items():
            differs = len({str(one.settings.get(key)) for one in twins}) > 1
            if differs or (key == "metric" and several):
                parts.append(f"{key} {value}")
        found[layer.path] = ", ".join(parts)
    return found
