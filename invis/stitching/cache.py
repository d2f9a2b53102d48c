"""Arrays kept on disk under the hash of everything that they depend on.

The folder is `$INVIS_CACHE`, else `invis` in the user's cache folder. What is in it can be removed
at any time; what is damaged is made again; where nothing can be written, work goes on without.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from invis.files.atomic import write_whole


def cache_folder() -> Path:
    """Where Invis keeps what it can make again."""
    given = os.environ.get("INVIS_CACHE")
    if given:
        return Path(given)
    return user_cache_path("invis", appauthor=False)


def content_hash(*parts: object) -> str:
    """32 hex digits that tell arrays, modules' weights and anything with a faithful repr apart."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, nn.Module):
            for name, tensor in part.state_dict().items():
                digest.update(name.encode())
                _add_array(digest, tensor.detach().cpu())
        elif isinstance(part, (np.ndarray, Tensor)):
            _add_array(digest, part)
        else:
            digest.update(repr(part).encode())
        digest.update(b"|")
    return digest.hexdigest()[:32]


def _add_array(digest: hashlib._Hash, array: NDArray | Tensor) -> None:
    tensor = torch.as_tensor(np.array(array, order="C") if isinstance(array, np.ndarray) else array)
    digest.update(f"{tensor.dtype} {tuple(tensor.shape)} ".encode())
    # Bytes, because numpy does not know bfloat16.
    digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes())


def recall(kind: str, key: str) -> dict[str, Tensor] | None:
    """What was stored under `key`; None where nothing readable is."""
    try:
        return load((cache_folder() / kind / f"{key}.safetensors").read_bytes())
    except (OSError, SafetensorError, ValueError):
        return None


def remember(kind: str, key: str, tensors: Mapping[str, Tensor]) -> None:
    """Store `tensors` under `key`; a reader never sees half a file."""
    folder = cache_folder() / kind
    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{key}.safetensors", content)
