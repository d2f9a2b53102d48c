"""Networks of torchvision, untrained: units of a layer in their middle are the full model's.

One of each family, as all of them take long: INVIS_ALL_NETWORKS=1 python -m pytest
tests/models/test_torchvision.py
"""

import os

import pytest
import torch
from torchvision import models

from invis.models.layers import layers
from invis.models.unit import units_of
from invis.models.zoo import load_model

FAMILIES = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet",
    "inception_v3", "maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small",
    "regnet_y_400mf", "resnet18", "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_0",
    "swin_t", "swin_v2_t", "vgg11_bn", "vit_b_16", "wide_resnet50_2",
)  # fmt: skip
NAMES = models.list_models(module=models) if os.environ.get("INVIS_ALL_NETWORKS") else FAMILIES


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_unit_in_the_middle_is_the_full_models_at_centre_and_corner(name: str) -> None:
    model = load_model(name, "none")
    table = layers(model)
    layer = table[len(table) // 2]
    rows = [0, layer.channels - 1]
    for position in ("center", (0, 0)):
        units = units_of(model, layer.layer, rows, position)
        colours, height, width = units.image_shape
        draw = torch.Generator().manual_seed(0)
        images = torch.randint(0, 256, (2, height, width, colours), generator=draw).byte()
        own = units.responses(
            images.permute(0, 3, 1, 2).float() - units.grey[:, None, None], torch.arange(2)
        )
        full = units.full_responses(images, [0, 1])
        scale = float(full.abs().max())
        assert scale > 0
        torch.testing.assert_close(own, full, rtol=1e-3, atol=1e-3 * scale)
