"""Following a search: units are saved as they finish, and Ctrl-C keeps the rest as it stands."""

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from invis import InvisError
from invis.cli.saving import ResultsFolder, default_out, slug, writable_folder
from invis.cli.search import follow
from tests.synthetic import complex_cell_result


@dataclass
class Step:
    """What the command line uses of a snapshot, scripted."""

    finished: list = field(default_factory=list)
    current: list = field(default_factory=list)
    summary: str = ""
    fraction_done: float = 0.0

    def results(self):
        return self.current


def unit(name, **attrs):
    return complex_cell_result(size=5, images=2, address=f"m/l/{name}", **attrs)


@pytest.fixture
def folder(tmp_path):
    made = ResultsFolder(tmp_path / "out")
    made.expect(["m/l/0", "m/l/1", "m/l/2"])
    return made


def test_units_are_saved_as_they_finish_and_listed_in_order(folder):
    def steps():
        yield Step(finished=[unit(2)])
        assert (folder.path / "m-l-2" / "result.nc").exists()
        yield Step(finished=[unit(0), unit(1)])

    assert follow(steps(), folder, "m/l/0-2") is False
    assert [ds.attrs["address"] for ds, _ in folder.results] == ["m/l/0", "m/l/1", "m/l/2"]
    assert not list(folder.path.rglob(".result.nc"))


def test_ctrl_c_between_snapshots_saves_the_unfinished_and_closes_the_search(folder):
    closed = []

    def steps():
        try:
            yield Step(finished=[unit(0)], current=[unit(1, converged=False)])
            os.kill(os.getpid(), signal.SIGINT)
            yield Step(current=[unit(1, converged=False), unit(2, converged=False)])
            pytest.fail("the search went on")
        finally:
            closed.append(True)

    assert follow(steps(), folder, "m/l/0-2") is True
    assert closed == [True]
    assert [bool(ds.attrs["converged"]) for ds, _ in folder.results] == [True, False, False]


def test_a_second_ctrl_c_leaves_at_once_with_the_finished(folder):
    class Slow(Step):
        def results(self):
            os.kill(os.getpid(), signal.SIGINT)
            pytest.fail("went on measuring")

    def steps():
        yield Step(finished=[unit(0)])
        os.kill(os.getpid(), signal.SIGINT)
        yield Slow()

    assert follow(steps(), folder, "m/l/0-2") is True
    assert [ds.attrs["address"] for ds, _ in folder.results] == ["m/l/0"]


def test_ctrl_c_before_the_first_snapshot_keeps_nothing(folder):
    def steps():
        os.kill(os.getpid(), signal.SIGINT)
        yield Step(finished=[unit(0)])

    assert follow(steps(), folder, "m/l/0-2") is True
    assert folder.results == []


def test_the_handler_is_put_back(folder):
    before = signal.getsignal(signal.SIGINT)
    follow(iter([Step()]), folder, "")
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_passes_through_and_keeps_what_was_saved(folder):
    def steps():
        yield Step(finished=[unit(0)])
        raise InvisError("the activation is not a number")

    with pytest.raises(InvisError, match="not a number"):
        follow(steps(), folder, "")
    assert (folder.path / "m-l-0" / "result.nc").exists()


@pytest.mark.parametrize("address", ["vgg16@none:0/conv3_1/3", "m/l:raw/1,2-4", "../../etc/x", ""])
def test_slugs_stay_inside_the_folder(address):
    name = slug(address)
    assert name and "/" not in name and not name.startswith(".")


def test_slugs_tell_units_apart():
    assert slug("vgg16/conv3_1/3") != slug("vgg16/conv3_1/30")


def test_weights_have_a_folder_each(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.safetensors").write_text("")
        weights = str(tmp_path / f"{name}.safetensors")
        where = default_out("vgg11/conv1_1/3", weights)
        assert where == Path(f"out/vgg11@{name}-conv1_1-3")
    assert default_out("m/l/3", "none:1") == default_out("m@none:1/l/3")
    assert default_out("m/l/3") == Path("out/m-l-3")


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvisError, match="file/below"):
        writable_folder(tmp_path / "file" / "below")
