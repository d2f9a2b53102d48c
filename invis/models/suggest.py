"""Addresses that begin as a text does, for a field that completes while one types."""

from __future__ import annotations

from functools import lru_cache

from invis.errors import InvisError
from invis.models.layers import Layer, layers
from invis.models.zoo import architecture, model_names

LIMIT = 40


@lru_cache(maxsize=32)
def layers_of(model: str) -> tuple[Layer, ...]:
    """The layers of a model by name, whatever its weights; traced once.

    Raises:
        InvisError: there is no such model.
    """
    return tuple(layers(architecture(model.partition("@")[0])))


def listed_layer(model: str, name: str) -> Layer | None:
    """The layer of a model that `layers_of` lists under this name or alias."""
    return next((one for one in layers_of(model) if name in (one.layer, one.alias)), None)


def suggest(text: str, limit: int = LIMIT) -> list[str]:
    """Addresses that `text` may become, the nearest first; part by part, as a shell completes.

    `v` becomes `vgg11/`..., `vgg19/conv3` becomes `vgg19/conv3_1/`..., `vgg19/conv3_1/2` becomes
    `vgg19/conv3_1/2`, `vgg19/conv3_1/20`... What begins with the text comes before what contains
    it. Empty where nothing fits.
    """
    parts = text.strip().split("/")
    if len(parts) == 1:
        return [f"{name}/" for name in _matching(model_names(), parts[0])][:limit]
    try:
        known = layers_of(parts[0])
    except InvisError:
        return []
    if len(parts) == 2:
        return [f"{parts[0]}/{name}/" for name in _matching(_names(known), parts[1])][:limit]
    layer = listed_layer(parts[0], parts[1])
    if len(parts) > 3 or layer is None:
        return []
    channels = [str(k) for k in range(layer.channels) if str(k).startswith(parts[2])]
    return [f"{parts[0]}/{parts[1]}/{channel}" for channel in channels][:limit]


def _names(known: tuple[Layer, ...]) -> list[str]:
    return [one.layer for one in known]


def _matching(names: list[str], text: str) -> list[str]:
    wanted = text.lower()
    first = [name for name in names if name.lower().startswith(wanted)]
    return first + [n for n in names if wanted in n.lower() and not n.lower().startswith(wanted)]
