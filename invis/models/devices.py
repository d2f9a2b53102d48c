"""Choose where to compute, and how exactly."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import nn

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


@contextmanager
def lent(module: nn.Module, device: torch.device) -> Iterator[nn.Module]:
    """Somebody's module on another device, and afterwards where it was."""
    tensors = chain(module.parameters(), module.buffers())
    home = next((tensor.device for tensor in tensors), device)
    try:
        yield module.to(device)
    finally:
        module.to(home)


class _Switch:
    """A setting of the whole process that stays changed while any thread wants it so."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.wanted, self.usual = 0, None

    @contextmanager
    def at(self, place: Any, name: str, value: object) -> Iterator[None]:
        with self.lock:
            if not self.wanted:
                self.usual = getattr(place, name)
                setattr(place, name, value)
            self.wanted += 1
        try:
            yield
        finally:
            with self.lock:
                self.wanted -= 1
                if not self.wanted:
                    setattr(place, name, self.usual)


_PRECISION, _CUDNN = _Switch(), _Switch()


@contextmanager
def single_precision() -> Iterator[None]:
    """Convolutions on CUDA keep all bits of float32; a context, or a decorator.

    PyTorch lets them round their factors to TF32's ten bits of mantissa unless told otherwise. Then
    sets change by more than they do from batch to batch (`benchmarks/search_cost.py --precision`).
    """
    with _PRECISION.at(*_precision()):
        yield


@contextmanager
def without_cudnn() -> Iterator[None]:
    """Convolutions on CUDA by PyTorch's own kernels: Winograd's tiles carry NaN to neighbours.

    `torch.backends.cudnn.flags` would read `allow_tf32`, which fails within `single_precision`.
    """
    with _CUDNN.at(torch.backends.cudnn, "enabled", False):
        yield


def _precision() -> tuple[Any, str, Any]:
    """Where torch keeps the precision of cuDNN's convolutions, and its value for all bits."""
    # Since torch 2.9 `allow_tf32` cannot be read where somebody has set this one.
    convolutions = getattr(torch.backends.cudnn, "conv", None)
    if hasattr(convolutions, "fp32_precision"):
        return convolutions, "fp32_precision", "ieee"
    return torch.backends.cudnn, "allow_tf32", False
