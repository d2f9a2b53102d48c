"""Ten networks of timm, untrained: a unit in the middle of each is the full model's.

CI runs this in an environment of its own: python -m pytest tests/models/networks_timm.py
"""

import pytest
import torch

import invis
from invis.models.layers import layers
from invis.models.own import wrap

timm = pytest.importorskip("timm")

# Convolutions with padding computed from sizes, weight standardisation, mixed depthwise kernels,
# attention over channels and over space, and transformers of three families.
NETWORKS = {
    "tf_efficientnet_b0": 224, "resnetv2_50": 224, "nf_resnet50": 224, "mixnet_s": 224,
    "res2net50_26w_4s": 224, "convnextv2_atto": 224, "vit_tiny_patch16_224": 224,
    "deit3_small_patch16_224": 224, "swin_tiny_patch4_window7_224": 224, "mobilevit_xxs": 256,
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_a_unit_in_the_middle_is_the_full_models(name: str) -> None:
    torch.manual_seed(0)
    net = timm.create_model(name, pretrained=False).eval()
    size, mean, std = NETWORKS[name], [0.5] * 3, [0.25] * 3
    table = layers(wrap(net, mean=mean, std=std, input_size=size))
    layer = table[len(table) // 2]
    for position in ("center", (0, 0)):
        units = invis.unit(
            net, layer.layer, [0, layer.channels - 1], mean=mean, std=std, input_size=size,
            position=position,
        )  # fmt: skip
        colours, height, width = units.image_shape
        images = torch.randint(0, 256, (2, height, width, colours), dtype=torch.uint8)
        own = units.responses(
            images.permute(0, 3, 1, 2).float() - units.grey[:, None, None], torch.arange(2)
        )
        full = units.full_responses(images, [0, 1])
        scale = float(full.abs().max())
        torch.testing.assert_close(own, full, rtol=1e-3, atol=1e-3 * max(scale, 1e-6))
