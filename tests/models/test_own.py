"""Networks of the user's own: what is taken, what is refused and in which words."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import invis
from invis.errors import InvisError
from invis.models.own import wrap


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.Conv2d(8, 8, 3))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_are_searched_as_they_are(dtype: torch.dtype) -> None:
    units = invis.unit(network().to(dtype), "2", 0, input_size=16)
    (ds,) = invis.search(units, images=3)
    assert ds.attrs["fraction_min"] > 0.85
    assert next(units.model.module.parameters()).dtype == dtype


class Noisy(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + torch.randn_like(x))


class Dropping(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.dropout(x, 0.5))


@pytest.mark.parametrize("kind", [Noisy, Dropping])
def test_a_network_of_chance_is_refused(kind: type[nn.Sequential]) -> None:
    with pytest.raises(InvisError, match=f"{kind.__name__} answers differently to the same image"):
        invis.unit(kind(*network()), "2", 0, input_size=16)


def test_a_hook_that_changes_values_is_refused() -> None:
    net = network()
    net[0].register_forward_hook(lambda *given: given[-1] * 2)
    with pytest.raises(InvisError, match="Sequential has a hook on 0: remove it"):
        invis.unit(net, "2", 0, input_size=16)


def test_dropout_that_knows_its_mode_is_fine_and_the_mode_stays() -> None:
    net = nn.Sequential(*network(), nn.Dropout(0.5)).train()
    assert len(invis.unit(net, "2", 0, input_size=16)) == 1
    assert net.training


@pytest.mark.parametrize(
    "given", [np.int64(2), torch.tensor(2), [2], np.array([2]), {np.int64(2): 1}]
)
def test_channels_come_in_every_kind_of_number(given: Any) -> None:
    units = invis.unit(network(), "2", given, input_size=16)
    assert units.readout[0].nonzero().flatten().tolist() == [2]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"channel": "2"}, "channel '2' is wrong"),
        ({"channel": 1.5}, "channel 1.5 is wrong"),
        ({"channel": {0: 0.0}}, "combination of nothing"),
        ({"mean": [123.0], "std": [58.0]}, "mean .123.0. is wrong: give 1 numbers between 0 and 1"),
        ({"mean": [float("nan")]}, "mean .nan. is wrong"),
        ({"std": [float("inf")]}, "std .inf. is wrong"),
        ({"input_size": (1, 28, 28)}, r"input_size \(1, 28, 28\) is wrong"),
        ({"input_size": 0}, "input_size 0 is wrong"),
    ],
)
def test_bad_arguments_are_told_in_a_sentence(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InvisError, match=words) as told:
        invis.unit(network(), "2", **{"channel": 0, "input_size": 16, **settings})
    assert "\n" not in str(told.value)


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(InvisError, match="module is a function"):
        wrap(lambda x: x)  # type: ignore[arg-type]


def test_arrays_of_numpy_normalise() -> None:
    model = wrap(network(), mean=np.array([0.5]), std=np.array([0.25]), input_size=16)  # type: ignore[arg-type]
    assert (model.mean, model.std) == ((0.5,), (0.25,))
