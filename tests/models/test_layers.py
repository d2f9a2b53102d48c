"""Names of layers, and the tensors that they mean."""

import pytest
from torch import Tensor, nn

from invis.errors import InvisError
from invis.models.layers import find_layer, layers
from invis.models.own import wrap
from invis.models.zoo import architecture


def test_vgg_has_the_papers_names_with_dotted_aliases() -> None:
    model = architecture("vgg19_bn")
    table = layers(model)
    assert [layer.layer for layer in table][:5] == [
        "conv1_1",
        "conv1_2",
        "conv2_1",
        "conv2_2",
        "conv3_1",
    ]
    assert table[4].alias == "features.14" and table[4].channels == 256
    assert table[4].tensor == "output of batch norm features.15 behind features.14"
    assert find_layer(model, "features.14") == table[4] == find_layer(model, "conv3_1")
    raw = find_layer(model, "conv3_1", raw=True)
    assert raw.tensor == "output of features.14, in front of batch norm features.15"


def test_resnet_lists_convolutions_and_block_sums_in_order() -> None:
    model = architecture("resnet50")
    table = layers(model)
    names = [layer.layer for layer in table]
    assert len(names) == 53 + 16
    assert names[:3] == ["conv1", "layer1.0.conv1", "layer1.0.conv2"]
    assert names.index("layer1.0.conv3") < names.index("layer1.0") < names.index("layer1.1.conv1")
    block = table[names.index("layer1.0")]
    assert block.tensor == "sum in layer1.0, in front of its last ReLU"
    assert (block.channels, block.receptive_field, block.stride) == (256, 19, 4)
    assert find_layer(model, "layer1").node == table[names.index("layer1.2")].node


def test_other_modules_mean_their_output() -> None:
    model = architecture("resnet18")
    pool = find_layer(model, "maxpool")
    assert pool.tensor == "output of maxpool" and pool.channels == 64 and pool.stride == 4
    assert find_layer(model, "fc").channels == 1000


@pytest.mark.parametrize(
    ("name", "layer", "near"),
    [("vgg16", "conv3_9", "conv3_3"), ("resnet18", "layer1.0.conv9", r"layer1\.0\.conv")],
)
def test_unknown_layers_are_refused_with_the_nearest(name: str, layer: str, near: str) -> None:
    with pytest.raises(InvisError, match=f"layer '{layer}' does not exist in {name}: .*{near}"):
        find_layer(architecture(name), layer)


def test_modules_that_run_several_times_are_refused() -> None:
    with pytest.raises(InvisError, match=r"'layer1.0.relu' of resnet18 runs 2 times"):
        find_layer(architecture("resnet18"), "layer1.0.relu")


def test_ground_truth_lists_its_units() -> None:
    table = layers(architecture("truth"))
    assert [layer.layer for layer in table][:2] == ["simple_cell", "complex_cell"]
    assert {layer.channels for layer in table} == {1}
    assert {layer.receptive_field for layer in table} == {24}


class Small(nn.Module):
    """Its classifier only fits images of 8 x 8."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.head = nn.Linear(4 * 64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stem(x).relu().flatten(1))


def test_layers_in_front_of_a_misfit_still_work() -> None:
    model = wrap(Small(), input_size=12)
    assert [layer.layer for layer in layers(model)] == ["stem"]
    with pytest.raises(InvisError, match=r"'head' of Small has no value for .* 12 x 12"):
        find_layer(model, "head")
    assert find_layer(wrap(Small(), input_size=8), "head").channels == 10
