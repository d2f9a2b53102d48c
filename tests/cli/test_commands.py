"""The smaller commands and the ways in which streams end."""

import json
import math
import os
import pty
import subprocess
from pathlib import Path

import numpy as np
import pytest

from invis.cli.output import plain, search_record, table
from invis.search import save
from invis.search.result import FORMAT
from tests.cli.conftest import ENVIRONMENT, UNIT, command, is_one_sentence
from tests.synthetic import complex_cell_result


def test_units_of_vgg19(invis):
    done = invis("units", "vgg19", "--json")
    rows = json.loads(done.stdout)
    assert [row["layer"] for row in rows][:3] == ["conv1_1", "conv1_2", "conv2_1"]
    assert set(rows[0]) == {"layer", "alias", "channels", "receptive_field", "stride"}
    assert rows[8] == {
        "layer": "conv4_1",
        "alias": "features.19",
        "channels": 512,
        "receptive_field": 68,
        "stride": 8,
    }
    assert "the value meant" in invis("units", "vgg19").stdout


def test_units_of_an_unknown_model(invis):
    done = invis("units", "vgg17")
    assert is_one_sentence(done) and "vgg16" in done.stderr


@pytest.mark.parametrize("model", ["minivgg@nosuch", "vgg16@nosuch", "truth@nosuch"])
def test_layers_of_weights_that_do_not_exist_are_refused(invis, model):
    done = invis("units", model)
    assert done.returncode == 2 and "'nosuch'" in done.stderr
    assert "Traceback" not in done.stderr


def test_models(invis):
    rows = {row["name"]: row for row in json.loads(invis("models", "--json").stdout)}
    assert rows["vgg16"]["source"] == "torchvision" and rows["vgg16"]["layers"] == 13
    assert rows["truth"]["available_offline"] is True
    assert rows["minivgg"]["source"] == "embedded"


@pytest.mark.slow
def test_layer_counts_that_ship_are_true():
    from invis import data_path
    from invis.models.catalogue import shipped_counts

    # `python -m invis.models.catalogue` writes the file anew.
    assert json.loads(data_path("layers.json").read_text()) == shipped_counts()


@pytest.mark.parametrize("args", [["models"], ["models", "--json"], ["--help"]])
def test_a_closed_pipe_ends_quietly(args):
    running = subprocess.Popen(
        command(*args),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    running.stdout.close()
    with running.stderr:
        said = running.stderr.read()
    assert running.wait(timeout=600) == 0
    assert said == b""


def test_a_terminal_sees_a_bar(tmp_path):
    mine, its = pty.openpty()
    running = subprocess.Popen(
        command("search", UNIT, "--images", "2", "--json"),
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=its,
        text=True,
    )
    os.close(its)
    seen = b""
    while True:
        try:
            part = os.read(mine, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    out, _ = running.communicate(timeout=600)
    assert b"% |" in seen
    assert len(json.loads(out)) == 1


def test_show_refuses_what_is_no_result(invis, tmp_path):
    assert is_one_sentence(invis("show", "nosuch"))
    (tmp_path / "empty").mkdir()
    assert is_one_sentence(invis("show", "empty"))
    (tmp_path / "text.nc").write_text("no result")
    assert is_one_sentence(invis("show", "text.nc"))


@pytest.fixture
def saved(tmp_path):
    """Two results a and b in folders of their own, beside a broken one."""
    for name in ("a.0", "b"):
        (tmp_path / "found" / name).mkdir(parents=True)
        ds = complex_cell_result(size=5, images=2, address=f"m/l/{name}", format=FORMAT)
        save(ds, tmp_path / "found" / name / "result.nc")
    (tmp_path / "found" / "broken").mkdir()
    (tmp_path / "found" / "broken" / "result.nc").write_text("no result")


def test_show_leaves_out_what_is_unreadable_in_a_folder(invis, saved, tmp_path):
    done = invis("show", "found")
    assert done.returncode == 0 and "Gallery of 2 results" in done.stdout
    (line,) = done.stderr.splitlines()
    assert "broken/result.nc" in line
    refused = invis("show", "found/broken")
    assert refused.returncode == 2 and "without any readable" in refused.stderr
    assert not (tmp_path / "out" / "broken.html").exists()


@pytest.mark.parametrize("result", ["found/a.0", "found/a.0/result.nc"])
def test_show_names_the_page_after_the_folder(invis, saved, tmp_path, result):
    assert invis("show", result).returncode == 0
    assert [page.name for page in (tmp_path / "out").iterdir()] == ["a.0.html"]


def test_show_overwrites_nothing_but_pages(invis, saved, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert is_one_sentence(invis("show", "found/b", "--out", "notes.txt"))
    assert is_one_sentence(invis("compare", "found/b", "found/b", "--out", "notes.txt"))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_train_and_evaluate_refuse_missing_data(invis):
    assert is_one_sentence(invis("train", "minivgg", "--data", "nosuch", "--out", "out"))
    assert is_one_sentence(invis("train", "nosuch", "--data", "nosuch", "--out", "out"))
    assert is_one_sentence(invis("evaluate", "minivgg@none", "--data", "nosuch"))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("index", math.nan, None),
        ("index", np.float32(1.5), 1.5),
        ("converged", np.int64(1), True),
        ("dead", 0, False),
        ("steps", np.float64(30), 30),
        ("address", "", None),
        ("beta", -math.inf, None),
    ],
)
def test_attributes_as_json(key, value, expected):
    shown = plain(key, value)
    assert shown == expected and type(shown) is type(expected)


def test_a_record_without_an_index_tells_why():
    ds = complex_cell_result(index=math.nan, index_reason="beta is 1.2")
    record = search_record(ds, "out")
    assert record["index"] is None and record["index_reason"] == "beta is 1.2"
    json.dumps(record, allow_nan=False)


def test_tables_line_up():
    lines = table(["name", "n"], [["a", "1"], ["long name", "10"]], right=(1,)).splitlines()
    assert lines[1] == "a           1" and lines[2] == "long name  10"


def test_training_with_a_negative_seed_is_one_sentence(invis):
    done = invis("train", "minivgg", "--data", ".", "--out", "out", "--seed", "-1")
    assert is_one_sentence(done) and "--seed -1 is out of range" in done.stderr


@pytest.mark.parametrize("command", ["show", "morph", "trajectory", "probe"])
def test_a_name_that_no_disk_takes_is_one_sentence(invis, command):
    assert is_one_sentence(invis(command, "a" * 300))


@pytest.mark.parametrize(
    "args", [["probe", "nosuch/conv1_1/0"], ["trajectory", "nosuch"], ["stitch", "--width", "0"]]
)
def test_bad_input_leaves_no_folder_behind(invis, args):
    assert is_one_sentence(invis(*args))
    assert not Path("out").exists()
