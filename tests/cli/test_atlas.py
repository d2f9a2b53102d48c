"""`invis atlas` from the outside."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import is_one_sentence

FAST = ["--images", 2, "--device", "cpu"]


@pytest.fixture
def swept(invis):
    done = invis("sweep", "minivgg@none:0/conv1_1", "--store", "one", "--units", "0-3", *FAST)
    assert done.returncode == 0, done.stderr
    return Path("one")


def test_info_tells_layers_units_and_indices(invis, swept):
    done = invis("atlas", "info", swept)
    assert "untrained, seed 0" in done.stdout and "4/16" in done.stdout
    assert done.stdout.endswith("4 finished units in 1 layers\n")
    (row,) = json.loads(invis("atlas", "info", swept, "--json").stdout)
    assert (row["model"], row["layer"], row["done"], row["failed"]) == ("minivgg", "conv1_1", 4, 0)
    # Units of the first layer are linear.
    assert 0.9 < row["index_median"] <= row["index_max"] < 1.001


def test_verify_ends_with_1_where_a_unit_is_damaged(invis, swept):
    done = invis("atlas", "verify", swept)
    assert (done.returncode, done.stdout) == (0, "4 finished units in 1 layers: clean\n")
    (file,) = swept.rglob("c.2.0.0.0.0")
    file.write_bytes(file.read_bytes()[:-3])
    done = invis("atlas", "verify", swept, "--repair")
    assert done.returncode == 1 and "1 damaged" in done.stdout and "/2: " in done.stdout
    again = invis(
        "sweep", "minivgg@none:0/conv1_1", "--store", swept, "--units", "0-3", *FAST, "--json"
    )
    assert json.loads(again.stdout)[0]["before"] == 3
    (told,) = json.loads(invis("atlas", "verify", swept, "--json").stdout)
    assert (told["units"], told["damaged"]) == (4, {})


def test_units_are_probed_once_and_the_site_tells_it(invis, swept):
    done = invis("atlas", "probe", swept, "--device", "cpu")
    assert done.stdout.endswith("4 of 4 units are probed\n"), done.stderr
    notes = {file: file.stat().st_mtime_ns for file in swept.rglob("probe/*.json")}
    assert len(notes) == 4
    invis("atlas", "probe", swept, "--layers", "conv1_1")
    assert notes == {file: file.stat().st_mtime_ns for file in swept.rglob("probe/*.json")}
    invis("atlas", "export", swept, "--out", "site")
    table = Path("site/units.csv").read_text()
    assert "probe_sentence" in table.splitlines()[0]
    (page,) = Path("site/layers").iterdir()
    assert page.read_text().count("nothing claimed") == 4
    assert is_one_sentence(invis("atlas", "probe", swept, "--layers", "conv9"))


def test_merge_then_export(invis, swept):
    invis("sweep", "minivgg@none:0/conv1_1", "--store", "two", "--units", "2-5", *FAST)
    assert invis("atlas", "merge", "all", "one", "two").stdout.startswith("6 units taken, 2 were")
    done = invis("atlas", "export", "all", "--out", "site", "--with-store")
    assert done.stdout == f"Site of 6 units: {Path('site/index.html')}\n"
    assert len(list(Path("site/units").glob("*.png"))) == 6
    assert "consolidated_metadata" in json.loads(Path("site/atlas.zarr/zarr.json").read_text())


@pytest.mark.parametrize(
    "args",
    [
        ("info", "nowhere"),
        ("verify", "nowhere"),
        ("merge", "all", "nowhere"),
        ("export", "nowhere", "--out", "site"),
        ("info", "notes"),
        ("info", "notes/mine.txt"),
    ],
)
def test_what_is_no_atlas_is_one_sentence(invis, args):
    Path("notes").mkdir()
    Path("notes/mine.txt").write_text("mine")
    assert is_one_sentence(invis("atlas", *args))
    assert not Path("all").exists()


@pytest.mark.parametrize("args", [["verify", "typo", "--repair"], ["probe", "typo"]])
def test_an_atlas_that_is_not_there_is_not_made(invis, args):
    assert is_one_sentence(invis("atlas", *args))
    assert not Path("typo").exists()
