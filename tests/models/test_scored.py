"""Any function as a unit, and a kind of unit that Invis has never heard of."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import invis
from invis.errors import InvisError
from invis.models.scored import Outputs
from invis.search.again import problem_of

SIZE = 12


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.Conv2d(6, 4, 3)).eval()


def energy(at: Outputs) -> Tensor:
    return at("0")[:, :2, 3, 3].square().sum(1)


def test_a_function_is_searched_and_its_value_is_the_functions() -> None:
    net = network()
    units = invis.scored(net, energy, label="energy of 0/1", input_size=SIZE)
    assert units.addresses == ("Sequential/scored/energyof0-1",)
    (ds,) = invis.search(units, images=3)
    assert ds.attrs["fraction_min"] > 0.88
    images = torch.as_tensor(ds["images"].values).permute(0, 3, 1, 2)
    # The patch is what the score is measured to see: the field of one position.
    expected = net[0](images / 255)[:, :2, 0, 0].square().sum(1)
    np.testing.assert_allclose(ds["activation"], expected.detach(), rtol=1e-4)
    assert not any(part._forward_hooks for part in net.modules())


def test_the_networks_own_output_and_its_images_are_there() -> None:
    net = network()
    images = torch.rand(2, 1, SIZE, SIZE)
    units = invis.scored(
        net, lambda at: at("")[:, 0].amax((1, 2)) - at.image.mean((1, 2, 3)), input_size=SIZE,
        mean=0.5, std=0.25,
    )  # fmt: skip
    found = units.responses(255 * images - units.grey[:, None, None], torch.zeros(2).long())
    expected = net((images - 0.5) / 0.25)[:, 0].amax((1, 2)) - images.mean((1, 2, 3))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


REFUSED = {
    "layer 'conv9' holds no tensor here: the nearest are 0, 1, 2": lambda at: at("conv9"),
    "gives numbers of shape .4, 4.*give one finite number": lambda at: at("")[..., 0, 0],
    "gives NaN or infinity": lambda at: at("")[:, 0, 0, 0] * float("nan"),
    "has no gradient": lambda at: at("")[:, 0, 0, 0].detach(),
    "compares the images": lambda at: at("")[:, 0, 0, 0] - at("")[:, 0, 0, 0].mean(),
    "fails on Sequential with images of 12 x 12 .IndexError": lambda at: at("")[:, 9, 0, 0],
}


@pytest.mark.parametrize("told", REFUSED)
def test_what_is_no_unit_is_refused_in_a_sentence(told: str) -> None:
    with pytest.raises(InvisError, match=told) as error:
        invis.scored(network(), REFUSED[told], input_size=SIZE)
    assert "\n" not in str(error.value)


def test_a_readout_has_a_bias() -> None:
    net = network()
    plain = invis.unit(net, "2", [0, 3], input_size=SIZE)
    units = invis.unit(net, "2", [0, 3], input_size=SIZE, bias=[1.5, -2.0])
    x, who = torch.randn(4, *units.image_shape), torch.tensor([0, 1, 1, 0])
    shift = torch.tensor([1.5, -2.0, -2.0, 1.5])
    torch.testing.assert_close(units.responses(x, who), plain.responses(x, who) + shift)
    images = torch.randint(0, 256, (4, *units.image_shape[1:], 1), dtype=torch.uint8)
    full = plain.full_responses(images, who) + shift
    torch.testing.assert_close(units.full_responses(images, who), full)
    other = plain.only([1]).full_responses(images[:1], [0]) - 2.0
    torch.testing.assert_close(units.only([1]).full_responses(images[:1], [0]), other)
    with pytest.raises(InvisError, match=r"bias .* is wrong: give a number, or one for each of 2"):
        invis.unit(net, "2", [0, 3], input_size=SIZE, bias=[1.0] * 3)


# A sparse autoencoder's features, as a group that uses Invis might add them.


def open_feature(
    address: str, weights: str | None, device: str | torch.device | None
) -> "invis.Units":
    kind, layer, feature = address.split("/")
    net = network()
    decoder = torch.randn(8, 6, generator=torch.Generator().manual_seed(1))

    def activity(at: Outputs) -> Tensor:
        return at(layer.replace("-", "."))[:, :, 4, 4] @ decoder[int(feature)] - 0.1

    return invis.scored(
        net, activity, label=feature, name=kind, layer=layer, input_size=SIZE, device=device
    )


@pytest.fixture
def features() -> Iterator[None]:
    from invis.models import kinds

    invis.register_units("autoencoder", open_feature)
    yield
    del kinds._KINDS["autoencoder"]


def test_a_kind_of_ones_own_is_searched_saved_and_found_again(features: None, tmp_path) -> None:
    (ds,) = invis.search("autoencoder/0/5", images=3, device="cpu")
    assert ds.attrs["address"] == "autoencoder/0/5"
    invis.save(ds, tmp_path / "feature.nc")
    again = invis.load(tmp_path / "feature.nc")
    assert again.attrs == ds.attrs
    problem = problem_of(again, device="cpu")
    pixels = np.ascontiguousarray(again["images"].values)
    found = problem.units.full_responses(pixels, [0] * len(pixels))
    np.testing.assert_allclose(found, again["activation"], rtol=1e-4)


@pytest.mark.parametrize("kind", ["vgg16", "a/b", "a@b", ""])
def test_a_kind_cannot_be_taken_for_a_model(kind: str) -> None:
    with pytest.raises(InvisError, match="cannot name units"):
        invis.register_units(kind, open_feature)
