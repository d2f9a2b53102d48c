"""Units: responses of the cone, and of the full network on 8-bit images."""

import copy

import pytest
import torch
from torch import Tensor, nn

from invis.errors import InvisError
from invis.models.unit import Units, unit, units_at


class Net(nn.Module):
    """A grey-scale network with batch norm, in-place ReLU and a skip."""

    def __init__(self, colours: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(colours, 6, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(6, 6, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(6, 6, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(self.relu(self.norm1(self.conv1(x))))
        x = x + self.conv3(self.relu(x))
        return self.relu(x)


def pixels(units: Units, count: int) -> Tensor:
    colours, height, width = units.image_shape
    return torch.randint(0, 256, (count, height, width, colours), dtype=torch.uint8)


def deviations(units: Units, images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2).float() - units.grey[:, None, None]


@pytest.mark.parametrize("layer", ["conv1", "conv1:raw", "conv2", "conv3"])
def test_cone_and_full_network_agree_on_8_bit_images(layer: str) -> None:
    units = unit(Net(), layer, range(6), mean=[0.4], std=[0.2], input_size=32)
    images, index = pixels(units, 30), torch.arange(30) % 6
    small = units.responses(deviations(units, images), index)
    full = units.full_responses(images, index)
    torch.testing.assert_close(small, full, rtol=1e-4, atol=1e-4)
    assert full.dtype == torch.float32 and not full.requires_grad


def test_the_full_network_sees_the_image_on_grey() -> None:
    net = Net().eval()
    units = unit(net, "conv2", [0, 3], mean=[0.4], std=[0.2], input_size=32)
    image = pixels(units, 1)
    canvas = torch.full((1, 1, 32, 32), float(round(255 * 0.4)))
    top, left, bottom, right = units.cone.window
    canvas[:, 0, top:bottom, left:right] = image[..., 0]
    with torch.no_grad():
        x = (canvas / 255 - 0.4) / 0.2
        maps = net.conv2(torch.relu(net.norm1(net.conv1(x))))
    row, col = units.cone.position
    for k, channel in enumerate((0, 3)):
        got = units.full_responses(image, [k])
        torch.testing.assert_close(got[0], maps[0, channel, row, col], rtol=1e-4, atol=1e-4)


def test_responses_have_a_gradient_for_each_image_alone() -> None:
    torch.manual_seed(0)  # some random networks are silent on some images
    units = unit(Net(), "conv3", [1, 4], mean=[0.5], std=[0.25], input_size=32)
    x = torch.randn(3, *units.image_shape, requires_grad=True)
    units.responses(x, torch.tensor([0, 1, 1]))[1].backward()
    assert x.grad is not None
    assert x.grad[1].abs().max() > 0 and not x.grad[[0, 2]].any()


def test_a_combination_of_channels_is_a_unit() -> None:
    net = Net()
    parts = unit(net, "conv3", [2, 5], input_size=32)
    both = unit(net, "conv3", {2: 0.5, 5: -2}, input_size=32, name="mine")
    assert len(both) == 1 and both.addresses == ("mine/conv3/0.5x2-2x5",)
    images = pixels(parts, 1)
    each = parts.full_responses(images.repeat(2, 1, 1, 1), [0, 1])
    expected = 0.5 * each[:1] - 2 * each[1:]
    torch.testing.assert_close(both.full_responses(images, [0]), expected, rtol=1e-4, atol=1e-4)


def test_without_normalisation_the_network_takes_plain_pixels_and_grey_is_128() -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 1))
    units = unit(net, "0", 1, input_size=8)
    assert units.grey.tolist() == [128.0] * 3
    image = torch.tensor([10, 100, 200], dtype=torch.uint8).reshape(1, 1, 1, 3)
    expected = net(image.permute(0, 3, 1, 2) / 255)[0, 1].flatten()
    torch.testing.assert_close(units.full_responses(image, [0]), expected.detach())


def test_the_users_network_is_left_as_it_is() -> None:
    net = Net().train()
    state = copy.deepcopy(net.state_dict())
    units = unit(net, "conv3", 0, input_size=32)
    x = torch.randn(1, *units.image_shape, requires_grad=True)
    units.responses(x, torch.zeros(1, dtype=torch.long)).sum().backward()
    assert net.training and all(part.training for part in net.modules())
    assert all(p.requires_grad and p.grad is None for p in net.parameters())
    for key, value in net.state_dict().items():
        assert torch.equal(value, state[key])
    assert not net.conv1._forward_hooks


def test_double_precision_networks_stay_double() -> None:
    units = unit(Net().double(), "conv3", [0], input_size=32)
    x = torch.randn(2, *units.image_shape, dtype=torch.float64)
    assert units.responses(x, torch.zeros(2, dtype=torch.long)).dtype == torch.float64
    images = pixels(units, 2)
    small = units.responses(deviations(units, images).double(), torch.zeros(2, dtype=torch.long))
    full = units.full_responses(images, [0, 0])
    torch.testing.assert_close(small.float(), full, rtol=1e-6, atol=1e-6)


def test_addresses_name_model_weights_layer_and_channel() -> None:
    units = units_at("resnet18@none:4/layer1.0.conv2/3,7", device="cpu")
    assert units.addresses == (
        "resnet18@none:4/layer1.0.conv2/3",
        "resnet18@none:4/layer1.0.conv2/7",
    )
    assert len(units) == 2 and units.grey.tolist() == [124.0, 116.0, 104.0]
    raw = units_at("resnet18/layer1.0.conv2:raw/3", weights="none:4", device="cpu")
    assert raw.addresses == ("resnet18@none:4/layer1.0.conv2:raw/3",)


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        (6, "channel 6 does not exist: conv3 of Net has channels 0 to 5"),
        (-1, "channel -1"),
        ([], "channels are missing"),
        ({9: 1.0}, "channel 9"),
        ([0, 77], "channel 77"),
    ],
)
def test_channels_out_of_range_are_refused_with_the_range(channel: object, said: str) -> None:
    with pytest.raises(InvisError, match=said):
        unit(Net(), "conv3", channel, input_size=32)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"mean": [0.5] * 3, "std": [0.2]}, "std .* is wrong: give 3 numbers"),
        ({"std": 0.0}, "std 0.0 is wrong: give 1 numbers above 0"),
        ({"input_size": 0}, "input_size 0 is wrong"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InvisError, match=said):
        unit(Net(), "conv3", 0, **settings)  # type: ignore[arg-type]


