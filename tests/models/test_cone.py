"""The cone is the full network, seen from one unit."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model

from invis.errors import InvisError
from invis.models.cone import build_cone
from invis.models.layers import find_layer, layers
from invis.models.model import Model

ARCHITECTURES = [
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
    "vgg19_bn",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnext50_32x4d",
    "wide_resnet50_2",
]
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FAST = ["vgg11", "resnet18"]


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """Weights that keep the scale of the signal, random biases and batch-norm statistics."""
    draw = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            fan = part.weight[0].numel()
            part.weight.data.normal_(0, (2 / fan) ** 0.5, generator=draw)
            if part.bias is not None:
                part.bias.data.normal_(0, 0.5, generator=draw)
        elif isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None and part.running_var is not None
            part.weight.data.uniform_(0.5, 1.5, generator=draw)
            part.bias.data.normal_(0, 0.5, generator=draw)
            part.running_mean.normal_(0, 0.5, generator=draw)
            part.running_var.uniform_(0.5, 2, generator=draw)
    return module.eval().requires_grad_(False)


def skeleton(name: str) -> nn.Module:
    """A torchvision network without the minutes that its own initialisation takes."""
    with torch.device("meta"):
        module = get_model(name, weights=None)
    module = module.to_empty(device="cpu")
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)
    return module


def as_model(module: nn.Module, size: tuple[int, int] = (224, 224), channels: int = 3) -> Model:
    mean, std = IMAGENET_MEAN[:channels], IMAGENET_STD[:channels]
    return Model("net", "", "", module, mean, std, size, channels, "")


def hooked(module: nn.Module, image: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What PyTorch's own hooks see in one full pass: outputs of modules, inputs of ReLUs.

    Each tensor is copied the moment the hook sees it, before anything overwrites it in place; of
    a module that runs several times the last call stays.
    """
    outputs: dict[str, Tensor] = {}
    before: dict[str, Tensor] = {}

    def keep(place: dict[str, Tensor], name: str) -> Callable[..., None]:
        def hook(part: nn.Module, inputs: tuple[Tensor, ...], *output: Tensor) -> None:
            place[name] = (output[0] if output else inputs[0]).clone()

        return hook

    handles = []
    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d | nn.BatchNorm2d):
            handles.append(part.register_forward_hook(keep(outputs, name)))
        elif isinstance(part, nn.ReLU):
            handles.append(part.register_forward_pre_hook(keep(before, name)))
    try:
        module(image)
    finally:
        for handle in handles:
            handle.remove()
    return outputs, before


