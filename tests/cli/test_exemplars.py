"""`invis exemplars` on a folder of pictures."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import numpy as np
import pytest
from PIL import Image

from invis import save
from invis.probe.exemplars_result import load_exemplars
from tests.cli.conftest import ENVIRONMENT, command, is_one_sentence
from tests.synthetic import complex_cell_result

UNIT = "minivgg/conv1_2/3"


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(3):
        pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"p{k}.png")
    (folder / "broken.jpg").write_text("no picture")
    return folder


def test_files_and_words(invis, pictures, tmp_path):
    done = invis("exemplars", UNIT, "--data", pictures, "--count", 4)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out" / "minivgg-conv1_2-3-exemplars"
    assert sorted(p.name for p in folder.iterdir()) == ["exemplars.html", "exemplars.nc"]
    found = load_exemplars(folder / "exemplars.nc")
    assert found.sizes["exemplar"] == 4
    for path in found["path"].values:
        assert str(path) in done.stdout
    assert "broken.jpg: it is no picture" in done.stdout
    assert "a random one" in done.stdout


def test_json_of_many_units(invis, pictures):
    done = invis("exemplars", "minivgg/conv1_2/3,5", "--data", pictures, "--json", "--out", "here")
    assert done.returncode == 0, done.stderr
    records = json.loads(done.stdout)
    assert [r["address"] for r in records] == [UNIT, "minivgg/conv1_2/5"]
    for record in records:
        assert len(record["exemplars"]) == 6
        assert record["pictures"] == 3
        assert record["skipped"] == ["broken.jpg: it is no picture"]
        responses = [crop["response"] for crop in record["exemplars"]]
        assert responses == sorted(responses, reverse=True)
        assert record["random_fraction_median"] < record["exemplars"][-1]["fraction"]


def test_a_folder_that_cannot_be_written_is_told_before_the_work(invis, pictures, tmp_path):
    (tmp_path / "file").write_text("")
    done = invis("exemplars", UNIT, "--data", pictures, "--out", "file/below")
    assert is_one_sentence(done), done
    assert "file/below" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([UNIT, "--data", "none"], "does not exist"),
        ([UNIT, "--data", "."], "no picture"),
        ([UNIT, "--data", "pictures", "--count", "0"], "--count 0 is out of range"),
        (["minivgg/nothing/3", "--data", "pictures"], "nothing"),
        (["minivgg/conv1_2/3,5", "--data", "pictures", "--set", "saved.nc"], "names 2"),
        ([UNIT, "--data", "pictures", "--set", "x.nc"], "x.nc"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_folder(invis, pictures, tmp_path, arguments, said):
    if arguments[2] == ".":
        for picture in pictures.glob("*.png"):
            picture.unlink()
    if "saved.nc" in arguments:
        save(complex_cell_result(), tmp_path / "saved.nc")
    done = invis("exemplars", *arguments)
    assert is_one_sentence(done), done
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_found(pictures, tmp_path):
    # So many that no machine is through with them when it is interrupted.
    for k in range(30_000):
        (pictures / f"copy{k:05d}.png").hardlink_to(pictures / "p0.png")
    line = command("exemplars", UNIT, "--data", pictures, "--out", tmp_path / "kept")
    process = subprocess.Popen(line, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    time.sleep(5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    if "kept in" in said:
        found = load_exemplars(tmp_path / "kept" / "exemplars.nc")
        assert 0 < found.attrs["pictures"] < 30_003
