"""Networks by name: torchvision's, the embedded ones, the ground truth, and weights from files."""

import re
from pathlib import Path
from typing import Any

import torch

from invis.errors import InvisError
from invis.models.layers import find_layer, layers
from invis.models.model import Model
from invis.models.names import EMBEDDED, TRUTH, no_such_model
from invis.models.sources import (
    FAMILIES,
    SHIPPED,
    build,
    choose,
    download,
    offline,
    preprocessing,
    shipped,
    skeleton,
    todays_keys,
    torchvision_names,
    weights_enum,
)
from invis.models.trace import upto
from invis.models.weights import fit_weights, read_weights, weights_hash

_HASH = re.compile(r"[0-9a-f]{6,64}")


def model_names() -> list[str]:
    """Every model that has a name: the offline ones, VGGs and ResNets, then the others."""
    own = torchvision_names()
    first = [name for name in own if name.startswith(FAMILIES)]
    return [TRUTH, *EMBEDDED, *first, *(name for name in own if name not in first)]


def load_model(name: str, weights: str | None = None, layer: str | None = None) -> Model:
    """Load a model.

    Args:
        name: one of `model_names()`, or `name@weights`.
        weights: None for the default, a name of torchvision's weights, `none` or `none:SEED` for an
            untrained control, or a file (safetensors or a state dict).
        layer: the layer of interest: weights that cover the network up to it will do.

    Raises:
        InvisError: for an unknown name, weights that do not fit, or a download that fails.
    """
    name, _, tagged = name.partition("@")
    if name not in model_names():
        raise no_such_model(name, model_names())
    prefix = tagged if _HASH.fullmatch(tagged) else ""
    if tagged and weights is None and not prefix:
        weights = tagged
    elif tagged and not prefix and weights not in (None, tagged):
        raise InvisError(
            f"weights {weights!r} and the address's {tagged!r} are given at once: leave out one"
        )
    model = _load(name, weights)
    if prefix and not model.weights_hash.startswith(prefix[:12]):
        raise InvisError(
            f"weights {prefix!r} are not those at hand, whose hash is {model.weights_hash}: "
            "give their file with --weights"
        )
    model.module.eval()
    for parameter in model.module.parameters():
        parameter.requires_grad_(False)
    if layer is not None and model.missing:
        check_coverage(model, layer)
    return model


def check_coverage(model: Model, layer: str) -> None:
    """Refuse a layer whose value depends on weights that were not loaded."""

    def lacks(name: str, raw: bool = False) -> list[str]:
        target = model.flow.node(find_layer(model, name, raw).node)
        used = set(upto(model.flow.traced, target).state_dict())
        return [key for key in model.missing if key in used]

    name, raw = layer.removesuffix(":raw"), layer.endswith(":raw")
    lost = lacks(name, raw)
    if lost:
        covered = [one.layer for one in layers(model) if not lacks(one.layer)]
        last = f"they end at {covered[-1]}" if covered else "they cover no layer"
        raise InvisError(
            f"layer {layer!r} of {model.name} needs {lost[0]}, which the weights lack: {last}"
        )


def check_weights(name: str, weights: str) -> None:
    """Refuse weights that no address of this model can name.

    Raises:
        InvisError: with those that there are.
    """
    if weights.partition(":")[0] == "none":
        _seed(weights)
    elif _HASH.fullmatch(weights):
        return
    elif name == TRUTH:
        _load_truth(weights)
    elif name in EMBEDDED:
        _check_shipped(name, weights)
    else:
        choose(name, weights)


def architecture(name: str) -> Model:
    """A model without weights, for questions about its layers only; fast."""
    if name == TRUTH or name in EMBEDDED:
        return load_model(name, None if name == TRUTH else "none")
    if name not in model_names():
        return load_model(name)
    module = skeleton(name)
    mean, std, size = preprocessing(name)
    return Model(name, "", "", module.eval(), mean, std, size, 3, "no weights")


