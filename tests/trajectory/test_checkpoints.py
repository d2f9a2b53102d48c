"""Folders of checkpoints that others wrote: formats, order, damage."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from invis.errors import InvisError
from invis.train.record import Recording
from invis.trajectory import gram, open_trajectory, pca


def network(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(7, 5))


def vector(state, names):
    return torch.cat([state[name].detach().reshape(-1) for name in names]).double().numpy()


def write(folder, kind, dtype=torch.float32, steps=(0, 5, 10, 200)):
    """Checkpoints whose names sort otherwise than their steps; returns the states by step."""
    folder.mkdir(exist_ok=True)
    states = {}
    for step in steps:
        state = network(step).state_dict()
        state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}
        states[step] = state
        if kind == "safetensors":
            save_file(state, folder / f"checkpoint_{step}.safetensors")
        elif kind == "state":
            torch.save(state, folder / f"net-{step}.pt")
        elif kind == "legacy":
            torch.save(state, folder / f"net-{step}.pt", _use_new_zipfile_serialization=False)
        else:
            whole = {"epoch": 3, "global_step": step, "state_dict": state, "lr": 0.1}
            torch.save(whole, folder / f"net-{step}.ckpt")
    return states


@pytest.mark.parametrize("kind", ["safetensors", "state", "legacy", "trainer"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_folders_are_read_in_the_order_of_steps(tmp_path, kind, dtype):
    states = write(tmp_path / "run", kind, dtype)
    source = open_trajectory(tmp_path / "run")
    assert source.steps.tolist() == [0, 5, 10, 200]
    assert source.dtype == dtype
    assert set(source.layout.names) == {
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
        "3.weight",
        "3.bias",
    }
    size = source.layout.parameters
    expected = np.array([vector(states[step], source.layout.names) for step in source.steps])
    np.testing.assert_array_equal(source.read(range(4), 0, size).double().numpy(), expected)
    np.testing.assert_array_equal(source.read([2], 50, 130).double().numpy(), expected[2:3, 50:130])


def test_mixed_types_are_widened(tmp_path):
    for step in (0, 1):
        state = {"a": torch.randn(10).half(), "b": torch.randn(6), "n": torch.arange(3)}
        save_file(state, tmp_path / f"step-{step}.safetensors")
    source = open_trajectory(tmp_path)
    assert source.dtype == torch.float32
    found = source.read([1], 0, 16)[0]
    np.testing.assert_array_equal(found.numpy(), vector(state, source.layout.names))


def test_record_of_a_training(tmp_path):
    """What `invis train --record` writes, found by the folder of the training itself."""
    net = nn.Linear(4, 3)
    recording = Recording(tmp_path / "record", 20, 10)
    for step in range(21):
        with torch.no_grad():
            net.weight.add_(torch.randn(3, 4))
        recording(step, net)
    source = open_trajectory(tmp_path)
    assert source.steps.tolist() == [0, 1, 2, 3, 4, 6, 8, 10, 11, 16, 20]
    np.testing.assert_allclose(
        source.read([10], 0, 15)[0].float(),
        vector(dict(net.named_parameters()), source.layout.names),
        rtol=1e-3,
    )
    assert pca(gram(source)).scores.shape == (11, 10)


@pytest.mark.parametrize("keep", [0, 5, 60, -10])
@pytest.mark.parametrize("kind", ["safetensors", "state"])
def test_damaged_file_is_left_out_with_a_warning(tmp_path, kind, keep):
    write(tmp_path, kind)
    last = next(path for path in tmp_path.iterdir() if "200" in path.name)
    last.write_bytes(last.read_bytes()[:keep])
    with pytest.warns(UserWarning, match="200"):
        source = open_trajectory(tmp_path)
    assert source.steps.tolist() == [0, 5, 10]


def test_file_without_a_step_is_left_out(tmp_path):
    write(tmp_path, "safetensors")
    save_file({"a": torch.ones(2)}, tmp_path / "final.safetensors")
    with pytest.warns(UserWarning, match="final"):
        assert len(open_trajectory(tmp_path).steps) == 4


def test_file_that_vanishes_is_told(tmp_path):
    write(tmp_path, "safetensors")
    source = open_trajectory(tmp_path)
    (tmp_path / "checkpoint_10.safetensors").unlink()
    with pytest.raises(InvisError, match="checkpoint_10"):
        gram(source)


class Evil:
    def __reduce__(self):
        return print, ("executed",)


def test_nothing_in_a_file_is_executed(tmp_path, capfd):
    torch.save({"w": torch.ones(2), "evil": Evil()}, tmp_path / "step-1.pt")
    with pytest.warns(UserWarning, match="step-1"), pytest.raises(InvisError, match="no readable"):
        open_trajectory(tmp_path)
    assert "executed" not in capfd.readouterr().out


def test_other_model_among_them_is_told(tmp_path):
    write(tmp_path, "safetensors")
    save_file({"0.weight": torch.ones(2)}, tmp_path / "checkpoint_300.safetensors")
    with pytest.raises(InvisError, match="not of one model"):
        open_trajectory(tmp_path)


def test_two_files_of_one_step_are_told(tmp_path):
    write(tmp_path, "safetensors")
    save_file(network(0).state_dict(), tmp_path / "again-5.safetensors")
    with pytest.raises(InvisError, match="5 comes after 5"):
        open_trajectory(tmp_path)


def test_paths_without_checkpoints_are_told(tmp_path):
    with pytest.raises(InvisError, match="no folder"):
        open_trajectory(tmp_path / "nothing")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InvisError, match="no folder"):
        open_trajectory(tmp_path / "notes.txt")
    with pytest.raises(InvisError, match="no readable"):
        open_trajectory(tmp_path)


@pytest.mark.parametrize("suffix", [".th", ".pth.tar"])
def test_names_and_prefixes_of_old_training_scripts_are_read(tmp_path, suffix):
    net = torch.nn.Linear(3, 2)
    for step in (1, 2):
        state = {f"module.{name}": step * value for name, value in net.state_dict().items()}
        torch.save({"state_dict": state, "epoch": step}, tmp_path / f"checkpoint{step}{suffix}")
    source = open_trajectory(tmp_path)
    assert source.layout.names == ("weight", "bias") and list(source.steps) == [1, 2]
    rows = source.read([0, 1], 0, 8)
    assert torch.equal(rows[1], 2 * rows[0])
