"""Choose where to compute."""

import torch

from invis.errors import InvisError


def available_devices() -> list[str]:
    """Names of the devices of this machine, the best first."""
    names = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def pick_device(device: str | torch.device | None = None) -> torch.device:
    """Turn a name (`cpu`, `cuda`, `cuda:1`, `mps`) into a device; None picks the best one.

    Raises:
        InvisError: if this machine has no such device.
    """
    names = available_devices()
    if device is None:
        return torch.device(names[0])
    try:
        wanted = torch.device(device)
    except RuntimeError:
        wanted = None
    if wanted is not None and wanted.type == "cuda" and wanted.index is None:
        wanted = torch.device("cuda", 0)
    if wanted is None or str(wanted) not in [*names, "cpu:0", "mps:0"]:
        raise InvisError(f"device {str(device)!r} is not available: use {' or '.join(names)}")
    return torch.device("cpu") if wanted.type == "cpu" else wanted
