"""Devices by name."""

import pytest
import torch

from invis.errors import InvisError
from invis.models.devices import available_devices, pick_device


def test_the_best_available_device_is_the_default() -> None:
    assert str(pick_device()) == available_devices()[0]
    assert available_devices()[-1] == "cpu"


def test_the_cpu_is_always_there() -> None:
    assert pick_device("cpu") == torch.device("cpu") == pick_device(torch.device("cpu", 0))


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "meta", ""])
def test_missing_devices_are_refused_with_those_that_exist(name: str) -> None:
    with pytest.raises(InvisError, match=f"device '{name}' is not available: use .*cpu"):
        pick_device(name)
