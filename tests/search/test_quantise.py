"""Rounding keeps the response and stays within one grey level."""

import pytest
import torch
from torch import nn

import invis
from invis.search import quantise
from invis.search.band import Band
from invis.search.pixels import Pixels
from invis.search.problem import Problem
from invis.search.quantise import eight_bit
from invis.search.reference import random_starts


def problem(module: nn.Module, layer: str, size: int) -> Problem:
    units = invis.unit(module, layer, [0, 1], input_size=size)
    return Problem(units, Pixels(Band(units.image_shape, 0, 0.5 * size), 12.0))


@pytest.mark.parametrize("depth", [1, 3])
def test_response_and_pixels_stay(depth: int) -> None:
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(3, 6, 3)]
    for _ in range(depth - 1):
        layers += [nn.ReLU(), nn.Conv2d(6, 6, 3)]
    net = nn.Sequential(*layers)
    case = problem(net, str(len(layers) - 1), 12)
    v = random_starts(case, 6, torch.Generator().manual_seed(1))
    index = torch.tensor([0, 1] * 3)
    pixels = eight_bit(case, v, index)
    deviations = torch.as_tensor(pixels).permute(0, 3, 1, 2).float() + case.low
    assert (deviations - case.image(v)).abs().max() < 1
    wanted, got = case.value(v, index), case.image_value(deviations, index)
    plain = case.image_value(case.image(v).round(), index)
    assert (got - wanted).abs().max() <= (plain - wanted).abs().max()
    torch.testing.assert_close(got, wanted, rtol=2e-3, atol=1e-5)


def test_trials_alone_bring_the_response_back_whatever_is_tried_beside(monkeypatch) -> None:
    monkeypatch.setattr(quantise, "PASSES", 1)
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 2, 3))
    case = problem(net, "2", 12)
    v = random_starts(case, 8, torch.Generator().manual_seed(2))
    index = torch.tensor([0, 1] * 4)
    wanted = case.value(v, index)
    plain = case.image_value(case.image(v).round(), index)
    assert ((plain - wanted).abs() > quantise.CLOSE * wanted.abs()).sum() > 2
    for some in (slice(0, 8), slice(0, 1), slice(3, 5)):
        pixels = eight_bit(case, v[some], index[some])
        deviations = torch.as_tensor(pixels).permute(0, 3, 1, 2).float() + case.low
        assert (deviations - case.image(v[some])).abs().max() < 1
        got = case.image_value(deviations, index[some])
        torch.testing.assert_close(got, wanted[some], rtol=2.1e-3, atol=1e-5)
