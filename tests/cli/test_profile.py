"""`invis profile` from an address."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import is_one_sentence


def test_files_and_json(invis, tmp_path):
    done = invis(
        "profile", "truth/simple_cell/0", "--alpha", "0.8,0.9", "--images", 3, "--json",
        "--metric", "pixels",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)
    assert [one["alpha"] for one in record["floors"]] == [0.8, 0.9]
    assert all(one["heaps"] == 1 and one["converged"] for one in record["floors"])
    assert record["kappa_low"] <= record["kappa"] <= record["kappa_high"]
    assert abs(record["kappa"]) < 0.05
    assert (record["packing"], record["packing_null"]) == (1, 1)
    assert record["metric"] == "pixels" and record["seconds"] > 0
    folder = tmp_path / "out" / "truth-simple_cell-0-profile"
    assert sorted(path.name for path in folder.iterdir()) == ["profile.html", "profile.nc"]


@pytest.mark.parametrize(
    ("alpha", "message"),
    [("0.8", "at least two floors"), ("0.8,x", "no list of floors"), ("0.8,1.2", "alpha is 1.2")],
)
def test_wrong_floors(invis, alpha, message):
    done = invis("profile", "truth/simple_cell/0", "--alpha", alpha)
    assert is_one_sentence(done) and message in done.stderr
