"""Weights from files: hash, partial dicts, and files that are something else."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from invis.errors import InvisError
from invis.models.weights import fit_weights, read_weights, weights_hash


def net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))


def test_the_hash_depends_on_every_key_type_shape_and_number() -> None:
    state: dict[str, Tensor] = {"a": torch.arange(4.0), "b": torch.zeros(0), "c": torch.tensor(7)}
    first = weights_hash(state)
    assert len(first) == 12 and int(first, 16) >= 0
    assert weights_hash(dict(reversed(state.items()))) == first
    changed = [
        state | {"a": torch.tensor([0.0, 1.0, 2.0, 4.0])},
        state | {"a": torch.arange(4.0).reshape(2, 2)},
        state | {"a": torch.arange(4.0).half()},
        state | {"c": torch.tensor(8)},
        state | {"d": torch.tensor(7)},
        {"a": state["a"], "b": state["b"], "d": state["c"]},
    ]
    assert len({first, *(weights_hash(other) for other in changed)}) == 7


def test_the_hash_ignores_how_a_tensor_lies_in_memory() -> None:
    x = torch.randn(3, 5)
    assert weights_hash({"x": x}) == weights_hash({"x": x.T.contiguous().T})


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "wrapped.pt", "parallel.pt"])
def test_every_format_gives_the_same_state(tmp_path: Path, name: str) -> None:
    state = net().state_dict()
    path = tmp_path / name
    if name == "w.safetensors":
        save_file(state, path)
    elif name == "wrapped.pt":
        torch.save({"state_dict": state}, path)
    elif name == "parallel.pt":
        torch.save({f"module.{key}": value for key, value in state.items()}, path)
    else:
        torch.save(state, path)
    assert weights_hash(read_weights(path)) == weights_hash(state)


def test_files_that_are_no_weights_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "README.md"
    text.write_text("# Not weights\n")
    (tmp_path / "broken.safetensors").write_bytes(b"\0" * 40)
    torch.save({"epoch": 3, "w": torch.ones(1)}, tmp_path / "checkpoint.pt")
    torch.save(net(), tmp_path / "module.pt")
    for name in ("README.md", "broken.safetensors", "checkpoint.pt", "module.pt"):
        with pytest.raises(InvisError, match=f"weights .*{name}"):
            read_weights(tmp_path / name)
    with pytest.raises(InvisError, match=r"nothing\.pt' does not exist"):
        read_weights(tmp_path / "nothing.pt")


def test_what_a_partial_file_lacks_becomes_nan_and_is_named() -> None:
    module = net()
    state = {key: value for key, value in net().state_dict().items() if not key.startswith("2.")}
    missing = fit_weights(module, state, "w.pt", "net")
    assert missing == ["2.weight", "2.bias"]
    assert torch.equal(module[0].weight, state["0.weight"])
    assert module(torch.randn(2, 3, 5, 5)).isnan().all()


def test_half_precision_becomes_single() -> None:
    module = net()
    fit_weights(module, {k: v.half() for k, v in net().state_dict().items()}, "w", "net")
    assert {p.dtype for p in module.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"0.weight": torch.zeros(5, 3, 3, 3)}, r"0.weight has shape \(5, 3, 3, 3\), not \(4, 3"),
        ({"0.weight": torch.zeros(4, 3, 3, 3), "7.bias": torch.zeros(1)}, "it has no 7.bias"),
        ({"conv.weight": torch.zeros(4, 3, 3, 3)}, r"it has no conv\.weight"),
    ],
)
def test_weights_of_another_architecture_are_refused(state: dict[str, Tensor], why: str) -> None:
    with pytest.raises(InvisError, match=f"'w.pt' are of another architecture than net .*{why}"):
        fit_weights(net(), state, "w.pt", "net")


def test_an_empty_file_of_safetensors_is_told(tmp_path: Path) -> None:
    save_file({}, tmp_path / "none.safetensors")
    with pytest.raises(InvisError, match="hold no state dict"):
        read_weights(tmp_path / "none.safetensors")


def test_parallel_prefixes_are_removed_from_safetensors_too(tmp_path: Path) -> None:
    save_file({"module.a": torch.ones(2)}, tmp_path / "p.safetensors")
    assert list(read_weights(tmp_path / "p.safetensors")) == ["a"]


@pytest.mark.parametrize("odd", [torch.ones(2, 2).to_sparse(), torch.empty(2, device="meta")])
def test_tensors_without_their_numbers_are_refused(odd: Tensor, tmp_path: Path) -> None:
    torch.save({"a": odd}, tmp_path / "odd.pt")
    with pytest.raises(InvisError, match="hold more than plain tensors"):
        read_weights(tmp_path / "odd.pt")


def test_numbers_of_another_kind_are_refused() -> None:
    state = {key: value.to(torch.complex64) for key, value in net().state_dict().items()}
    with pytest.raises(InvisError, match=r"as torch\.complex64: give them as torch\.float32"):
        fit_weights(net(), state, "w", "net")


def test_a_folder_is_no_weights_file(tmp_path: Path) -> None:
    with pytest.raises(InvisError, match="is a folder, not a file"):
        read_weights(tmp_path)
