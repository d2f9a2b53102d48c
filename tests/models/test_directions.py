"""Directions in a layer: as a tensor, as a file, as PCA and NMF of pictures."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import invis
from invis.errors import InvisError
from invis.probe.components import components_steps

LAYER = "minivgg@none:0/conv2_1"


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.Conv2d(6, 4, 3)).eval()


def test_a_tensor_is_a_direction_with_a_name() -> None:
    net = network()
    towards = torch.tensor([[0.5, -1.0, 0.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
    units = invis.unit(net, "2", towards, input_size=12, label=["curve", "mean of all"])
    assert units.addresses == ("Sequential/2/curve", "Sequential/2/meanofall")
    parts = invis.unit(net, "2", range(4), input_size=12)
    x = torch.randn(1, *units.image_shape)
    each = parts.responses(x.expand(4, -1, -1, -1), torch.arange(4))
    found = units.responses(x.expand(2, -1, -1, -1), torch.arange(2))
    torch.testing.assert_close(found, towards @ each, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("towards", "said"),
    [
        (torch.ones(5), "direction of 5 numbers: 2 of Sequential has 4 channels"),
        (torch.full((4,), torch.nan), "direction of NaN"),
        (torch.zeros(4), "or nothing"),
    ],
)
def test_wrong_directions_are_refused(towards: torch.Tensor, said: str) -> None:
    with pytest.raises(InvisError, match=said):
        invis.unit(network(), "2", towards, input_size=12)


def test_a_file_of_directions_has_addresses(tmp_path) -> None:
    channels = invis.units_at(f"{LAYER}/0", device="cpu").readout.shape[1]
    vectors = torch.eye(channels)[[3, 5]] * 2
    path = tmp_path / "features.nc"
    invis.save(invis.directions(vectors, LAYER, bias=torch.tensor([1.0, -1.0])), path)
    units = invis.units_at(f"directions/{path}/0-1", device="cpu")
    assert units.addresses == (f"directions/{path}/0", f"directions/{path}/1")
    plain = invis.units_at(f"{LAYER}/3,5", device="cpu")
    x, who = torch.randn(2, *units.image_shape), torch.arange(2)
    expected = 2 * plain.responses(x, who) + torch.tensor([1.0, -1.0])
    torch.testing.assert_close(units.responses(x, who), expected, rtol=1e-4, atol=1e-4)
    (ds,) = invis.search(f"directions/{path}/1", images=3, device="cpu")
    assert ds.attrs["address"] == f"directions/{path}/1"
    with pytest.raises(InvisError, match="direction 2 does not exist"):
        invis.units_at(f"directions/{path}/2")
    with pytest.raises(InvisError, match="is not a file"):
        invis.units_at("directions/nowhere.nc/0")


@pytest.mark.parametrize("kind", ["pca", "nmf"])
def test_components_of_pictures(kind: str, tmp_path) -> None:
    rng = np.random.default_rng(0)
    for k in range(4):
        noise = rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{k}.png")
    *_, last = components_steps(LAYER, tmp_path, kind, 3, device="cpu")
    (found,) = last.finished
    vectors = found["vectors"].values
    assert vectors.shape[0] == 3
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-4)
    if kind == "pca":
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(3), atol=1e-4)
        assert (np.diff(found["share"]) <= 0).all()
    else:
        assert (vectors >= 0).all()
    assert found.attrs["pictures"] == 4 and found.attrs["layer"] == LAYER
