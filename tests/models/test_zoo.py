"""Networks by name."""

import re
import socket
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import get_model

from invis.errors import InvisError
from invis.models.layers import layers
from invis.models.sources import EMBEDDED, choose, preprocessing, shipped
from invis.models.zoo import architecture, load_model, model_names


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No network, and an empty place for downloads."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise URLError(socket.gaierror("no network"))

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(torch.hub, "urlopen", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    return tmp_path


def test_names_start_with_what_works_offline() -> None:
    names = model_names()
    assert names[:3] == ["truth", "minivgg", "miniresnet"]
    assert {"vgg11", "vgg19_bn", "resnet18", "resnext50_32x4d", "wide_resnet50_2"} <= set(names)
    assert {"alexnet", "densenet121", "vit_b_16"} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "near"), [("vgg61", "vgg16"), ("VGG16", "vgg16"), ("nosuch", "minivgg")]
)
def test_unknown_models_are_refused_with_known_ones(name: str, near: str) -> None:
    with pytest.raises(InvisError, match=f"model '{name}' does not exist: .*{near}"):
        load_model(name)


def test_untrained_controls_follow_their_seed_and_leave_the_global_one_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = load_model("resnet18", "none:3")
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(6)
    again = load_model("resnet18@none:3")
    assert first.weights == again.weights == "none:3"
    assert first.weights_hash == again.weights_hash != load_model("resnet18", "none").weights_hash
    assert load_model("resnet18", "none").weights == "none:0"
    assert not first.module.training
    assert not any(p.requires_grad for p in first.module.parameters())


def test_untrained_controls_are_initialised_as_torchvision_does() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        own = get_model("resnet18", weights=None)
    model = load_model("resnet18", "none:3")
    for key, value in own.state_dict().items():
        assert torch.equal(model.module.state_dict()[key], value)


def test_a_failed_download_names_what_works_offline(offline: Path) -> None:
    with pytest.raises(InvisError) as error:
        load_model("vgg16")
    for word in ("IMAGENET1K_V1 of vgg16", "truth", "--weights none", "URLError"):
        assert word in str(error.value)
    for name in EMBEDDED:
        assert (name in str(error.value)) == (shipped(name) is not None)
    assert "\n" not in str(error.value)


def test_a_downloaded_checkpoint_needs_no_network(offline: Path) -> None:
    state = get_model("squeezenet1_1", weights=None).state_dict()
    path = offline / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    path.parent.mkdir()
    torch.save(state, path)
    model = load_model("squeezenet1_1")
    assert model.weights == "IMAGENET1K_V1" and model.address == "squeezenet1_1"
    assert torch.equal(model.module.state_dict()["features.0.weight"], state["features.0.weight"])


def test_vggs_and_resnets_default_to_the_first_weights_others_to_the_best() -> None:
    assert choose("resnet50", None).name == "IMAGENET1K_V1"
    assert choose("mobilenet_v2", None).name == "IMAGENET1K_V2"
    with pytest.raises(InvisError, match=r"'IMAGENET1K_V9' of resnet50 do not exist: .*1K_V2"):
        load_model("resnet50", "IMAGENET1K_V9")


def test_preprocessing_is_that_of_the_weights() -> None:
    model = architecture("inception_v3")
    assert model.input_size == (299, 299) and model.channels == 3
    assert preprocessing("regnet_y_16gf", "IMAGENET1K_V1")[2] == (224, 224)
    assert preprocessing("regnet_y_16gf", "IMAGENET1K_SWAG_E2E_V1")[2] == (384, 384)
    model = architecture("vgg16")
    assert model.input_size == (224, 224) and model.grey == (124.0, 116.0, 104.0)
    assert model.mean == (0.485, 0.456, 0.406) and model.std == (0.229, 0.224, 0.225)


