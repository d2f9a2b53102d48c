"""Features of an earlier layer on a unit's patch are those of the full network."""

import pytest
import torch
from torch import nn

import invis
from invis.models.unit import Units
from invis.search.band import Band
from invis.search.features import Features
from invis.search.pixels import Pixels
from invis.search.problem import Problem
from invis.search.space import FeatureSpace


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(5, 6, 3, padding=1),
    )


def units(layer: str, position: object = "center") -> Units:
    return invis.unit(network(), layer, [0], input_size=32, position=position)


@pytest.mark.parametrize("layer", ["0", "3"])
@pytest.mark.parametrize("position", [(8, 8), (7, 9)])
def test_features_equal_the_full_network(layer: str, position: tuple[int, int]) -> None:
    late = units("5", position)
    features = Features(late, layer)
    x = 20 * torch.randn(3, *late.image_shape, generator=torch.Generator().manual_seed(2))
    top, left, bottom, right = late.cone.window
    canvas = torch.zeros(3, 3, 32, 32)
    canvas[:, :, top:bottom, left:right] = x
    early = units(layer)
    full = early.full(early.normalise(canvas + early.grey[:, None, None])).relu()
    stride, field = early.layer.stride, early.layer.receptive_field
    first = early.cone.window[0] - early.cone.position[0] * stride
    rows = [r for r in range(full.shape[2]) if top <= r * stride + first <= bottom - field]
    cols = [c for c in range(full.shape[3]) if left <= c * stride + first <= right - field]
    wanted = full[:, :, rows][:, :, :, cols].flatten(1)
    torch.testing.assert_close(features(x), wanted, rtol=1e-5, atol=1e-6)


def test_a_later_layer_is_refused() -> None:
    with pytest.raises(invis.InvisError, match="distance '5' has a receptive field"):
        Features(units("3"), "5")


def test_an_affine_unit_is_its_own_null() -> None:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3))
    affine = invis.unit(net, "1", [0], input_size=16)
    (ds,) = invis.search(affine, images=4, distance="0")
    assert ds.attrs["feature_index"] == pytest.approx(1, abs=0.1)
    assert ds.attrs["distance_space"] == "0"
    assert ds.attrs["index"] <= 1.0005


def test_a_copied_image_brings_its_features() -> None:
    late = units("5")
    problem = Problem(late, Pixels(Band(late.image_shape, 0.0, 8.0), 10.0))
    v = torch.randn(6, problem.metric.size, generator=torch.Generator().manual_seed(0))
    v /= v.norm(dim=1, keepdim=True)
    space = FeatureSpace.at(problem, 3, Features(late, "0"), v)
    space.copy(1, torch.tensor([0, 2]))
    v[[0, 2]] = v[1].clone()
    fresh = FeatureSpace.at(problem, 3, Features(late, "0"), v)
    torch.testing.assert_close(space.held, fresh.held)
    assert space.distance(v)[0] == 0 < space.distance(v)[1]
