"""`invis morph` from a saved set and from an address."""

from __future__ import annotations

import json

import pytest
from PIL import Image

import invis as package
from invis.search.morph_result import load_morph
from tests.cli.conftest import is_one_sentence


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("set") / "result.nc"
    package.save(package.search("truth/simple_cell/0")[0], path)
    return path


def test_files_and_words(invis, saved, tmp_path):
    done = invis("morph", saved.parent, "--from", 1, "--to", 4, "--frames", 5)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out" / "truth-simple_cell-0-morph"
    assert sorted(p.name for p in folder.iterdir()) == ["morph.gif", "morph.html", "morph.nc"]
    found = load_morph(folder / "morph.nc")
    assert (found.attrs["first"], found.attrs["second"]) == (0, 3)
    with Image.open(folder / "morph.gif") as animation:
        assert animation.n_frames == 8
    assert "nothing to go around" in done.stdout
    assert "straight line" in done.stdout


def test_json_of_an_address(invis):
    done = invis("morph", "truth/polarity_cell/0", "--frames", 5, "--json", "--out", "here")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)
    assert record["address"] == "truth/polarity_cell/0"
    assert record["connected"] is True
    assert sorted(map(len, record["islands"])) == [4, 4]
    assert sorted(k for island in record["islands"] for k in island) == list(range(1, 9))
    assert {record["from"], record["to"]} < set(range(1, 9))
    assert len(record["fraction"]) == len(record["straight_fraction"]) == 5
    assert record["out"] == "here"


def test_loop_shows_every_image_and_ends_where_it_began(invis, saved):
    done = invis("morph", saved, "--loop", "--frames", 9, "--json", "--out", "here")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)
    assert record["from"] == record["to"] == record["order"][0] == record["order"][-1]
    assert sorted(record["order"][1:]) == list(range(1, 9))
    with Image.open("here/morph.gif") as animation:
        assert animation.n_frames == 8


def test_a_folder_that_cannot_be_written_is_told_before_the_work(invis, saved, tmp_path):
    (tmp_path / "file").write_text("")
    done = invis("morph", saved, "--out", "file/below")
    assert is_one_sentence(done), done
    assert "file/below" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.nc"], "none.nc"),
        (["."], "result.nc"),
        (["truth/simple_cell/0-3"], "several units"),
        (["truth/nothing/0"], "nothing"),
        (["SAVED", "--from", "9"], "--from 9"),
        (["SAVED", "--to", "0"], "--to 0"),
        (["SAVED", "--from", "1", "--to", "1"], "both 1"),
        (["SAVED", "--loop", "--from", "1"], "--loop"),
        (["SAVED", "--frames", "1"], "--frames 1 is out of range"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_folder(invis, saved, tmp_path, arguments, said):
    done = invis("morph", *[saved if a == "SAVED" else a for a in arguments])
    assert is_one_sentence(done), done
    assert said in done.stderr
    assert not (tmp_path / "out").exists()
