"""`invis stitch`: its page, its JSON, and what it refuses."""

import json

import numpy as np
import pytest
from PIL import Image

from invis.cli import cli
from invis.cli.stitch import stitch
from tests.cli.conftest import is_one_sentence

QUICK = ("--encoders", "mlp,autoencoder", "--seeds", "1", "--limit", "200", "--anchors", "40")


@pytest.fixture(autouse=True)
def ready(tmp_path, monkeypatch):
    monkeypatch.setenv("INVIS_CACHE", str(tmp_path / "cache"))
    if "stitch" not in cli.commands:
        cli.add_command(stitch)


def test_json_is_a_list_with_these_keys(invis, tmp_path):
    done = invis("stitch", *QUICK, "--task", "both", "--json", "--out", tmp_path / "out")
    assert done.returncode == 0 and done.stderr == ""
    rows = json.loads(done.stdout)
    keys = ["method", "similarity", "aggregation", "anchors", "encoder", "decoder", "task"]
    assert all(list(row) == [*keys, "score", "index", "null"] for row in rows)
    assert len(rows) == 2 * 13 * 4
    assert {row["method"] for row in rows if row["null"]} == {
        "absolute", "shuffled anchors", "untrained encoder",
    }  # fmt: skip
    assert {row["anchors"] for row in rows} == {40}
    lines = (tmp_path / "out" / "stitching.csv").read_text().splitlines()
    assert len(lines) == 1 + len(rows) and lines[0].startswith("method,similarity")
    assert "Plotly.newPlot" in (tmp_path / "out" / "stitching.html").read_text()


def test_the_table_has_the_nulls_in_it(invis):
    done = invis("stitch", *QUICK, "--similarities", "cosine,l1", "--sweep", "10,40")
    assert done.returncode == 0
    for name in ("cosine", "product, sum", "orthogonal", "absolute (null)", "untrained encoder"):
        assert name in done.stdout
    assert "out/digits-stitching/stitching.html" in done.stdout


def test_a_folder_of_images_and_the_zoo(invis, tmp_path):
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for name, level in (("dark", 60), ("light", 190)):
            folder = tmp_path / "images" / part / name
            folder.mkdir(parents=True)
            for i in range(12):
                pixels = rng.normal(level, 25, (16, 16, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
    done = invis(
        "stitch", "--data", tmp_path / "images", "--seeds", "1", "--anchors", "16", "--json",
        "--encoders", "minivgg@none:0,minivgg@none:1/conv2_2",
    )  # fmt: skip
    assert done.returncode == 0
    rows = json.loads(done.stdout)
    empty = [row for row in rows if row["score"] is None]
    assert [row["method"] for row in empty] == ["absolute", "absolute"]
    assert all("dimensions" in row["reason"] for row in empty)
    own = [row for row in rows if row["encoder"] == row["decoder"] and row["method"] == "relative"]
    assert min(row["score"] for row in own) > 0.9


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("--data", "nosuch"), "neither 'digits' nor a folder"),
        (("--encoders", "mlp"), "at least two are needed"),
        (("--encoders", "mlp,mpl"), "encoder 'mpl' is neither"),
        (("--anchors", "5000"), "anchors 5000 is too many"),
        (("--anchors", "1"), "--anchors 1 is out of range: use 2 to"),
        (("--similarities", "cosin"), "did you mean cosine"),
        (("--sweep", "8,x"), "--sweep '8,x' is no list of numbers from 2 on"),
        (("--seeds", "0"), "--seeds 0 is out of range"),
        (("--limit", "0"), "--limit 0 is out of range"),
    ],
)
def test_bad_input_is_one_sentence(invis, args, sentence, tmp_path):
    done = invis("stitch", *args)
    assert is_one_sentence(done)
    assert sentence in done.stderr
    assert not (tmp_path / "out" / "digits-stitching" / "stitching.html").exists()


@pytest.mark.parametrize("option", ["width", "limit"])
@pytest.mark.parametrize("value", [0, -1])
def test_numbers_below_one_are_named_as_they_were_given(invis, option, value):
    done = invis("stitch", f"--{option}", value)
    assert is_one_sentence(done) and f"--{option} {value} is out of range" in done.stderr
