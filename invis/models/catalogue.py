"""What models there are: where each comes from, and whether it works without a network."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch

from invis import data_path
from invis.errors import InvisError
from invis.models.layers import layers
from invis.models.zoo import EMBEDDED, TRUTH, _choose, architecture, model_names

# Tracing all of torchvision takes a minute, so the counts ship; a slow test keeps them true.
COUNTS = "layers.json"


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
        try:
            return data_path(f"models/{name}.safetensors").exists()
        except InvisError:
            return False
    file = Path(urlparse(_choose(name, None).url).path).name
    return (Path(torch.hub.get_dir()) / "checkpoints" / file).exists()
