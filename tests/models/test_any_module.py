"""Modules made at random of torch.nn's layers and functions: a unit or one sentence, never less."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import invis
from invis.errors import InvisError
from tests.models.pairs import Say

SIZE = 16

LAYERS: list[Callable[[], nn.Module]] = [
    lambda: nn.Conv2d(4, 4, 3), lambda: nn.Conv2d(4, 4, 3, padding="same", padding_mode="reflect"),
    lambda: nn.Conv2d(4, 4, (1, 3), 2, groups=2), lambda: nn.Conv1d(4, 4, 3),
    lambda: nn.ConvTranspose2d(4, 4, 2, 2), lambda: nn.LazyConv2d(4, 3),
    lambda: nn.BatchNorm2d(4), lambda: nn.BatchNorm2d(4, track_running_stats=False),
    lambda: nn.GroupNorm(2, 4), lambda: nn.InstanceNorm2d(4), lambda: nn.LayerNorm(SIZE),
    lambda: nn.LocalResponseNorm(2), lambda: nn.RMSNorm(SIZE),
    lambda: nn.LayerNorm([4, SIZE, SIZE]),
    nn.ReLU, nn.ReLU6, nn.ELU, nn.GELU, nn.Hardswish, nn.Hardsigmoid, nn.Hardshrink, nn.LogSigmoid,
    nn.Mish, nn.RReLU, nn.Sigmoid, nn.SiLU, nn.Softplus, nn.Softsign, nn.Tanhshrink, nn.PReLU,
    lambda: nn.Threshold(0.1, 0.0), lambda: nn.GLU(1), nn.Softmax2d, lambda: nn.Softmax(1),
    lambda: nn.Softmax(-1), lambda: nn.LogSoftmax(1), lambda: nn.Softmin(1),
    lambda: nn.MaxPool2d(2), lambda: nn.MaxPool2d(3, 1, return_indices=True),
    lambda: nn.AvgPool2d(2, ceil_mode=True), lambda: nn.LPPool2d(2, 2),
    lambda: nn.FractionalMaxPool2d(2, output_ratio=0.5), lambda: nn.AdaptiveAvgPool2d((3, None)),
    lambda: nn.AdaptiveMaxPool2d(5), lambda: nn.MaxPool3d(2),
    lambda: nn.Upsample(scale_factor=2), lambda: nn.Upsample(scale_factor=2, mode="bicubic"),
    lambda: nn.UpsamplingBilinear2d(scale_factor=2), lambda: nn.PixelShuffle(2),
    lambda: nn.PixelUnshuffle(2), lambda: nn.ChannelShuffle(2), lambda: nn.Fold((4, 4), 2),
    lambda: nn.Unfold(3), lambda: nn.ZeroPad2d((1, 0, 2, -1)), lambda: nn.ReflectionPad2d(2),
    lambda: nn.ReplicationPad2d(1), lambda: nn.CircularPad2d(1), lambda: nn.ConstantPad2d(1, 2.0),
    nn.Flatten, lambda: nn.Flatten(2), lambda: nn.Unflatten(1, (2, 2)), nn.Identity,
    lambda: nn.Linear(SIZE, 5), lambda: nn.Dropout(0.5), lambda: nn.AlphaDropout(0.5),
    lambda: nn.Embedding(4, 4), lambda: nn.GRU(SIZE, 4), lambda: nn.Bilinear(4, 4, 4),
    lambda: nn.MultiheadAttention(SIZE, 2), lambda: nn.TransformerEncoderLayer(SIZE, 2),
]  # fmt: skip
FUNCTIONS: list[Callable[[Tensor], Any]] = [
    lambda x: x.permute(0, 2, 3, 1), lambda x: x.mean((2, 3), keepdim=True), lambda x: x * x.sum(),
    lambda x: x if x.mean() > 0 else -x, lambda x: x.chunk(2, 1), lambda x: x.flip(-1),
    lambda x: x.roll(2, 3), lambda x: F.dropout(x, 0.5), lambda x: x + torch.randn_like(x),
    lambda x: x.view(x.size(0), -1, 4), lambda x: F.pad(x, (1, 2, 0, 1)), lambda x: x.topk(2, 1)[0],
    lambda x: x[:, ::2, 1:, ::2], lambda x: torch.cat([x, torch.zeros_like(x)], 1),
    lambda x: x.detach(), lambda x: x.argmax(1), lambda x: {"out": x}, lambda x: x.float().double(),
    lambda x: F.interpolate(x, size=(7, 9)), lambda x: torch.fft.rfft2(x).abs(),
    lambda x: x.cumsum(2),
    lambda x: torch.where(x > 0, x, 0.0), lambda x: x.nan_to_num(), lambda x: None,
    lambda x: x.unfold(2, 3, 2), lambda x: torch.einsum("bchw,bdhw->bcd", x, x), lambda x: 1 / 0,
]  # fmt: skip


@st.composite
def modules(draw: st.DrawFn) -> nn.Sequential:
    torch.manual_seed(0)
    parts: list[nn.Module] = [nn.Conv2d(3, 4, 3, padding=1)]
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            parts.append(draw(st.sampled_from(LAYERS))())
        else:
            parts.append(Say(draw(st.sampled_from(FUNCTIONS))))
    return nn.Sequential(*parts).eval()


def check(net: nn.Sequential) -> None:
    name = str(len(net) - 1)
    try:
        units = invis.unit(net, name, 0, mean=[0.5] * 3, input_size=SIZE)
    except InvisError as error:
        assert "\n" not in str(error) and len(str(error)) > 20
        return
    colours, height, width = units.image_shape
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2, height, width, colours), generator=draw).byte()
    who = torch.zeros(2, dtype=torch.long)
    x = images.permute(0, 3, 1, 2).float() - units.grey[:, None, None]
    try:
        own, full = units.responses(x, who).float(), units.full_responses(images, who)
    except InvisError as error:
        assert "\n" not in str(error)
        return
    torch.testing.assert_close(own, full, rtol=1e-3, atol=1e-3, equal_nan=True)


@settings(max_examples=30)
@given(modules())
def test_a_module_is_a_unit_or_a_sentence(net: nn.Sequential) -> None:
    check(net)


@pytest.mark.slow
@settings(max_examples=200, derandomize=False, database=None, print_blob=True)
@given(modules())
def test_modules_that_nobody_has_seen_are_units_or_sentences(net: nn.Sequential) -> None:
    check(net)


# Networks that ended in a traceback once, each of a kind of its own.
FOUND: dict[str, Callable[[], list[nn.Module]]] = {
    "3D pooling of channels": lambda: [nn.RMSNorm(SIZE), nn.MaxPool3d(2), nn.MaxPool3d(2)],
    "view": lambda: [Say(lambda x: x.view(x.size(0), -1, 4)), nn.MaxPool2d(2)],
    "norm of too many channels": lambda: [nn.GLU(1), nn.BatchNorm2d(4)],
    "norm of several tensors": lambda: [Say(lambda x: x.chunk(2, 1)), nn.BatchNorm2d(2)],
    "an empty map": lambda: [nn.AdaptiveAvgPool2d(1), Say(lambda x: x[..., 1:])],
    "two precisions": lambda: [Say(lambda x: x.double()), nn.Linear(SIZE, 5)],
    "a map of three axes": lambda: [
        Say(lambda x: x if x.mean() > 0 else -x), nn.Unfold(3), nn.MaxPool2d(3)
    ],
    "images among channels": lambda: [nn.Flatten(2), nn.Unfold(3)],
    "unshuffled images": lambda: [Say(lambda x: x.view(len(x), -1, 4)), nn.PixelUnshuffle(2)],
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_what_ended_in_a_traceback_once_is_a_unit_or_a_sentence(name: str) -> None:
    torch.manual_seed(0)
    check(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), *FOUND[name]()).eval())


@pytest.mark.parametrize(
    "mix", [lambda x: x * x.sum(), lambda x: x - x.mean(0), lambda x: x.flatten(0, 1)]
)
def test_layers_that_mix_the_images_of_a_batch_are_refused(mix: Callable[[Tensor], Tensor]) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), Say(mix)).eval()
    with pytest.raises(InvisError, match="mixes the images of a batch at 1"):
        invis.unit(net, "1", 0, mean=[0.5] * 3, input_size=SIZE)


def test_an_argument_behind_the_image_is_its_default() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
            return self.conv(2 * x if mask is None else x * mask)

    units = invis.unit(Masked().eval(), "conv", 0, mean=[0.5] * 3, input_size=SIZE)
    assert units.image_shape == (3, 3, 3) and units.cone.stopped_by == ""
