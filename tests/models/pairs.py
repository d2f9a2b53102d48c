"""The same function written two ways: once so that anybody can follow it, once otherwise."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Say(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.parts)


class SamePadding(nn.Conv2d):
    """Padding computed from the size of the image, as TensorFlow does it."""

    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for side, kernel, stride in zip(x.shape[-2:], self.kernel_size, self.stride, strict=True):
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            pads = [total // 2, total - total // 2, *pads]
        if any(pads):
            x = F.pad(x, pads)
        return F.conv2d(x, self.weight, self.bias, self.stride)


class Standardised(nn.Conv2d):
    """Weights that are standardised in every pass."""

    def forward(self, x: Tensor) -> Tensor:
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        std = self.weight.std((1, 2, 3), keepdim=True, unbiased=False)
        weight = (self.weight - mean) / (std + 1e-5)
        return F.conv2d(x, weight, self.bias, padding=self.padding)


class ByValue(nn.Module):
    """Looks at a value before it goes on."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) if float(x.detach().sum()) < 1e30 else x


class Shortcut(nn.Module):
    """A residual block with a parameter-free shortcut: every other position, zero channels."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.conv = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.skip = nn.Conv2d(4, 8, 1, stride=2, bias=False) if how == "conv" else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.skip is not None:
            return torch.relu(y + self.skip(x))
        if self.how == "pad":
            return torch.relu(y + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2)))
        small = x[:, :, ::2, ::2]
        zeros = torch.zeros(x.shape[0], 2, small.shape[2], small.shape[3], dtype=x.dtype)
        return torch.relu(y + torch.cat([zeros, small, zeros], 1))


class Positions(nn.Module):
    """A map of positions that is added."""

    def __init__(self, size: int, inside: bool) -> None:
        super().__init__()
        self.inside = inside
        self.map = nn.Parameter(
            torch.randn(4, size, size, generator=torch.Generator().manual_seed(1))
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.inside:
            return x + self.map
        return x.permute(0, 2, 3, 1).add(self.map.permute(1, 2, 0)).permute(0, 3, 1, 2)


def conv(inputs: int = 3, outputs: int = 4, size: int = 3, **more: Any) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, **more)


def seq(*parts: nn.Module) -> nn.Sequential:
    return nn.Sequential(*parts)


def shuffled(x: Tensor) -> Tensor:
    count, channels, height, width = x.shape
    x = x.view(count, 2, channels // 2, height, width).transpose(1, 2).contiguous()
    return x.view(count, channels, height, width)


def rows_of_zeros(x: Tensor) -> Tensor:
    zeros = torch.zeros_like(x[:, :, :1])
    return torch.cat([zeros, x, zeros], 2)


def gated(x: Tensor) -> Tensor:
    value, gate = x.chunk(2, 1)
    return value * gate.sigmoid()


def last(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda x: function(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def second() -> nn.Sequential:
    return seq(conv(padding=1), nn.ReLU(), conv(4, 4, padding=1))


def padded(pad: nn.Module, other: nn.Module | None = None) -> nn.Sequential:
    return seq(pad, conv(), nn.ReLU(), other or pad, conv(4, 4))


def pairs(size: int) -> dict[str, tuple[nn.Module, nn.Module]]:
    """Name -> the plain network and the other, whose parameters in order are the same."""
    pad1 = (1, 1, 1, 1)
    stem = lambda: conv(padding=1)  # noqa: E731
    tail = lambda: conv(4, 4, padding=1)  # noqa: E731
    return {
        "zero padding": (second(), padded(nn.ZeroPad2d(1))),
        "constant padding": (second(), padded(nn.ConstantPad2d(1, 0.0))),
        "functional padding": (second(), padded(Say(lambda x: F.pad(x, pad1)))),
        "padding by concatenation": (
            seq(conv(padding=(1, 0)), nn.ReLU(), conv(4, 4)),
            seq(Say(rows_of_zeros),
                conv(), nn.ReLU(), conv(4, 4)),
        ),
        "padding from sizes": (
            seq(conv(padding=1), nn.ReLU(), conv(4, 4, padding=1)),
            seq(SamePadding(3, 4, 3), nn.ReLU(), SamePadding(4, 4, 3)),
        ),
        "values decide": (second(), ByValue(second())),
        "reflection": (
            seq(conv(padding=1, padding_mode="reflect"), nn.ReLU(), tail()),
            seq(nn.ReflectionPad2d(1), conv(), nn.ReLU(), tail()),
        ),
        "replication": (
            seq(conv(padding=1, padding_mode="replicate"), nn.ReLU(), tail()),
            seq(nn.ReplicationPad2d(1), conv(), nn.ReLU(), tail()),
        ),
        "circular": (
            seq(conv(padding=1, padding_mode="circular"), nn.ReLU(), tail()),
            seq(Say(lambda x: F.pad(x, pad1, mode="circular")), conv(), nn.ReLU(), tail()),
        ),
        "strided slice": (
            seq(stem(), nn.ReLU(), nn.MaxPool2d(1, 2), tail()),
            seq(stem(), nn.ReLU(), Say(lambda x: x[:, :, ::2, ::2]), tail()),
        ),
        "cropping": (
            seq(conv(), nn.ReLU(), conv(4, 4)),
            seq(stem(), nn.ReLU(), Say(lambda x: x[..., 1:-1, 1:-1]), conv(4, 4)),
        ),
        "zero channels": (Shortcut("pad"), Shortcut("cat")),
        "softmax over channels": (
            seq(stem(), nn.Softmax(1), tail()),
            seq(stem(), Say(lambda x: x.exp() / x.exp().sum(1, keepdim=True)), tail()),
        ),
        "normalised channels": (
            seq(stem(), Say(lambda x: F.normalize(x, dim=1)), tail()),
            seq(stem(), Say(lambda x: x / x.square().sum(1, keepdim=True).sqrt()), tail()),
        ),
        "layer norm": (
            seq(stem(), Say(last(lambda x: F.layer_norm(x, (4,)))), tail()),
            seq(stem(), Say(lambda x: (x - x.mean(1, keepdim=True))
                / (x.var(1, keepdim=True, unbiased=False) + 1e-5).sqrt()), tail()),
        ),
        "gates": (
            seq(conv(3, 8, padding=1), nn.GLU(1), tail()),
            seq(conv(3, 8, padding=1), Say(gated), tail()),
        ),
        "channel shuffle": (
            seq(stem(), nn.ChannelShuffle(2), tail()), seq(stem(), Say(shuffled), tail()),
        ),
        "channels last": (
            seq(stem(), nn.ReLU(), conv(4, 4, 1)),
            seq(stem(), nn.ReLU(), Say(lambda x, part: last(
                lambda y: F.linear(y, part.weight.flatten(1), part.bias))(x), conv(4, 4, 1))),
        ),
        "weight standardisation": (
            seq(stem(), nn.ReLU(), Standardised(4, 4, 3, padding=1)),
            seq(stem(), nn.ReLU(), ByValue(Standardised(4, 4, 3, padding=1))),
        ),
        "position map": (
            seq(stem(), Positions(size, True), nn.ReLU(), tail()),
            seq(stem(), Positions(size, False), nn.ReLU(), tail()),
        ),
        "local response norm": (
            seq(stem(), nn.LocalResponseNorm(3), tail()),
            seq(stem(), Say(lambda x: F.local_response_norm(x, 3)), tail()),
        ),
        "pixel shuffle": (
            seq(conv(padding=1), nn.PixelShuffle(2), conv(1, 4, padding=1)),
            seq(conv(padding=1), Say(lambda x: F.pixel_shuffle(x, 2)), conv(1, 4, padding=1)),
        ),
        "pixel unshuffle": (
            seq(nn.PixelUnshuffle(2), conv(12, 4)),
            seq(Say(lambda x: x.unflatten(2, (-1, 2)).unflatten(4, (-1, 2))
                .permute(0, 1, 3, 5, 2, 4).flatten(1, 3)), conv(12, 4)),
        ),
        "nearest": (
            seq(conv(stride=2), nn.Upsample(scale_factor=2), tail()),
            seq(conv(stride=2), Say(lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3)),
                tail()),
        ),
        "bilinear": (
            seq(conv(stride=2), nn.Upsample(scale_factor=2, mode="bilinear"), tail()),
            seq(conv(stride=2), Say(lambda x: F.interpolate(
                x, size=(2 * x.shape[2], 2 * x.shape[3]), mode="bilinear")), tail()),
        ),
        "transposed convolution": (
            # With a bias there, no image raises its first unit above 0.
            seq(conv(stride=2, bias=False), nn.ConvTranspose2d(4, 4, 3, 2, 1, 1), nn.ReLU(),
                tail()),
            seq(conv(stride=2, bias=False), Say(lambda x, part: F.conv_transpose2d(
                x, part.weight, part.bias, 2, 1, 1), nn.ConvTranspose2d(4, 4, 3, 2, 1, 1)),
                nn.ReLU(), tail()),
        ),
        "flips": (
            seq(stem(), nn.ReLU(), tail()),
            seq(stem(), nn.ReLU(), Say(lambda x: x.flip(2, 3).flip(2, 3)), tail()),
        ),
    }  # fmt: skip


STEMS: dict[str, nn.Module] = {
    "padding": conv(padding=1),
    "zero padding": seq(nn.ZeroPad2d(1), conv()),
    "padding from sizes": SamePadding(3, 4, 3, 2),
    "values decide": ByValue(conv(padding=1)),
    "reflection": conv(padding=1, padding_mode="reflect"),
    "unshuffled": seq(nn.PixelUnshuffle(2), conv(12, 4, 1)),
    "strided slice": seq(conv(padding=1), Say(lambda x: x[:, :, ::2, ::2])),
    "blurred": seq(nn.Upsample(scale_factor=2, mode="bilinear"), conv(stride=2)),
}
"""Linear stems, of which every unit has an index of 1."""


def same_weights(plain: nn.Module, other: nn.Module) -> None:
    draw = torch.Generator().manual_seed(0)
    for a, b in zip(plain.parameters(), other.parameters(), strict=True):
        a.data.normal_(0, 0.5, generator=draw)
        b.data.copy_(a.data.reshape(b.shape))
