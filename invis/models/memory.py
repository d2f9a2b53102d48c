"""Whether something fits into memory, asked before any of it is taken."""

from __future__ import annotations

import psutil  # type: ignore[import-untyped]
import torch

from invis.errors import InvisError

CPU = torch.device("cpu")


def check_memory(
    needed: float, asked: str, instead: str, device: torch.device = CPU, free: int | None = None
) -> None:
    """Raise InvisError where more bytes are needed than there are.

    Args:
        needed: bytes, about.
        asked: what needs them, with its number and its verb: `images 900 need`.
        instead: what would do with less.
        device: whose memory it is.
        free: bytes that it has; asked of it where left out.
    """
    there = free_memory(device) if free is None else free
    if needed > there:
        raise InvisError(
            f"{asked} about {needed / 1e9:.1f} GB, and {device} has {there / 1e9:.1f} GB free: "
            f"{instead}"
        )


def free_memory(device: torch.device) -> int:
    """Bytes that a device has free now."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
