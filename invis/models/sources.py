"""Architectures by name, and where torchvision keeps their weights."""

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import nn

from invis.errors import InvisError
from invis.models.names import EMBEDDED
from invis.shipped import data_path

# The names of their weights.
SHIPPED = ("default", "seed1")
FAMILIES = ("vgg", "resnet", "resnext", "wide_resnet")
_WITH_AUX = ("googlenet", "inception_v3")
_DENSE = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")


def shipped(name: str, weights: str = "default") -> Path | None:
    """The file of an embedded model's weights; None where this copy of Invis has none."""
    suffix = "" if weights == "default" else f"-{weights}"
    try:
        return data_path(f"models/{name}{suffix}.safetensors")
    except InvisError:
        return None


def offline() -> str:
    """What works without a network, in words."""
    names = [name for name in EMBEDDED if shipped(name)] + ["the units of truth"]
    return f"{', '.join(names)}, --weights none, or --weights FILE"


def checkpoint(weights: Any) -> Path:
    """Where torch.hub keeps the file of a torchvision weights entry, once it is downloaded."""
    file = Path(urlparse(weights.url).path).name
    return Path(torch.hub.get_dir()) / "checkpoints" / file


def download(name: str, weights: Any) -> Path:
    path = checkpoint(weights)
    if path.is_file():
        return path
    digest = re.search(r"-([0-9a-f]{8,})\.", path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(
            weights.url, str(path), digest and digest[1], progress=sys.stderr.isatty()
        )
    except (OSError, RuntimeError) as error:
        raise InvisError(
            f"weights {weights.name} of {name} could not be downloaded "
            f"({type(error).__name__}): offline, use {offline()}"
        ) from error
    return path


def todays_keys(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """The keys of torchvision's checkpoints that its own loaders change."""
    if name.startswith("densenet"):
        return {_DENSE.sub(r"\1\2", key): value for key, value in state.items()}
    if name in _WITH_AUX:
        return {key: value for key, value in state.items() if not key.lower().startswith("aux")}
    return state


def skeleton(name: str, trained: bool = False) -> nn.Module:
    """A network without storage for its state; with it where its constructor needs numbers."""
    settings: dict[str, Any] = {}
    if trained and name in _WITH_AUX:
        settings["transform_input"] = True  # as torchvision does with its own weights
    try:
        with torch.device("meta"):
            module = build(name, **settings)
    except (RuntimeError, NotImplementedError):
        return build(name, **settings)
    kept = set(module.state_dict())
    if any(key not in kept for key, _ in module.named_buffers()):
        return build(name, **settings)
    return module


def build(name: str, **settings: Any) -> nn.Module:
    if name in EMBEDDED:
        from invis.models import mini

        return mini.build(name)
    from torchvision.models import get_model

    if name in _WITH_AUX:
        settings |= {"aux_logits": False, "init_weights": True}
    if name.startswith("vit_"):  # the size of the image is built into it
        settings |= {"image_size": preprocessing(name)[2][0]}
    return get_model(name, weights=None, **settings)


@cache
def torchvision_names() -> tuple[str, ...]:
    from torchvision import models

    return tuple(models.list_models(module=models))


def weights_enum(name: str) -> Any:
    from torchvision.models import get_model_weights

    return get_model_weights(name)


def choose(name: str, weights: str | None) -> Any:
    known = list(weights_enum(name))
    if weights is None:
        plain = [w for w in known if w.name == "IMAGENET1K_V1"]
        if name.startswith(FAMILIES) and plain:
            return plain[0]
        return weights_enum(name).DEFAULT
    for one in known:
        if one.name == weights:
            return one
    names = ", ".join(w.name for w in known)
    raise InvisError(f"weights {weights!r} of {name} do not exist: use {names}, none or a file")


def preprocessing(
    name: str, weights: str | None = None
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[int, int]]:
    """Mean, standard deviation and image size that go with weights, or with the default ones."""
    if name in EMBEDDED:
        from invis.models import mini

        return mini.MEAN, mini.STD, mini.INPUT_SIZE
    recipe = choose(name, weights).transforms()
    side = recipe.crop_size[0]
    return tuple(recipe.mean), tuple(recipe.std), (side, side)
