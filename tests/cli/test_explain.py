"""`invis explain` from the outside."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import is_one_sentence


def test_a_saved_result_gets_its_sentence_a_table_a_page_and_json(invis):
    invis("search", "truth/hue_cell/0", "--out", "set", "--device", "cpu")
    done = invis("explain", "set/result.nc", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "truth/hue_cell/0: ignores any hue: 9" in done.stdout
    assert "Photographs: the best of 20,000 crops reaches" in done.stdout
    page = Path("out/set-explained/explanation.html")
    assert page.is_file() and done.stdout.endswith(f"Page: {page}\n")
    (row,) = json.loads(invis("explain", "set/result.nc", "--device", "cpu", "--json").stdout)
    assert row["families"]["hue"]["claimed"] and row["holds"]["kept"] > 0.9


@pytest.mark.parametrize(
    "args",
    [["minivgg/conv9_9/0"], ["nothing.nc"], ["minivgg/conv1_2/99"]],
)
def test_bad_input_is_one_sentence(invis, args):
    assert is_one_sentence(invis("explain", *args))