def _load(name: str, weights: str | None) -> Model:
    if name == TRUTH:
        return _load_truth(weights)
    if weights is not None and (weights == "none" or weights.startswith("none:")):
        return _load_untrained(name, _seed(weights))
    if weights is not None and _is_file(name, weights):
        return _load_file(name, weights)
    if name in EMBEDDED:
        return _load_embedded(name, weights or "default")
    return _load_torchvision(name, weights)


def _is_file(name: str, weights: str) -> bool:
    known = SHIPPED if name in EMBEDDED else {w.name for w in weights_enum(name)}
    return weights not in known and (
        Path(weights).exists() or any(mark in weights for mark in "/\\.")
    )


def _seed(weights: str) -> int:
    text = weights.partition(":")[2] if ":" in weights else "0"
    if not text.isdecimal() or int(text) >= 2**63:
        raise InvisError(f"weights {weights!r} name no seed: write none or none:SEED, e.g. none:1")
    return int(text)


def _load_truth(weights: str | None) -> Model:
    from invis.models import truth

    if weights not in (None, "default"):
        raise InvisError(f"weights {weights!r} do not apply to truth: its units are formulas")
    module = truth.GroundTruth()
    return Model(
        name=TRUTH,
        weights="default",
        weights_hash=weights_hash(module.state_dict()),
        module=module,
        mean=truth.MEAN,
        std=truth.STD,
        input_size=truth.INPUT_SIZE,
        channels=3,
        note="units whose invariance is known",
        is_default=True,
    )


def _load_untrained(name: str, seed: int) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        module = build(name)
    note = f"untrained, initialised with seed {seed}"
    digest = weights_hash(module.state_dict())
    return _prepared(
        name, None, weights=f"none:{seed}", weights_hash=digest, module=module, note=note
    )


def _load_file(name: str, weights: str) -> Model:
    return _fitted(name, read_weights(weights), weights, None, Path(weights).name)


def _check_shipped(name: str, weights: str) -> None:
    if weights not in SHIPPED:
        raise InvisError(
            f"weights {weights!r} of {name} do not exist: use {', '.join(SHIPPED)}, none or a file"
        )


def _load_embedded(name: str, weights: str) -> Model:
    _check_shipped(name, weights)
    path = shipped(name, weights)
    if path is None:
        raise InvisError(
            f"weights {weights!r} of {name} do not ship with this copy of Invis: use {offline()}"
        )
    return _fitted(name, read_weights(path), weights, weights, f"embedded {weights} weights")


def _load_torchvision(name: str, weights: str | None) -> Model:
    from torchvision.models import get_model

    chosen = choose(name, weights)
    path, note = download(name, chosen), f"torchvision {chosen.name}"
    if name.startswith(FAMILIES):
        return _fitted(name, read_weights(path), chosen.name, chosen.name, note)
    # The others' files want torchvision's own loader, which finds the file in its place.
    module = get_model(name, weights=chosen)
    return _prepared(
        name,
        chosen.name,
        weights=chosen.name,
        weights_hash=weights_hash(module.state_dict()),
        module=module,
        note=note,
        is_default=chosen is choose(name, None),
    )


def _fitted(name: str, state: dict[str, Any], source: str, label: str | None, note: str) -> Model:
    """A model with a state dict, labelled by the state's hash where it has no name."""
    module = skeleton(name, trained=True)
    missing = fit_weights(module, todays_keys(name, state), source, name)
    digest = weights_hash(state)
    total = len(module.state_dict())
    covers = f" ({total - len(missing)} of {total} tensors)" if missing else ""
    return _prepared(
        name,
        None,
        weights=label or digest,
        weights_hash=digest,
        module=module,
        note=note + covers,
        missing=missing,
        is_default=label == ("default" if name in EMBEDDED else choose(name, None).name),
    )


def _prepared(name: str, recipe: str | None, **known: Any) -> Model:
    """A named model with the images that its weights, or its default ones, were trained on."""
    mean, std, size = preprocessing(name, recipe)
    return Model(name=name, mean=mean, std=std, input_size=size, channels=3, **known)
