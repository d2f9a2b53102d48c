import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import invis.train
from invis.errors import InvisError
from invis.models import mini
from invis.train.checkpoint import CURRENT, PREVIOUS, load_checkpoint


def train(dataset: Path, out: Path, **options):
    return invis.train.run("minivgg", dataset, out, **options)


def same(a: Path, b: Path) -> bool:
    left, right = load_file(a), load_file(b)
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


@pytest.fixture(scope="module")
def snapshots(dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "run"
    return out, list(invis.train.train_steps("minivgg", dataset, out, 3, seed=5, record=True))


@pytest.fixture(scope="module")
def trained(snapshots):
    out, told = snapshots
    return out, told[-1].finished[0]


def test_snapshots_tell_of_steps_and_epochs(snapshots):
    _, told = snapshots
    # Of each epoch its one step and its end; then the card.
    assert [bool(one.entry) for one in told] == [False, True] * 3 + [False]
    assert [one.entry for one in told if one.entry] == told[-1].finished[0]["history"]
    shares = [one.fraction_done for one in told]
    assert shares == sorted(shares) and shares[-1] == 1
    assert told[0].summary == "epoch 1/3"


def test_training_writes_fp16_weights_that_load_and_a_card(trained):
    out, card = trained
    state = load_file(out / "minivgg.safetensors")
    assert {value.dtype for value in state.values()} == {torch.float16}
    mini.build("minivgg", classes=3).load_state_dict(state)
    assert json.loads((out / "card.json").read_text()) == card
    assert card["seed"] == 5 and len(card["history"]) == 3
    assert card["top1"] > 0.5


def test_evaluating_the_shipped_file_gives_the_accuracy_of_the_card(trained, dataset):
    out, card = trained
    net = mini.build("minivgg", classes=3)
    net.load_state_dict(load_file(out / "minivgg.safetensors"))
    found = invis.train.evaluate(net, dataset)
    assert found["top1"] == pytest.approx(card["top1"], abs=1e-4)


def test_same_seed_gives_the_same_weights_and_another_seed_others(trained, dataset, tmp_path):
    out, _ = trained
    train(dataset, tmp_path / "same", epochs=3, seed=5)
    train(dataset, tmp_path / "other", epochs=3, seed=6)
    assert same(out / "minivgg.safetensors", tmp_path / "same" / "minivgg.safetensors")
    assert not same(out / "minivgg.safetensors", tmp_path / "other" / "minivgg.safetensors")


def test_recording_holds_log_spaced_and_every_epoch_steps(trained):
    out, _ = trained
    # 180 images in batches of 128 are one step an epoch.
    names = sorted(path.name for path in (out / "record").iterdir())
    assert names == [f"step-{step:06d}.safetensors" for step in (0, 1, 2, 3)]
    first, last = load_file(out / "record" / names[0]), load_file(out / "record" / names[-1])
    assert not torch.equal(first["conv1_1.weight"], last["conv1_1.weight"])


KILLED_IN_EPOCH = """
import os, signal, sys
from invis.train import loop
step = loop._Trainer._step
def die_in_the_middle(self, *args):
    value = step(self, *args)
    if self.epoch == {epoch}:
        os.kill(os.getpid(), signal.SIGKILL)
    return value
if {epoch} >= 0:
    loop._Trainer._step = die_in_the_middle
loop.run("minivgg", {data!r}, {out!r}, epochs=3, seed=5)
"""


def test_kill_in_the_middle_of_an_epoch_then_the_same_command_ends_equal(
    trained, dataset, tmp_path
):
    whole, _ = trained
    out = tmp_path / "killed"

    def command(epoch: int) -> int:
        code = KILLED_IN_EPOCH.format(epoch=epoch, data=str(dataset), out=str(out))
        threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
        return subprocess.run([sys.executable, "-c", code], env=os.environ | threads).returncode

    assert command(2) == -signal.SIGKILL
    state = load_checkpoint(out)
    assert state is not None and state["epoch"] == 2
    assert not (out / "card.json").exists()
    assert command(-1) == 0
    card = json.loads((out / "card.json").read_text())
    assert [entry["epoch"] for entry in card["history"]] == [1, 2, 3]
    assert same(whole / "minivgg.safetensors", out / "minivgg.safetensors")


@pytest.mark.slow
def test_kill_at_any_moment_is_survived(dataset, tmp_path):
    out = tmp_path / "run"
    code = KILLED_IN_EPOCH.format(epoch=-1, data=str(dataset), out=str(out))
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", code])
        time.sleep(4.5)
        process.kill()
        process.wait()
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    card = json.loads((out / "card.json").read_text())
    assert [entry["epoch"] for entry in card["history"]] == [1, 2, 3]


def test_finished_training_is_not_trained_again(trained, dataset):
    out, card = trained
    again = train(dataset, out, epochs=3, seed=5)
    assert again["history"] == card["history"]
    assert again["weights_hash"] == card["weights_hash"]


def test_damaged_checkpoint_falls_back_to_the_one_before(dataset, tmp_path):
    train(dataset, tmp_path, epochs=2)
    content = (tmp_path / CURRENT).read_bytes()
    (tmp_path / CURRENT).write_bytes(content[: len(content) // 2])
    with pytest.warns(UserWarning, match="damaged"):
        state = load_checkpoint(tmp_path)
    assert state is not None and state["epoch"] == 1


def test_only_damaged_checkpoints_are_an_error_not_a_silent_restart(tmp_path):
    for name in (CURRENT, PREVIOUS):
        (tmp_path / name).write_bytes(b"damaged")
    with pytest.warns(UserWarning), pytest.raises(InvisError, match="can be read"):
        load_checkpoint(tmp_path)


def test_folder_of_a_training_with_another_seed_is_refused(trained, dataset):
    out, _ = trained
    with pytest.raises(InvisError, match="another seed"):
        train(dataset, out, epochs=3, seed=6)


def test_bad_arguments_are_told_in_one_sentence(dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvisError, match="epochs is 0"):
        train(dataset, tmp_path, epochs=0)
    with pytest.raises(InvisError, match="no such folder"):
        train(tmp_path / "nothing", tmp_path)
    with pytest.raises(InvisError, match="can't be written"):
        train(dataset, tmp_path / "file" / "out")
    with pytest.raises(InvisError, match="'nosuch'"):
        invis.train.run("nosuch", dataset, tmp_path)


def test_training_may_be_shortened_but_not_below_what_is_done(dataset, tmp_path):
    train(dataset, tmp_path, epochs=1)
    card = train(dataset, tmp_path, epochs=2)
    assert [(entry["epoch"], entry["of"]) for entry in card["history"]] == [(1, 1), (2, 2)]
    with pytest.raises(InvisError, match=r"epochs is 1, but .* holds 2 already"):
        train(dataset, tmp_path, epochs=1)
