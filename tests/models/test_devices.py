"""Devices by name."""

import threading
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import invis
from invis.errors import InvisError
from invis.models.devices import available_devices, lent, pick_device, single_precision
from invis.search.engine import set_steps
from invis.search.settings import Settings


def test_the_best_available_device_is_the_default() -> None:
    assert str(pick_device()) == available_devices()[0]
    assert available_devices()[-1] == "cpu"


def test_the_cpu_is_always_there() -> None:
    assert pick_device("cpu") == torch.device("cpu") == pick_device(torch.device("cpu", 0))


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "meta", ""])
def test_missing_devices_are_refused_with_those_that_exist(name: str) -> None:
    with pytest.raises(InvisError, match=f"device '{name}' is not available: use .*cpu"):
        pick_device(name)


def test_a_lent_module_comes_back_also_after_an_error() -> None:
    module, best = nn.Conv2d(3, 4, 3), pick_device()
    with pytest.raises(KeyError), lent(module, best) as there:
        assert there.weight.device == best
        raise KeyError
    assert module.weight.device.type == "cpu"


def rounds() -> bool:
    convolutions = getattr(torch.backends.cudnn, "conv", None)
    told = getattr(convolutions, "fp32_precision", None)
    return torch.backends.cudnn.allow_tf32 if told is None else told != "ieee"


def test_the_usual_precision_is_back_when_the_last_one_has_ended() -> None:
    usual, inside, go = rounds(), threading.Event(), threading.Event()

    def other() -> None:
        with single_precision():
            inside.set()
            go.wait(10)

    thread = threading.Thread(target=other)
    with single_precision():
        thread.start()
        assert inside.wait(10)
    # This one has ended, the other has not.
    assert not rounds()
    go.set()
    thread.join(10)
    assert rounds() == usual


@pytest.mark.skipif(
    not hasattr(getattr(torch.backends.cudnn, "conv", None), "fp32_precision"),
    reason="torch is older than 2.9",
)
def test_what_a_user_chose_for_convolutions_alone_is_kept() -> None:
    convolutions = torch.backends.cudnn.conv
    usual = convolutions.fp32_precision
    try:
        for chosen in ("ieee", "tf32"):
            convolutions.fp32_precision = chosen
            with single_precision():
                assert convolutions.fp32_precision == "ieee"
            assert convolutions.fp32_precision == chosen
    finally:
        convolutions.fp32_precision = usual


@pytest.mark.skipif(not rounds(), reason="TF32 is off on this machine")
def test_searches_and_measurements_keep_all_bits_also_backwards() -> None:
    seen = set()

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if "convolution" in str(func):
                seen.add((str(func), tuple(args[0].shape[2:]), rounds()))
            return func(*args, **(kwargs or {}))

    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    units = invis.unit(net, "2", 0, input_size=24)
    with Watch():
        list(set_steps(units, Settings(images=2)))
    # The field of 5 x 5 is searched, the whole image of 24 x 24 is what results are measured on.
    assert {shape for _, shape, _ in seen} >= {(5, 5), (24, 24)}
    assert any("backward" in name for name, _, _ in seen)
    assert [what for what in seen if what[2]] == []
    assert rounds()
