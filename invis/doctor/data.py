"""What ships with Invis: networks, the atlas, trajectories."""

from __future__ import annotations

import re
from pathlib import Path

from invis.doctor.finding import Finding, first_line
from invis.errors import InvisError
from invis.shipped import data_path

REPAIR = "Install Invis again, or run `git checkout -- data` in a clone."
CARD = re.compile(r"^\| `([\w-]+)\.safetensors` \|.*?`([0-9a-f]{12})`", re.M)


def networks(folder: Path | None = None) -> Finding:
    """Whether the weights are those that the model card names.

    Args:
        folder: `models` of another copy of the data.
    """
    from invis.models.mini import build
    from invis.models.weights import fit_weights, read_weights, weights_hash

    folder = folder or _shipped("models")
    if folder is None:
        return _lost("models")
    card = dict(CARD.findall((folder / "README.md").read_text("utf-8")))
    wrong = []
    for name, expected in card.items():
        path = folder / f"{name}.safetensors"
        try:
            module = build(name.partition("-")[0])
            state = read_weights(path)
            missing = fit_weights(module, state, path.name, name)
        except InvisError as error:
            wrong.append(first_line(error))
            continue
        found = weights_hash(state)
        if missing:
            wrong.append(f"{path.name} lacks {missing[0]}")
        elif found != expected:
            wrong.append(f"{path.name} has the hash {found}, not {expected}")
    if wrong or not card:
        return Finding("problem", "; ".join(wrong) or "the model card names no network", REPAIR)
    return Finding("ok", f"{len(card)} files of weights, as the model card names them")


def atlas(folder: Path | None = None) -> Finding:
    """Whether the atlas opens and its first unit is whole.

    Args:
        folder: another atlas than the one that ships.
    """
    from invis.atlas.store import Atlas

    folder = folder or _shipped("atlas")
    if folder is None:
        return _lost("atlas")
    try:
        layers = Atlas(folder).layers()
        done = {layer: sorted(layer.done()) for layer in layers}
        units = sum(map(len, done.values()))
        for layer, channels in done.items():
            if channels:
                layer.read(channels[0])
    except InvisError as error:
        return Finding("problem", first_line(error), REPAIR)
    if not units:
        return Finding("problem", f"{folder} holds no unit", REPAIR)
    return Finding("ok", f"{units:,} units in {len(layers)} layers")


def trajectories(folder: Path | None = None) -> Finding:
    """Whether the recorded trainings open.

    Args:
        folder: `trajectories` of another copy of the data.
    """
    from invis.trajectory.gram_file import load_gram
    from invis.trajectory.kept import SHIPPED

    folder = folder or _shipped("trajectories")
    if folder is None:
        return _lost("trajectories")
    found = []
    for name in SHIPPED:
        try:
            found.append(f"{name} with {len(load_gram(folder / f'{name}.npz').steps)} checkpoints")
        except InvisError as error:
            return Finding("problem", first_line(error), REPAIR)
    return Finding("ok", ", ".join(found))


def _shipped(name: str) -> Path | None:
    try:
        return data_path(name)
    except InvisError:
        return None


def _lost(name: str) -> Finding:
    return Finding("problem", f"this copy of Invis has no folder {name} of data", REPAIR)
