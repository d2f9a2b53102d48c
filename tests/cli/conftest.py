"""Running the command line."""

import os
import sys
from dataclasses import dataclass

import pytest

from invis.cli import main

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
UNIT = "minivgg@none:0/conv1_2/0"


@dataclass
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def invis(tmp_path, monkeypatch, capfd):
    """`invis(*args)` runs a command in an empty folder and tells how it ended."""
    monkeypatch.chdir(tmp_path)

    def run(*args):
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main([str(arg) for arg in args])
        said = capfd.readouterr()
        return Done(int(leaving.value.code or 0), said.out, said.err)

    return run


def command(*args):
    """The command line as a process, for tests of streams and signals."""
    return [sys.executable, "-m", "invis", *map(str, args)]


def is_one_sentence(done) -> bool:
    """Exit 2, nothing on stdout, one line that starts with the program's name on stderr."""
    lines = done.stderr.strip().splitlines()
    return (
        done.returncode == 2
        and not done.stdout
        and len(lines) == 1
        and lines[0].startswith("invis: ")
        and "Traceback" not in done.stderr
    )
