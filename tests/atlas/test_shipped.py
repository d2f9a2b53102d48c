"""The atlas that ships: whole, small, and what its description says."""

import pytest

from invis import data_path
from invis.atlas import Atlas
from invis.atlas.pattern import parse_pattern
from invis.atlas.shipped import CONTROL, sweeps
from invis.atlas.verify import verify

LIMIT = 15 * 10**6


@pytest.fixture(scope="module")
def atlas():
    return Atlas(data_path("atlas"))


def test_its_recipe_names_what_is_there(atlas):
    parts = [part for pattern in sweeps() for part in parse_pattern(pattern)]
    weights = {None: "default", CONTROL: CONTROL}
    wanted = {(one.model, weights[one.weights], one.layer): list(one.channels) for one in parts}
    there = {(one.model, one.weights, one.layer): sorted(one.done()) for one in atlas.layers()}
    assert there == wanted


def test_it_is_whole_and_within_15_mb(atlas):
    report = verify(atlas)
    assert (report.done, report.damaged, report.failed) == (1472, {}, {})
    files = [file for file in data_path("atlas").rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < LIMIT


def test_each_layer_is_there_trained_and_untrained(atlas):
    table = atlas.table()
    counts = table.groupby(["model", "layer", "weights"]).size().unstack("weights")
    assert set(counts.columns) == {"default", "none:0"}
    assert (counts["default"] == counts["none:0"]).all()
    assert set(counts.loc["minivgg"].index) == {
        "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2",
    }  # fmt: skip
    assert "layer3.0" in counts.loc["miniresnet"].index


def test_invariance_builds_up_from_units_that_are_linear(atlas):
    table = atlas.table()
    medians = table.groupby(["model", "layer", "weights"])["index"].median()
    for weights in ("default", "none:0"):
        first = [medians["minivgg", "conv1_1", weights], medians["miniresnet", "conv1", weights]]
        assert all(0.95 < value < 1.001 for value in first)
        later = [medians["minivgg", f"conv{name}", weights] for name in ("2_1", "2_2", "3_1")]
        assert 1.4 < later[0] < later[1] < later[2]
    for layer in ("conv2_2", "conv3_1", "conv3_2"):
        trained, control = (medians["minivgg", layer, one] for one in ("default", CONTROL))
        assert trained > control + 0.1
    assert (table["fraction_min"].dropna() > 0.88).all()
