"""torch-lucent, imported when it is first needed and kept to the device that is asked for."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from invis.errors import InvisError

_ONE_AT_A_TIME = threading.RLock()


@dataclass(frozen=True)
class Lucent:
    """The modules of torch-lucent that Invis uses: `lucent.optvis.*`."""

    objectives: Any
    transform: Any
    spatial: Any
    color: Any


@cache
def lucent() -> Lucent:
    """torch-lucent's modules.

    Raises:
        InvisError: if it is missing, is the other project of that name, or meets a kornia that has
            lost what its rotation calls.
    """
    names = ("objectives", "transform", "param.spatial", "param.color")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # kornia 0.4.1 speaks to an older torch
            found = [import_module(f"lucent.optvis.{name}") for name in names]
        kornia = import_module("kornia")
        for function in ("get_rotation_matrix2d", "warp_affine"):
            getattr(kornia, function)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvisError(
            f"torch-lucent cannot be used ({reason}): "
            "pip install 'torch-lucent>=0.1.8,<0.2' 'kornia==0.4.1'"
        ) from error
    for module, name in ((found[0], "_torch_blur"), (found[3], "_linear_decorrelate_color")):
        setattr(module, name, _there_and_back(getattr(module, name)))
    return Lucent(*found)


def _there_and_back(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A function of lucent's whose constants are on the first GPU that it finds, for any image."""

    def run(image: Tensor) -> Tensor:
        place = "cuda:0" if torch.cuda.is_available() else "cpu"
        return function(image.to(place)).to(image.device)

    return run


@contextmanager
def lucent_on(device: torch.device, chance: np.random.RandomState) -> Iterator[Lucent]:
    """Run lucent's parametrisations and transforms on a device, with random numbers of one's own.

    lucent puts everything on the first GPU that it finds, and draws from numpy's global state,
    which is lent for the time and given back.
    """
    it = lucent()
    with _ONE_AT_A_TIME:
        usual, outer = (it.spatial.device, it.transform.device), np.random.get_state()  # noqa: NPY002
        it.spatial.device = it.transform.device = device
        np.random.set_state(chance.get_state())  # noqa: NPY002
        try:
            yield it
        finally:
            it.spatial.device, it.transform.device = usual
            chance.set_state(np.random.get_state())  # noqa: NPY002
            np.random.set_state(outer)  # noqa: NPY002
