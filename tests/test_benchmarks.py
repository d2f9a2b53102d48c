"""The figures in the README are those that the benchmarks wrote."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def tables():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("tables", BENCHMARKS / "tables.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.mark.parametrize("name", ["lucent", "floor", "card", "growth"])
def test_a_table_of_the_readme_equals_the_committed_figures(tables, name):
    found = tables.block(name).search(tables.README.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == found[1] + tables.rendered(name) + found[2]


def test_every_table_of_the_readme_is_compared(tables):
    text = tables.README.read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- bench: (\w+) -->", text)) == set(tables.TABLES)


@pytest.mark.parametrize("path", sorted((BENCHMARKS / "results").glob("*.json")), ids=str)
def test_figures_tell_which_machine_they_are_from(path):
    told = json.loads(path.read_text(encoding="utf-8"))
    assert {"processor", "cores", "card", "torch"} <= set(told)


@pytest.mark.slow
def test_judges_know_photographs_from_noise(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    judges = importlib.import_module("judges")
    monkeypatch.setattr(judges, "CACHE", tmp_path)
    photographs = judges.Photographs()
    others = judges.equalised(photographs.crops(24, 24, 60, seed=9), 20.0)
    rng = np.random.default_rng(0)
    noise = np.clip(np.round(128 + 20 * rng.normal(size=(60, 24, 24, 3))), 0, 255)
    for judge in (judges.judge_patches, judges.judge_spectra):
        assert judge(others, photographs).share > 0.85
        assert judge(noise, photographs).share == 0
        # Contrast alone is no judge: twice as much changes no more than how rounding shows.
        twice = judge(judges.equalised(others, 40.0), photographs)
        assert abs(np.median(twice.percentile) - np.median(judge(others).percentile)) < 15
    assert (
        judges.judge_patches(noise, photographs).median
        < judges.judge_patches(others, photographs).low
    )
    off = judges.deviations(noise, photographs)
    assert off["light 1-1"] < -2 < 1 < off["light 17-32"]
