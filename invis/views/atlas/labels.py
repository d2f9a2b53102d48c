"""What tells the layers of an atlas apart, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Searched(Protocol):
    """What is known of a layer of an atlas."""

    path: str
    model: str
    weights: str
    weights_hash: str
    layer: str
    settings: dict[str, object]


def weights(layer: Searched) -> str:
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


def order(layer: Searched) -> tuple[str, bool, str, str]:
    """By model, what was trained first, then by layer."""
    return layer.model, weights(layer).startswith("untrained"), layer.layer, layer.path


def groups(layers: Sequence[Searched]) -> dict[str, str]:
    """Path -> what tells a layer from its namesakes: its weights, and settings that differ."""
    found = {}
    for layer in layers:
        same = [one for one in layers if (one.model, one.layer) == (layer.model, layer.layer)]
        twins = [one for one in same if one.weights_hash == layer.weights_hash]
        parts = [weights(layer)]
        if len({one.weights_hash for one in same if weights(one) == weights(layer)}) > 1:
            parts.append(layer.weights_hash[:6])
        for key, value in layer.settings.items():
            if len({str(one.settings.get(key)) for one in twins}) > 1:
                parts.append(f"{key} {value}")
        found[layer.path] = ", ".join(parts)
    return found
