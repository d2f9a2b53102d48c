"""Networks of the user's own: what is taken, what is refused and in which words."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.prune import l1_unstructured

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


def test_gradients_that_are_switched_off_around_a_search_do_not_stop_it() -> None:
    with torch.no_grad():
        (first,) = invis.search(invis.unit(network(), "2", 0, input_size=16), images=3)
    with torch.inference_mode():
        net = network()
        (second,) = invis.search(invis.unit(net, "2", 0, input_size=16), images=3)
    np.testing.assert_array_equal(first["images"], second["images"])


def test_another_default_precision_changes_nothing() -> None:
    net = network()
    (first,) = invis.search(invis.unit(net, "2", 0, input_size=16), images=3)
    torch.set_default_dtype(torch.float64)
    try:
        (second,) = invis.search(invis.unit(net, "2", 0, input_size=16), images=3)
    finally:
        torch.set_default_dtype(torch.float32)
    assert second.attrs["reference"] == pytest.approx(first.attrs["reference"], rel=1e-3)


def pruned() -> nn.Module:
    net = network()
    l1_unstructured(net[2], "weight", 0.5)
    return net


def normed() -> nn.Module:
    net = network()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net[2] = torch.nn.utils.weight_norm(net[2])
    return net


def quantised() -> nn.Module:
    net = network()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net[2] = torch.ao.nn.quantized.Conv2d(8, 8, 3)
    return net


def scripted() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(network())


UNFIT = {
    "does not know the shape of 0.weight yet": lambda: nn.Sequential(nn.LazyConv2d(4, 3)),
    "has no numbers for 0.weight": lambda: network().to("meta"),
    "is pruned at 2": pruned,
    "has an old-style weight_norm or spectral_norm at 2": normed,
    "computes with 8-bit integers at 2": quantised,
    "Sequential is scripted": scripted,
}


@pytest.mark.parametrize("told", UNFIT)
def test_networks_without_usable_numbers_are_refused_in_a_sentence(told: str) -> None:
    with pytest.raises(InvisError, match=told) as error:
        invis.unit(UNFIT[told](), "0", 0, mean=[0.5], input_size=16)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("wrapped", [nn.DataParallel, lambda net: torch.compile(net)])
def test_what_runs_a_network_elsewhere_is_taken_off(wrapped: Any) -> None:
    net = network()
    units = invis.unit(wrapped(net), "2", 0, input_size=16)
    assert units.addresses == ("Sequential/2/0",)
    assert units.model.weights_hash == invis.unit(net, "2", 0, input_size=16).model.weights_hash
