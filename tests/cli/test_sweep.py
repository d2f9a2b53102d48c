"""`invis sweep` from the outside."""

import json
import os
import signal
import subprocess
import time

import pytest

from invis.atlas.store import Atlas
from invis.errors import InvisError
from tests.cli.conftest import ENVIRONMENT, command, is_one_sentence

FAST = ["--images", 2, "--device", "cpu"]
PATTERN = "minivgg@none:0/conv1_1"


def test_sweep_then_again_then_json(invis, tmp_path):
    first = invis("sweep", PATTERN, "--store", "atlas", "--units", "0-2", *FAST)
    assert first.returncode == 0, first.stderr
    assert first.stdout == "3 of 3 units are in atlas.\n" and first.stderr == ""
    again = invis("sweep", PATTERN, "--store", "atlas", "--units", "0-3", *FAST, "--json")
    (row,) = json.loads(again.stdout)
    assert (row["total"], row["done"], row["before"], row["failures"]) == (4, 4, 3, {})


def test_a_dry_run_tells_time_and_size_and_writes_nothing(invis, tmp_path):
    done = invis("sweep", "minivgg/conv1_1..conv2_1", "--store", "atlas", *FAST, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "80 of 80 units to do" in done.stdout and "measured" in done.stdout
    assert list(tmp_path.iterdir()) == []
    told = invis("sweep", PATTERN, "--store", "atlas", *FAST, "--dry-run", "--json")
    (row,) = json.loads(told.stdout)
    assert row["todo"] == list(range(16)) and row["seconds"] > 0 and row["bytes"] > 0


@pytest.mark.parametrize(
    "args",
    [
        ["minivgg/conv9_9", "--store", "atlas"],
        ["minivgg/conv1_1", "--store", "atlas", "--units", "99"],
        ["minivgg/conv1_1", "--store", "atlas", "--units", "0-999"],
        ["minivgg/conv1_1", "--store", "atlas", "--workers", "0"],
        ["minivgg/conv1_1", "--store", "atlas", "--images", "1"],
        ["minivgg/conv1_1", "--store", "/proc/atlas", *FAST],
        ["minivgg/conv1_1", "--store", "file", *FAST],
        ["minivgg/conv1_1", "--store", "file", *FAST, "--dry-run"],
    ],
)
def test_bad_input_is_one_sentence(invis, tmp_path, args):
    (tmp_path / "file").write_text("not a store")
    assert is_one_sentence(invis("sweep", *args))


def finished(store):
    """How many units there are."""
    try:
        return sum(len(layer.done()) for layer in Atlas(str(store)).layers())
    except InvisError:
        return 0


def test_ctrl_c_keeps_what_was_finished(tmp_path):
    """As a terminal does it: every process of the group gets the signal."""
    process = subprocess.Popen(
        command("sweep", "minivgg@none:0/conv1_2..conv2_2", "--store", tmp_path / "atlas", *FAST),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not finished(tmp_path / "atlas") and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said and "the same command goes on" in said
