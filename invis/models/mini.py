"""The two embedded architectures: a small VGG and a small ResNet for 64 px images.

They are honest small siblings of VGG-19 and ResNet-50: the same kinds of layers under the same
names, so that what is learnt on them carries over, yet small enough to ship in the repository.

- `minivgg`: eight 3x3 convolutions in four stages, ReLU, max pooling, no skip. Batch norm exists
  only while training and is folded into the convolutions on export. Up to conv3_2 the receptive
  fields are those of VGG-19 (3, 5, 10, 14, 24, 32 px).
- `miniresnet`: one bottleneck block in each of four stages, with torchvision's names. The stem is a
  3x3 convolution of stride 1, then ResNet-50's max pooling: its 7x7 stem of stride 2 would leave
  layer4 of a 64 px image a map of 2x2; without the convolution's stride it is 4x4. One block a
  stage because deeper, narrower versions learn more slowly within an hour on a CPU.
"""

from __future__ import annotations

import copy
from collections import OrderedDict

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from invis.errors import InvisError

ARCHITECTURES = ("minivgg", "miniresnet")
INPUT_SIZE = (64, 64)
CLASSES = 100
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

VGG_STAGES = ((16, 2), (48, 2), (96, 2), (192, 2))
RESNET_STAGES = ((16, 1), (48, 1), (96, 1), (160, 1))
RESNET_STEM = 32
EXPANSION = 4


def _minivgg(batch_norm: bool, classes: int) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for stage, (width, depth) in enumerate(VGG_STAGES, start=1):
        for index in range(1, depth + 1):
            name = f"{stage}_{index}"
            layers[f"conv{name}"] = nn.Conv2d(channels, width, 3, padding=1, bias=not batch_norm)
            if batch_norm:
                layers[f"bn{name}"] = nn.BatchNorm2d(width)
            layers[f"relu{name}"] = nn.ReLU()
            channels = width
        if stage < len(VGG_STAGES):
            layers[f"pool{stage}"] = nn.MaxPool2d(2)
    layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(channels, classes)
    return nn.Sequential(layers)


class Bottleneck(nn.Module):
    """1x1 reduce, 3x3 (carries the stride, as in torchvision), 1x1 expand, added to the input."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = width * EXPANSION
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU()
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, 4 width, H/stride, W/stride)."""
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


class MiniResNet(nn.Module):
    """A bottleneck ResNet for 64 px images with the module names of torchvision's ResNet-50."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, RESNET_STEM, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(RESNET_STEM)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = RESNET_STEM
        self.layer1: nn.Module
        self.layer2: nn.Module
        self.layer3: nn.Module
        self.layer4: nn.Module
        for stage, (width, depth) in enumerate(RESNET_STAGES, start=1):
            blocks = []
            for index in range(depth):
                stride = 2 if stage > 1 and index == 0 else 1
                blocks.append(Bottleneck(channels, width, stride))
                channels = width * EXPANSION
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images -> (B, classes) logits."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.flatten(self.avgpool(x)))


def _initialise(net: nn.Module) -> nn.Module:
    """He initialisation for every convolution, as in torchvision's VGG and ResNet."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return net


def _check(arch: str) -> None:
    if arch not in ARCHITECTURES:
        raise InvisError(
            f"arch is {arch!r}, but the embedded ones are {' and '.join(ARCHITECTURES)}."
        )


def build(arch: str, classes: int = CLASSES) -> nn.Module:
    """The network in its shipped form, randomly initialised, in evaluation mode.

    Args:
        arch: `minivgg` (no batch norm) or `miniresnet` (batch norm in evaluation mode).
        classes: number of outputs.

    Raises:
        InvisError: the architecture is not one of these.
    """
    _check(arch)
    net = _minivgg(False, classes) if arch == "minivgg" else MiniResNet(classes)
    return _initialise(net).eval()


def build_training(arch: str, classes: int = CLASSES) -> nn.Module:
    """The network as it is trained: randomly initialised, with batch norm, in training mode."""
    _check(arch)
    net = _minivgg(True, classes) if arch == "minivgg" else MiniResNet(classes)
    return _initialise(net).train()


def export(arch: str, trained: nn.Module) -> nn.Module:
    """Turn a training network into its shipped form with the same outputs in evaluation mode.

    For `minivgg` each batch norm y = gamma (x - mean) / sqrt(var + eps) + beta is folded into the
    convolution before it; `miniresnet` keeps its batch norms, so its state is copied as it is.
    `trained` is left untouched.
    """
    classes = trained.get_submodule("fc").out_features
    assert isinstance(classes, int)
    shipped = build(arch, classes)
    if arch == "miniresnet":
        shipped.load_state_dict(trained.state_dict())
        return shipped
    state: dict[str, Tensor] = {}
    for name, module in trained.named_children():
        if isinstance(module, nn.Conv2d):
            norm = trained.get_submodule(name.replace("conv", "bn"))
            assert isinstance(norm, nn.BatchNorm2d)
            folded = fuse_conv_bn_eval(copy.deepcopy(module).eval(), copy.deepcopy(norm).eval())
            state |= {f"{name}.{key}": value for key, value in folded.state_dict().items()}
        elif isinstance(module, nn.Linear):
            state |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
    shipped.load_state_dict(state)
    return shipped
