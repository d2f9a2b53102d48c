"""Checkpoints that survive a kill at any moment, and files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from invis.errors import InvisError
from invis.files.atomic import replacing, write_whole

CURRENT = "checkpoint.pt"
PREVIOUS = "checkpoint-previous.pt"


def prepare_folder(out: str | Path) -> Path:
    """Create `out` and prove that it can be written.

    Raises:
        InvisError: it can't.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InvisError(
            f"out is {str(out)!r}, but it can't be written: {error.strerror}."
        ) from error
    return folder


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write the checkpoint of an epoch; the one before stays as a fallback."""
    with replacing(folder / CURRENT, durable=True) as part:
        torch.save(state, part)
        if (folder / CURRENT).exists():
            (folder / CURRENT).replace(folder / PREVIOUS)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The newest readable checkpoint of `folder`; None if there is none at all.

    Raises:
        InvisError: there are checkpoints, but none of them can be read.
    """
    present = [folder / name for name in (CURRENT, PREVIOUS) if (folder / name).exists()]
    for path in present:
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            return state
        except Exception as error:  # torch.load fails in many ways on a damaged file
            warnings.warn(
                f"{path} is damaged ({type(error).__name__}); trying the one before.", stacklevel=2
            )
    if present:
        raise InvisError(
            f"No checkpoint in {str(folder)!r} can be read; delete them to start again."
        )
    return None


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state with its floating-point tensors rounded to fp16; integers stay as they are."""
    return {
        key: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for key, value in state.items()
    }


def save_tensors(path: Path, state: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a state as fp16 safetensors, whole or not at all."""
    write_whole(path, save(halved(state), metadata=metadata))


def save_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_whole(path, json.dumps(value, indent=2) + "\n")