def test_images_of_another_size_or_type_are_refused() -> None:
    units = unit(Net(), "conv3", 0, input_size=32)
    with pytest.raises(InvisError, match=r"images have type torch.float32 .*take uint8 images"):
        units.full_responses(pixels(units, 1).float(), [0])
    with pytest.raises(InvisError, match="images have type"):
        units.full_responses(torch.zeros(1, 3, 3, 1, dtype=torch.uint8), [0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_another_device_gives_the_same_values_and_leaves_the_first_alone() -> None:
    units = unit(Net(3), "conv3", [0, 1], input_size=32)
    other = units.to("cuda")
    images, index = pixels(units, 6), torch.arange(6) % 2
    torch.testing.assert_close(
        other.full_responses(images, index), units.full_responses(images, index), rtol=0, atol=1e-2
    )
    x = deviations(units, images)
    there = other.responses(x.cuda(), index.cuda())
    torch.testing.assert_close(there.cpu(), units.responses(x, index), rtol=0, atol=1e-2)
    assert next(units.model.module.parameters()).device.type == "cpu"


def test_some_of_the_units_answer_as_they_did_among_all() -> None:
    units = unit(Net(), "conv3", range(6), input_size=32)
    images = pixels(units, 2)
    some = units.only([4, 1])
    assert some.addresses == (units.addresses[4], units.addresses[1])
    expected = units.full_responses(images, [4, 1])
    torch.testing.assert_close(some.full_responses(images, [0, 1]), expected)
