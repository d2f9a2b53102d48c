"""The wheel carries the data, and data_path finds it there."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_wheel_carries_the_data_and_finds_it(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )
    wheel = next(tmp_path.glob("invis-*.whl"))
    held = set(zipfile.ZipFile(wheel).namelist())
    shipped = subprocess.run(
        ["git", "ls-files", "data", "invis"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    for name in shipped:
        assert (name if name.startswith("invis/") else f"invis/{name}") in held

    # Away from the clone, only what was unpacked from the wheel can answer.
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    found = subprocess.run(
        [sys.executable, "-c", "import invis; print(invis.data_path('README.md'))"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert Path(found) == site / "invis" / "data" / "README.md"