def test_checkpoints_with_the_keys_of_older_torchvisions_load(tmp_path: Path) -> None:
    own = get_model("densenet121", weights=None).state_dict()
    older = {re.sub(r"(denselayer\d+\.(?:norm|conv))", r"\1.", key): v for key, v in own.items()}
    assert set(older) != set(own)
    torch.save(older, tmp_path / "dense.pth")
    model = load_model("densenet121", str(tmp_path / "dense.pth"))
    assert not model.missing
    assert all(torch.equal(value, own[key]) for key, value in model.module.state_dict().items())


def test_auxiliary_heads_of_a_checkpoint_are_left_out(tmp_path: Path) -> None:
    own = get_model("googlenet", weights=None, init_weights=False, aux_logits=True).state_dict()
    torch.save(own, tmp_path / "google.pth")
    model = load_model("googlenet", str(tmp_path / "google.pth"), layer="inception3a.branch1.conv")
    assert not model.missing and model.module.transform_input


def early_vgg(path: Path) -> Path:
    """A file with the first two convolutions of vgg11, in half precision."""
    early = {"features.0": nn.Conv2d(3, 64, 3), "features.3": nn.Conv2d(64, 128, 3)}
    state = {f"{k}.{name}": v for k, part in early.items() for name, v in part.state_dict().items()}
    save_file({key: value.half() for key, value in state.items()}, path)
    return path


def test_partial_files_serve_the_layers_that_they_cover(tmp_path: Path) -> None:
    path = early_vgg(tmp_path / "early.safetensors")
    model = load_model("vgg11", str(path), layer="conv2_1")
    assert model.note == "early.safetensors (4 of 22 tensors)"
    assert model.weights == model.weights_hash and model.address == f"vgg11@{model.weights_hash}"
    for layer in ("conv3_1", "features.8", "classifier.0"):
        with pytest.raises(InvisError, match=f"'{layer}' of vgg11 needs .*they end at conv2_1"):
            load_model("vgg11", str(path), layer=layer)


def test_a_hash_in_the_name_must_be_that_of_the_file(tmp_path: Path) -> None:
    path = str(early_vgg(tmp_path / "early.safetensors"))
    digest = load_model("vgg11", path).weights_hash
    assert load_model(f"vgg11@{digest[:8]}", path).weights_hash == digest
    with pytest.raises(InvisError, match=f"'deadbeef' .* hash is {digest}"):
        load_model("vgg11@deadbeef", path)


@pytest.mark.parametrize("weights", ["README.md", "nowhere.pt", "./dir/nowhere"])
def test_files_that_are_no_weights_are_refused(weights: str) -> None:
    with pytest.raises(InvisError, match=f"weights .*'{weights}'"):
        load_model("vgg16", weights)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    path = early_vgg(tmp_path / "early.safetensors")
    for name in ("vgg13_bn", "resnet18"):
        with pytest.raises(InvisError, match=f"another architecture than {name}"):
            load_model(name, str(path))


@pytest.mark.parametrize("weights", ["none:x", "none:-1", "none:"])
def test_seeds_that_are_no_numbers_are_refused(weights: str) -> None:
    with pytest.raises(InvisError, match=f"weights '{weights}' name no seed"):
        load_model("resnet18", weights)


def test_embedded_models_have_untrained_controls() -> None:
    model = load_model("minivgg", "none:2")
    assert model.input_size == (64, 64) and model.address == "minivgg@none:2"
    with pytest.raises(InvisError, match="'seed9' of minivgg do not exist: use default, seed1"):
        load_model("minivgg@seed9")


def test_the_ground_truth_takes_no_weights() -> None:
    model = load_model("truth")
    assert model.address == "truth" and model.grey == (128.0,) * 3
    with pytest.raises(InvisError, match="do not apply to truth"):
        load_model("truth", "none")


@pytest.mark.slow
@pytest.mark.parametrize("name", model_names())
def test_every_named_model_can_be_traced(name: str) -> None:
    assert layers(architecture(name))


def test_a_folder_of_the_same_name_hides_no_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_model("minivgg", "seed1").weights_hash
    (tmp_path / "seed1").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_model("minivgg@seed1").weights_hash == whole
