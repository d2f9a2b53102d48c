"""The networks that ship: what the model card says of them is so."""

import re
from statistics import median

import pytest
import torch
from safetensors import safe_open

from invis import data_path
from invis.models.zoo import load_model
from invis.search import search

FILES = {
    "minivgg": "minivgg", "minivgg@seed1": "minivgg-seed1",
    "miniresnet": "miniresnet", "miniresnet@seed1": "miniresnet-seed1",
}  # fmt: skip
LARGEST = 4_000_000


def card_row(address: str) -> list[str]:
    """The cells of the model card's row of a network."""
    card = data_path("models/README.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^\| `[^`]+` \| `{address}` \|.*$", card, re.M)
    return [cell.strip(" `") for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("address", FILES)
def test_the_card_names_the_file_its_size_and_its_hash(address):
    file, name, parameters, top1, top5, digest, seed, _ = card_row(address)
    path = data_path(f"models/{FILES[address]}.safetensors")
    model = load_model(address)
    assert (file, name) == (path.name, address)
    assert digest == model.weights_hash
    assert int(parameters.replace(",", "")) == sum(p.numel() for p in model.module.parameters())
    assert 0.45 <= float(top1) < float(top5) < 1
    assert seed == ("1" if "seed1" in address else "0")
    assert path.stat().st_size <= LARGEST


@pytest.mark.parametrize("address", FILES)
def test_the_files_hold_half_precision_and_finite_numbers(address):
    with safe_open(data_path(f"models/{FILES[address]}.safetensors"), "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    floats = [t for t in tensors.values() if t.is_floating_point()]
    assert {t.dtype for t in floats} == {torch.float16}
    assert all(torch.isfinite(t).all() for t in floats)


def test_seeds_are_different_networks_of_one_architecture():
    for arch in ("minivgg", "miniresnet"):
        first, second = load_model(arch).module, load_model(f"{arch}@seed1").module
        weights = list(zip(first.parameters(), second.parameters(), strict=True))
        assert all(a.shape == b.shape for a, b in weights)
        assert not torch.allclose(*weights[0], atol=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "sign"), [("conv1_2", -1), ("conv3_1", 1)])
def test_training_lowers_what_the_first_stage_ignores_and_raises_it_from_the_third(layer, sign):
    def index(model: str) -> float:
        return median(ds.attrs["index"] for ds in search(f"{model}/{layer}/0-15"))

    assert sign * (index("minivgg") - index("minivgg@none:0")) > 0.1
