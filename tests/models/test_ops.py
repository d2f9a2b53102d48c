"""Operations that are easy to get wrong, and those that no window describes."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import convnext_tiny
from torchvision.ops import FrozenBatchNorm2d, SqueezeExcitation

from invis.errors import InvisError
from invis.models.cone import Cone, compile_cone
from invis.models.flow import analyse
from invis.models.trace import trace


def cone_of(net: nn.Module, size: int = 24, position: tuple[int, int] | None = None) -> Cone:
    """The cone of a network's output."""
    flow = analyse(trace(net, 3, (size, size)))
    target = next(node for node in flow.traced.full.graph.nodes if node.op == "output").args[0]
    return compile_cone(flow, target, position or "center")


def check(net: nn.Module, size: int = 24) -> Cone:
    """Compare cone and network at the centre; returns the cone."""
    net = net.double().eval()
    cone = cone_of(net, size)
    image = torch.randn(2, 3, size, size, dtype=torch.float64)
    top, left, bottom, right = cone.window
    with torch.no_grad():
        value = cone(image[:, :, top:bottom, left:right])
        full = net(image)
    if value.shape[1] != full[0].numel():
        full = full[:, :, cone.position[0], cone.position[1]]
    torch.testing.assert_close(value, full.flatten(1), rtol=1e-9, atol=1e-9)
    return cone


class Written(nn.Module):
    """A tensor that is overwritten while others still read it."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.conv, self.next = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3)
        self.relu, self.drop, self.how = nn.ReLU(inplace=True), nn.Dropout(), how

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.how == "module":
            z = self.relu(y)
        elif self.how == "alias":
            z = self.relu(self.drop(y))
        elif self.how == "method":
            z = y.relu_()
        elif self.how == "function":
            z = F.relu(y, inplace=True)
        elif self.how == "not in place":
            z = torch.relu(y)
        elif self.how == "operator":
            z = y
            z += 1
        elif self.how == "view before":
            half = y[:, :2]
            z = self.relu(y)
            return half * 2 + self.next(z)[:, :, :1, :1]
        elif self.how == "write through a view":
            self.relu(y[:, :2])
            z = y * 1
        else:
            self.relu(y)
            z = y * 1
        return self.next(y * 2 + z)


@pytest.mark.parametrize(
    "how",
    [
        "module",
        "alias",
        "method",
        "function",
        "operator",
        "not in place",
        "view before",
        "write through a view",
        "result unused",
    ],
)
def test_what_was_overwritten_in_place_is_read_as_it_is_then(how: str) -> None:
    cone = check(Written(how))
    assert cone.whole == ("view" in how)


def test_in_place_networks_leave_the_image_alone() -> None:
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 2, 3)).eval()
    cone = cone_of(net)
    patch = torch.full((1, *cone.image_shape), -1.0).contiguous(memory_format=torch.channels_last)
    cone(patch)
    assert (patch == -1).all()


class Squared(nn.Module):
    """Channels squared, weighted and summed over named axes."""

    def forward(self, x: Tensor) -> Tensor:
        return F.softplus(x.square() * 0.5 - x.abs()).clamp(max=3) / 2


class Picked(nn.Module):
    """Channels picked one by one and in slices, as inception's networks do with colours."""

    def forward(self, x: Tensor) -> Tensor:
        red = torch.unsqueeze(x[:, 0], 1) * 0.3 + 0.1
        return torch.cat((red, x[:, 2].unsqueeze(1), x[:, 1:3]), 1)


class Cropped(nn.Module):
    """Rows cut off; every other column."""

    def __init__(self, index: tuple[slice, ...]) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        return x[self.index]


LOCAL = {
    "picked channels": nn.Sequential(Picked(), nn.Conv2d(4, 2, 3)),
    "functions": nn.Sequential(nn.Conv2d(3, 4, 3), Squared(), nn.Conv2d(4, 2, 3)),
    "frozen batch norm": nn.Sequential(nn.Conv2d(3, 4, 3), FrozenBatchNorm2d(4), nn.ReLU()),
    "activations": nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.PReLU(4),
        nn.Hardswish(inplace=True),
        nn.GELU(),
        nn.SiLU(inplace=True),
        nn.Dropout2d(),
        nn.Identity(),
    ),
    "convnext block": convnext_tiny().features[:2],
}


@pytest.mark.parametrize("name", LOCAL)
def test_pointwise_operations_stay_local(name: str) -> None:
    cone = check(LOCAL[name], 96)
    assert not cone.whole


