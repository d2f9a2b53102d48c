"""Transformers: units of tokens, found by token and feature."""

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import SwinTransformer, VisionTransformer

import invis
from invis.errors import InvisError
from invis.models.address import parse_address
from invis.models.layers import layers
from invis.models.own import wrap

SIZE = 32


def vit() -> VisionTransformer:
    torch.manual_seed(0)
    net = VisionTransformer(
        image_size=SIZE, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=24,
        num_classes=4,
    )  # fmt: skip
    for parameter in net.parameters():
        nn.init.normal_(parameter, 0, 0.3)
    return net.eval()


def swin() -> SwinTransformer:
    torch.manual_seed(0)
    return SwinTransformer([4, 4], 8, [2, 2], [1, 2], [4, 4], num_classes=4).eval()


def seen(net: nn.Module, path: str, x: Tensor) -> Tensor:
    """What PyTorch's own hook sees."""
    kept: list[Tensor] = []

    def keep(_: nn.Module, __: object, out: Tensor | tuple[Tensor, ...]) -> None:
        kept.append(out if isinstance(out, Tensor) else out[0])

    handle = net.get_submodule(path).register_forward_hook(keep)
    with torch.no_grad():
        net(x)
    handle.remove()
    return kept[0]


BLOCK = "encoder.layers.encoder_layer_1"


@pytest.mark.parametrize("layer", [f"{BLOCK}.mlp.0", BLOCK, f"{BLOCK}.self_attention"])
@pytest.mark.parametrize(("place", "token"), [("cls", 0), ((0, 0), 1), ((1, 2), 7), ("center", 11)])
def test_a_token_has_its_value(layer: str, place: str | tuple[int, int], token: int) -> None:
    net = vit()
    units = invis.unit(net, layer, [0, 5], input_size=SIZE, position=place)
    pixels = torch.randint(0, 256, (2, SIZE, SIZE, 3), dtype=torch.uint8)
    assert units.image_shape == (3, SIZE, SIZE)
    full = seen(net, layer, pixels.permute(0, 3, 1, 2) / 255)[torch.arange(2), token, [0, 5]]
    torch.testing.assert_close(units.full_responses(pixels, [0, 1]), full, rtol=1e-4, atol=1e-4)
    x = pixels.permute(0, 3, 1, 2) - units.grey[:, None, None]
    torch.testing.assert_close(units.responses(x, torch.arange(2)), full, rtol=1e-4, atol=1e-4)


def test_tokens_are_in_addresses() -> None:
    at = invis.unit(vit(), f"{BLOCK}.mlp.0", 17, input_size=SIZE, position="cls")
    assert at.addresses == (f"VisionTransformer/{BLOCK}.mlp.0/17@cls",)
    where = parse_address("vit_b_16/encoder.layers.encoder_layer_3.mlp.0/17@7,7")
    assert where.position == (7, 7) and where.channels == (17,)
    assert str(where) == "vit_b_16/encoder.layers.encoder_layer_3.mlp.0/17@7,7"
    with pytest.raises(InvisError, match="place 'x' of address"):
        parse_address("vit_b_16/encoder.layers.encoder_layer_3.mlp.0/17@x")


def test_tokens_outside_the_grid_are_refused() -> None:
    with pytest.raises(InvisError, match="rows 0 to 3, columns 0 to 3, or cls"):
        invis.unit(vit(), BLOCK, 0, input_size=SIZE, position=(4, 0))
    with pytest.raises(InvisError, match="has no tokens"):
        invis.unit(vit(), "conv_proj", 0, input_size=SIZE, position="cls")


def test_units_of_mlps_stream_and_attention_are_listed() -> None:
    table = {layer.layer: layer.channels for layer in layers(wrap(vit(), input_size=SIZE))}
    assert table["conv_proj"] == 16
    for name, channels in (("", 16), (".mlp.0", 24), (".mlp.3", 16), (".self_attention", 16)):
        assert table[f"{BLOCK}{name}"] == channels
    table = {layer.layer: layer.channels for layer in layers(wrap(swin(), input_size=SIZE))}
    for name, channels in (("", 8), (".mlp.0", 32), (".attn", 8)):
        assert table[f"features.1.1{name}"] == channels


@pytest.mark.parametrize("layer", ["features.1.1", "features.1.1.attn", "features.3.1.mlp.0"])
def test_a_position_of_a_window_transformer_has_its_value(layer: str) -> None:
    net = swin()
    units = invis.unit(net, layer, [0, 5], input_size=SIZE, position=(1, 2))
    image = torch.randint(0, 256, (1, SIZE, SIZE, 3), dtype=torch.uint8)
    full = seen(net, layer, image.permute(0, 3, 1, 2) / 255)[0, 1, 2, [0, 5]]
    top, left, bottom, right = units.cone.window
    # What lies outside the window does not matter.
    patch = image[:, top:bottom, left:right].expand(2, -1, -1, -1)
    torch.testing.assert_close(units.full_responses(patch, [0, 1]), full, rtol=1e-3, atol=1e-3)
    x = patch.permute(0, 3, 1, 2) - units.grey[:, None, None]
    torch.testing.assert_close(units.responses(x, torch.arange(2)), full, rtol=1e-3, atol=1e-3)


def test_a_unit_of_a_token_is_searched() -> None:
    units = invis.unit(vit(), f"{BLOCK}.mlp.0", 3, input_size=SIZE)
    (ds,) = invis.search(units, images=3)
    assert ds.attrs["fraction_min"] > 0.85 and ds.attrs["window"] == [0, 0, SIZE, SIZE]
