"""`invis probe` from the outside."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import is_one_sentence

KEYS = [
    "address", "sentence", "names", "f1_f0", "frequency", "orientation", "grating_share",
    "explained",
]  # fmt: skip


def test_a_unit_gets_its_sentence_a_table_and_a_page(invis):
    done = invis("probe", "truth/complex_cell/0", "--device", "cpu", "--texture")
    assert done.returncode == 0, done.stderr
    assert "truth/complex_cell/0: phase-invariant grating, 0.13 c/px" in done.stdout
    told = re.search(r"all crops reach ([\d.]+) of .* \(a linear unit: ([\d.]+)\)", done.stdout)
    assert float(told[1]) > 0.75 > 0.6 > float(told[2])
    page = Path("out/truth-complex_cell-0-probes/probes.html")
    assert page.is_file() and done.stdout.endswith(f"Page: {page}\n")


def test_json_of_several_units_and_of_a_saved_result(invis):
    done = invis("probe", "minivgg/conv1_2/0-1", "--json", "--out", "here", "--device", "cpu")
    rows = json.loads(done.stdout)
    assert [row["address"] for row in rows] == ["minivgg/conv1_2/0", "minivgg/conv1_2/1"]
    assert all(list(row) == KEYS for row in rows)
    invis("search", "truth/hue_cell/0", "--out", "set", "--device", "cpu")
    (row,) = json.loads(invis("probe", "set/result.nc", "--json").stdout)
    assert row["names"] == ["hue"]


@pytest.mark.parametrize(
    "args",
    [
        ["minivgg/conv9_9/0"],
        ["nothing.nc"],
        ["minivgg/conv1_2/0", "--weights", "nowhere.safetensors"],
        ["minivgg/conv1_2/99"],
    ],
)
def test_bad_input_is_one_sentence(invis, args):
    assert is_one_sentence(invis("probe", *args))
