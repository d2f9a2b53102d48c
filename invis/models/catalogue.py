"""What models there are: where each comes from, and whether it works without a network."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from invis.models.layers import layers
from invis.models.names import COUNTS, EMBEDDED, TRUTH
from invis.models.sources import checkpoint, choose, shipped
from invis.models.zoo import architecture, model_names
from invis.shipped import data_path

# Tracing all of torchvision takes a minute, so the counts ship in COUNTS. `python -m
# invis.models.catalogue` writes them anew, and a slow test keeps them true.


def catalogue() -> list[dict[str, Any]]:
    """One dict a model: name, source, available_offline (its default weights are here), layers.

    `layers` is the number of layers whose units can be shown.
    """
    counts: dict[str, int] = json.loads(data_path(COUNTS).read_text(encoding="utf-8"))
    return [
        {
            "name": name,
            "source": _source(name),
            "available_offline": _is_here(name),
            "layers": counts[name] if name in counts else count_layers(name),
        }
        for name in model_names()
    ]


@cache
def count_layers(name: str) -> int:
    """The number of layers of a model, found by tracing it."""
    return len(layers(architecture(name)))


def _source(name: str) -> str:
    if name == TRUTH:
        return "ground truth"
    return "embedded" if name in EMBEDDED else "torchvision"


def _is_here(name: str) -> bool:
    if name == TRUTH:
        return True
    if name in EMBEDDED:
        return shipped(name) is not None
    return checkpoint(choose(name, None)).exists()


def shipped_counts() -> dict[str, int]:
    """The counts that ship, found anew."""
    return {name: count_layers(name) for name in model_names() if _source(name) == "torchvision"}


if __name__ == "__main__":
    lines = ",\n".join(f'  "{name}": {count}' for name, count in shipped_counts().items())
    data_path(COUNTS).write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