def norm_behind(module: nn.Module, name: str) -> str:
    """The batch norm that follows a convolution in torchvision's VGGs and ResNets, or itself."""
    stem, _, last = name.rpartition(".")
    prefix = f"{stem}." if stem else ""
    other = prefix + (str(int(last) + 1) if last.isdecimal() else last.replace("conv", "bn"))
    named = dict(module.named_modules())
    return other if isinstance(named.get(other), nn.BatchNorm2d) else name


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in FAST else [pytest.mark.slow]) for n in ARCHITECTURES],
)
@torch.no_grad()
def test_every_layer_equals_the_full_model_at_centre_edge_and_corner(name: str) -> None:
    module = randomised(skeleton(name))
    model = as_model(module)
    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    outputs, before = hooked(module, image)
    table = layers(model)
    convolutions = [n for n, part in module.named_modules() if isinstance(part, nn.Conv2d)]
    assert {layer.alias or layer.layer for layer in table} >= set(convolutions)
    for layer in table:
        path = layer.alias or layer.layer
        if path in convolutions:
            full = outputs[norm_behind(module, path)]
        else:
            full = before[f"{path}.relu"]
        rms = full.square().mean().sqrt()
        rows, cols = full.shape[2:]
        for position in ("center", (0, cols // 2), (rows - 1, cols - 1)):
            cone = build_cone(model, layer, position)
            top, left, bottom, right = cone.window
            row, col = cone.position
            value = cone(image[:, :, top:bottom, left:right])
            error = (value - full[:, :, row, col]).abs().max() / rms
            assert error < 1e-4, f"{layer.layer} at {position}: {error}"
            assert cone.whole == (layer.receptive_field > 224)
            if position == "center":
                assert abs(row - rows / 2) <= 1 and abs(col - cols / 2) <= 1


PAPER_FIELDS = {
    "conv1_1": 3,
    "conv1_2": 5,
    "conv2_1": 10,
    "conv2_2": 14,
    "conv3_1": 24,
    "conv3_2": 32,
    "conv3_3": 40,
    "conv3_4": 48,
    "conv4_1": 68,
    "conv4_2": 84,
    "conv4_3": 100,
    "conv4_4": 116,
    "conv5_1": 156,
    "conv5_2": 188,
    "conv5_3": 220,
    "conv5_4": 252,
}


def test_receptive_fields_of_vgg19_are_those_of_the_paper() -> None:
    model = as_model(skeleton("vgg19"))
    table = layers(model)
    assert {layer.layer: layer.receptive_field for layer in table} == PAPER_FIELDS
    for layer in table[:11]:  # those whose field fits around the middle of the image
        assert build_cone(model, layer).image_shape == (3, *[PAPER_FIELDS[layer.layer]] * 2)
    last = build_cone(model, table[-1])
    assert last.whole and last.image_shape == (3, 224, 224)
    assert [layer.stride for layer in table[::3]] == [1, 2, 4, 8, 16, 16]


class PixelsThatMatter(nn.Module):
    """Two convolutions with strides and a pool between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.pool = nn.AvgPool2d(2)
        self.last = nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.pool(self.first(x)).tanh())


@pytest.mark.parametrize("position", [(3, 3), (0, 0), (0, 5), (7, 7)])
def test_window_holds_exactly_the_pixels_with_a_gradient(position: tuple[int, int]) -> None:
    module = randomised(PixelsThatMatter()).double()
    model = as_model(module, (32, 32), 1)
    image = torch.randn(1, 1, 32, 32, dtype=torch.float64, requires_grad=True)
    row, col = position
    module(image)[0, :, row, col].sum().backward()
    assert image.grad is not None
    seen = image.grad[0, 0].nonzero()
    window = (*seen.min(0).values.tolist(), *(seen.max(0).values + 1).tolist())
    cone = build_cone(model, "last", position)
    assert cone.window == window
    top, left, bottom, right = window
    patch = image.detach()[:, :, top:bottom, left:right].clone().requires_grad_()
    cone(patch).sum().backward()
    torch.testing.assert_close(patch.grad, image.grad[:, :, top:bottom, left:right])


@torch.no_grad()
def test_folding_batch_norm_changes_rounding_only() -> None:
    module = randomised(skeleton("resnet18"))
    model = as_model(module)
    folded = build_cone(model, "layer1.1.conv2")
    plain = build_cone(model, "layer1.1.conv2", fold=False)
    x = torch.randn(2, *folded.image_shape)
    assert len(folded.steps) < len(plain.steps)
    torch.testing.assert_close(folded(x), plain(x), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_raw_is_the_value_in_front_of_batch_norm() -> None:
    module = randomised(skeleton("resnet18"))
    model = as_model(module)
    image = torch.randn(1, 3, 224, 224)
    outputs, _ = hooked(module, image)
    for raw, path in ((False, "layer1.0.bn1"), (True, "layer1.0.conv1")):
        layer = find_layer(model, "layer1.0.conv1", raw=raw)
        cone = build_cone(model, layer)
        top, left, bottom, right = cone.window
        row, col = cone.position
        value = cone(image[:, :, top:bottom, left:right])
        torch.testing.assert_close(value, outputs[path][:, :, row, col], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_layers_behind_global_pooling_take_the_whole_image() -> None:
    module = randomised(skeleton("resnet18"))
    nn.init.normal_(module.fc.weight)
    model = as_model(module, (64, 64))
    cone = build_cone(model, "fc")
    x = torch.randn(3, 3, 64, 64)
    assert cone.whole and cone.window == (0, 0, 64, 64) and cone.channels == 1000
    full = module(x)
    assert (cone(x) - full).abs().max() < 1e-4 * full.square().mean().sqrt()


def test_positions_outside_the_map_are_refused() -> None:
    model = as_model(PixelsThatMatter().eval(), (32, 32), 1)
    with pytest.raises(InvisError, match=r"position \(8, 0\).*rows 0 to 7"):
        build_cone(model, "last", (8, 0))


def test_patches_of_the_wrong_size_are_refused() -> None:
    cone = build_cone(as_model(PixelsThatMatter().eval(), (32, 32), 1), "last")
    with pytest.raises(InvisError, match="this cone takes"):
        cone(torch.zeros(1, 1, 7, 7))
