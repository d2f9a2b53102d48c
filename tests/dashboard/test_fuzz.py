"""A short walk of the fuzzer; `benchmarks/dashboard_fuzz.py` takes ten minutes."""

import importlib.util
import sys
from pathlib import Path

import pytest

FUZZER = Path(__file__).parents[2] / "benchmarks" / "dashboard_fuzz.py"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="memory is read from /proc")
def test_nothing_that_a_visitor_sends_breaks_the_server():
    spec = importlib.util.spec_from_file_location("dashboard_fuzz", FUZZER)
    fuzzer = importlib.util.module_from_spec(spec)
    sys.modules["dashboard_fuzz"] = fuzzer
    spec.loader.exec_module(fuzzer)
    found = fuzzer.measure(seconds=20, requests=300, seed=1, longest=60)
    # Memory needs longer to settle.
    assert fuzzer.faults(found | {"growth": None}) == []
    assert found["requests"] >= 50
