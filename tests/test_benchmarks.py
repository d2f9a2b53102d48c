"""The figures in the README are those that the benchmarks wrote."""

import importlib.util
import json
import re
import sys
from pathlib import Path

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
