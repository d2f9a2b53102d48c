"""Weights from files, and their hash."""

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from invis.errors import InvisError

State = Mapping[str, Tensor]


def weights_hash(state: State) -> str:
    """First 12 hex digits of the sha256 over all tensors: sorted keys, dtype, shape and bytes."""
    digest = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].detach().cpu().contiguous()
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        # Not reshape(-1), which keeps the stride 0 that a single element may have.
        flat = tensor.as_strided((tensor.numel(),), (1,))
        if flat.numel():
            digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()[:12]


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read a state dict: safetensors, or a file of `torch.save` that holds nothing but tensors.

    Raises:
        InvisError: if there is no such file, or it is not one of the two.
    """
    source, path = str(path), Path(path)
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise InvisError(f"weights file {source!r} {what}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the sentence below says it
                state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each format has its own zoo of errors
        raise InvisError(
            f"weights {source!r} cannot be read as weights: give a .safetensors file or a "
            "state dict saved with torch.save"
        ) from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not state:
        raise InvisError(f"weights {source!r} hold no state dict: save model.state_dict()")
    if not all(_is_plain(value) for value in state.values()):
        raise InvisError(
            f"weights {source!r} hold more than plain tensors: save model.state_dict()"
        )
    return {str(key).removeprefix("module."): value for key, value in state.items()}


def _is_plain(value: Any) -> bool:
    """A dense tensor whose numbers are in the file."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
    )


def fit_weights(module: nn.Module, state: State, source: str, name: str) -> list[str]:
    """Load a state dict that may cover only a part of the network; returns the keys it lacks.

    What it lacks becomes NaN, which takes no memory and can never pass for a result. Half
    precision becomes single precision.

    Raises:
        InvisError: if the tensors belong to another architecture.
    """
    own = module.state_dict()
    strange = [key for key in state if key not in own]
    shared = [key for key in state if key in own]
    wrong = [key for key in shared if state[key].shape != own[key].shape]
    if not shared or strange or wrong:
        if wrong:
            key = wrong[0]
            why = f"{key} has shape {tuple(state[key].shape)}, not {tuple(own[key].shape)}"
        else:
            why = f"it has no {strange[0]}"
        raise InvisError(
            f"weights {source!r} are of another architecture than {name} ({why}): "
            f"give weights of {name}"
        )
    for key in shared:
        counts = key.endswith("num_batches_tracked")
        if not counts and state[key].is_floating_point() != own[key].is_floating_point():
            raise InvisError(
                f"weights {source!r} hold {key} as {state[key].dtype}: give them as "
                f"{own[key].dtype} or another type of that kind"
            )
    missing = [k for k in own if k not in state and not k.endswith("num_batches_tracked")]
    for key, value in own.items():
        if key in state:
            own[key] = state[key].to(value.dtype)
        elif key not in missing:
            own[key] = torch.zeros_like(value, device="cpu")
        else:
            lost = torch.nan if value.is_floating_point() else 0
            own[key] = torch.full((), lost, dtype=value.dtype).expand(value.shape)
    # `own` also carries the versions of the modules, which some of torchvision's insist on.
    module.load_state_dict(own, assign=True)
    return missing
