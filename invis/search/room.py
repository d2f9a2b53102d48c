"""Whether a search fits into memory, asked before any of it is taken."""

from __future__ import annotations

import math

import psutil  # type: ignore[import-untyped]
import torch

from invis.errors import InvisError
from invis.models.unit import Units
from invis.search.settings import Settings

# Numbers of four bytes that are held at once: for each image its coefficients, gradient, moments,
# pixels and what autograd keeps of them; for each pair its difference's square and weights.
AN_IMAGE, A_PAIR = 12, 4


def check_room(units: Units, settings: Settings) -> None:
    """Raise InvisError where a search would take more memory than its device has free."""
    images, size = settings.images, math.prod(units.image_shape)
    needed = 4 * len(units) * images * (AN_IMAGE * size + A_PAIR * images)
    free = free_memory(units.device)
    if needed > free:
        raise InvisError(
            f"images {images} of {len(units)} units need about {needed / 1e9:.1f} GB, and "
            f"{units.device} has {free / 1e9:.1f} GB free: ask for fewer images, or fewer units at "
            "once"
        )


def free_memory(device: torch.device) -> int:
    """Bytes that a device has free now."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
