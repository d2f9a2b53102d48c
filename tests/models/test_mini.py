import pytest
import torch
from torch import nn

from invis.errors import InvisError
from invis.models import mini


def trained_looking(arch: str) -> nn.Module:
    """A training network whose batch norms are far from the identity, as after training."""
    torch.manual_seed(0)
    net = mini.build_training(arch)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, -1.5, 1.5)
            nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.2, 3)
    return net


@pytest.mark.parametrize("arch", mini.ARCHITECTURES)
def test_exported_network_equals_training_network_in_evaluation_mode(arch):
    net = trained_looking(arch)
    exported = mini.export(arch, net)
    x = torch.randn(4, 3, *mini.INPUT_SIZE)
    with torch.no_grad():
        expected = net.eval()(x)
        assert (exported(x) - expected).abs().max() < 1e-3 * expected.abs().max()


def test_export_leaves_the_training_network_as_it_was():
    net = trained_looking("minivgg")
    before = {key: value.clone() for key, value in net.state_dict().items()}
    mini.export("minivgg", net)
    assert net.training
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


def test_minivgg_has_batch_norm_only_while_training():
    def norms(net: nn.Module) -> int:
        return sum(isinstance(module, nn.BatchNorm2d) for module in net.modules())

    assert norms(mini.build("minivgg")) == 0
    assert norms(mini.build_training("minivgg")) == 8


def test_minivgg_names_its_convolutions_as_the_papers_do():
    convolutions = [n for n, m in mini.build("minivgg").named_modules() if isinstance(m, nn.Conv2d)]
    assert convolutions == [f"conv{stage}_{i}" for stage in (1, 2, 3, 4) for i in (1, 2)]


def test_miniresnet_names_are_a_subset_of_torchvision_resnet50():
    from torchvision.models import resnet50

    with torch.device("meta"):
        theirs = set(resnet50().state_dict())
    assert set(mini.build("miniresnet").state_dict()) <= theirs


@pytest.mark.parametrize("arch", mini.ARCHITECTURES)
def test_fp16_weights_fit_into_4_megabytes(arch):
    values = sum(value.numel() for value in mini.build(arch).state_dict().values())
    assert 2 * values < 4e6


@pytest.mark.parametrize("arch", mini.ARCHITECTURES)
def test_built_network_is_ready_for_evaluation_and_separates_100_classes(arch):
    net = mini.build(arch)
    assert not net.training
    assert net(torch.zeros(1, 3, *mini.INPUT_SIZE)).shape == (1, mini.CLASSES)


def test_unknown_architecture_is_refused_by_name():
    with pytest.raises(InvisError, match=r"'maxivgg'.*minivgg and miniresnet"):
        mini.build("maxivgg")
