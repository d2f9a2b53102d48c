"""Every network of torchvision, untrained: units of a layer in its middle are the full model's."""

import pytest
import torch
from torchvision import models

from invis.models.layers import layers
from invis.models.unit import units_of
from invis.models.zoo import load_model

NAMES = models.list_models(module=models)


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