class Padded(nn.Module):
    """A convolution of a user's own class, called through the functional form."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, padding=1, stride=2).relu()


def test_functional_convolution_with_own_weights_is_local() -> None:
    assert check(Padded()).image_shape == (3, 3, 3)


class ComputedWeights(nn.Conv2d):
    """Weight standardisation: the weights are computed in each pass."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, weight, self.bias)


class FlipSpace(nn.Module):
    """Not pointwise, though each element of the output is one of the input."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flip(2)


class Impostor(nn.Module):
    """A function of one's own that carries the name of a pointwise one."""

    def forward(self, x: Tensor) -> Tensor:
        return sigmoid(x)


def sigmoid(x: Tensor) -> Tensor:
    return x - x.mean((2, 3), keepdim=True)


torch.fx.wrap("sigmoid")

FOLLOWED: dict[str, tuple[nn.Module, int]] = {
    "upsampling": (nn.Upsample(scale_factor=2), 3),
    "transposed convolution": (nn.ConvTranspose2d(4, 4, 3), 5),
    "circular padding": (nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"), 5),
    "computed weights": (ComputedWeights(4, 4, 3), 5),
    "flip": (FlipSpace(), 3),
    "cropped rows": (Cropped((slice(None), slice(None), slice(2, None))), 3),
    "every other column": (
        Cropped((slice(None), slice(None), slice(None), slice(None, None, 2))),
        3,
    ),
    "pixel shuffle": (nn.PixelShuffle(2), 3),
    "local response norm": (nn.LocalResponseNorm(2), 3),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_windows_that_do_not_slide_are_followed(name: str) -> None:
    net, field = FOLLOWED[name]
    cone = check(nn.Sequential(nn.Conv2d(3, 4, 3), net))
    assert not cone.whole and cone.image_shape == (3, field, field)


GLOBAL = {
    "group norm": nn.GroupNorm(2, 4),
    "instance norm": nn.InstanceNorm2d(4),
    "softmax over rows": nn.Softmax(2),
    "bicubic upsampling": nn.Upsample(scale_factor=2, mode="bicubic"),
    "squeeze and excitation": SqueezeExcitation(4, 2),
    "own function": Impostor(),
    "global pooling": nn.AdaptiveAvgPool2d(1),
    "flatten": nn.Sequential(nn.Flatten(), nn.Linear(4 * 22 * 22, 6)),
}


@pytest.mark.parametrize("name", GLOBAL)
def test_what_no_window_describes_takes_the_whole_image(name: str) -> None:
    cone = check(nn.Sequential(nn.Conv2d(3, 4, 3), GLOBAL[name]))
    assert cone.whole and cone.image_shape == (3, 24, 24)


@pytest.mark.parametrize("name", ["group norm", "bicubic upsampling", "squeeze and excitation"])
def test_maps_stay_maps_behind_a_global_operation(name: str) -> None:
    head = nn.Sequential(nn.Conv2d(3, 4, 3), GLOBAL[name])
    middle = 22 if name == "bicubic upsampling" else 11
    cone = check(head)
    assert cone.whole and cone.position == (middle, middle) and cone.channels == 4
    cone = check(nn.Sequential(head, nn.Conv2d(4, 5, 3)))
    assert cone.whole and cone.position == (middle - 1, middle - 1) and cone.channels == 5


def test_batch_norm_without_statistics_is_refused() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False))
    with pytest.raises(InvisError, match="batch norm '1' has no running statistics"):
        cone_of(net.eval())


class Undecided(nn.Module):
    """Its code depends on values, sizes, optional tensors and how many there are."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.conv = how, nn.Conv2d(3, 4, 3)

    def forward(self, *xs: Tensor, mask: Tensor | None = None) -> Tensor:
        (x,) = xs
        if self.how == "values":
            return self.conv(x if x.sum() > 0 else -x)
        if self.how == "sizes":
            count, channels, height, width = x.size()
            assert channels == 3 and height % 2 == 0
            for _ in range(width // 12):
                x = x + mask if mask is not None else x * 1.0
            return self.conv(x.view(count, channels, height, width))
        return self.sum(self.conv(x), *self.conv(x).split(2, 1))

    def sum(self, x: Tensor, *parts: Tensor) -> Tensor:
        return x + torch.cat([part * k for k, part in enumerate(parts)], 1)


@pytest.mark.parametrize("how", ["values", "sizes", "parts"])
def test_control_flow_is_followed(how: str) -> None:
    cone = check(Undecided(how))
    assert (cone.image_shape == (3, 3, 3)) == (how != "values")


def test_several_inputs_are_refused() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + y

    with pytest.raises(InvisError, match="takes 2 inputs"):
        cone_of(Two())
