"""`invis search` from the outside: files, JSON, errors, signals."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from invis.cli.output import SEARCH_KEYS
from invis.search import load
from tests.cli.conftest import ENVIRONMENT, UNIT, command, is_one_sentence

FAST = ["--images", "2", "--seed", "1"]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """One search as JSON, and its folder."""
    out = tmp_path_factory.mktemp("found") / "out"
    done = subprocess.run(
        command("search", UNIT, *FAST, "--out", out, "--json"),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done, out


def test_json_is_a_list_with_the_fixed_keys_and_nothing_else(found):
    done, out = found
    (row,) = json.loads(done.stdout)
    assert set(SEARCH_KEYS) | {"out"} <= set(row)
    assert row["address"] == UNIT
    assert row["out"] == str(out)
    assert row["images"] == 2 and row["alpha"] == 0.9
    assert isinstance(row["converged"], bool) and isinstance(row["dead"], bool)


def test_no_progress_bar_in_a_pipe(found):
    done, _ = found
    assert "%|" not in done.stderr and "\r" not in done.stderr


def test_saved_result_holds_what_was_printed(found):
    done, out = found
    (row,) = json.loads(done.stdout)
    ds = load(out / "result.nc")
    assert ds.sizes["image"] == 2
    assert ds.attrs["fraction_min"] == pytest.approx(row["fraction_min"])
    assert float(ds["fraction"].min()) == pytest.approx(row["fraction_min"], abs=1e-6)
    assert ds["images"].dtype == np.uint8


def test_gallery_and_picture_are_there(found):
    _, out = found
    assert sorted(p.name for p in out.iterdir()) == ["gallery.html", "result.nc", "set.png"]
    assert UNIT in (out / "gallery.html").read_text()
    assert (out / "set.png").read_bytes().startswith(b"\x89PNG")


def test_show_and_compare_saved_results(found, invis, tmp_path):
    _, out = found
    shown = invis("show", out, "--out", "page/one.html")
    assert shown.returncode == 0 and "page/one.html" in shown.stdout
    assert (tmp_path / "page/one.html").read_text().count("<article") == 1
    both = invis("compare", out, out / "result.nc")
    assert both.returncode == 0
    assert (tmp_path / "out/compare.html").read_text().count("<article") == 2


def test_many_units_get_a_folder_each_in_the_units_order(invis, tmp_path):
    done = invis("search", "minivgg@none:0/conv1_1/2,0", *FAST, "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    channels = [row["address"].rpartition("/")[2] for row in rows]
    assert len(channels) == 2 and set(channels) == {"0", "2"}
    for row in rows:
        assert load(tmp_path / row["out"] / "result.nc").attrs["address"] == row["address"]


def test_the_table_names_the_null(invis):
    done = invis("search", UNIT, *FAST)
    assert done.returncode == 0, done.stderr
    assert "index (linear: 1)" in done.stdout
    assert "linear unit would allow" in done.stdout or "No index" in done.stdout
    assert "gallery.html" in done.stdout


@pytest.mark.parametrize(
    "args",
    [
        ["nosuch/x/1"],
        ["minivgg@none/conv9_9/1"],
        ["minivgg@none/conv1_1/999"],
        ["not an address"],
        [UNIT, "--images", "1"],
        [UNIT, "--alpha", "1.5"],
        [UNIT, "--activation", "1.5"],
        [UNIT, "--band", "3"],
        [UNIT, "--band", "8:2"],
        [UNIT, "--contrast", "-1"],
        [UNIT, "--device", "cuda:99"],
        [UNIT, "--distance", "conv9_9"],
        ["minivgg/conv1_1/0", "--weights", "nosuch.safetensors"],
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_folder(invis, tmp_path, args):
    done = invis("search", *args)
    assert is_one_sentence(done), (done.returncode, done.stdout, done.stderr)
    assert not list(tmp_path.iterdir())


def test_a_refused_search_keeps_the_folder_that_was_there(invis, tmp_path):
    (tmp_path / "mine").mkdir()
    assert is_one_sentence(invis("search", "nosuch/x/1", "--out", "mine/below/it"))
    assert list(tmp_path.iterdir()) == [tmp_path / "mine"]
    assert not list((tmp_path / "mine").iterdir())


@pytest.mark.parametrize("name", ["result.nc", "set.png", "gallery.html"])
def test_a_folder_in_the_way_is_refused_before_the_search(invis, tmp_path, monkeypatch, name):
    monkeypatch.setattr("invis.search.search_steps", lambda *_, **__: pytest.fail("searched"))
    (tmp_path / "here" / name).mkdir(parents=True)
    done = invis("search", UNIT, "--out", "here")
    assert is_one_sentence(done) and name in done.stderr


def test_a_text_file_as_weights_is_one_sentence(invis, tmp_path):
    (tmp_path / "README.md").write_text("# not weights")
    assert is_one_sentence(invis("search", "minivgg/conv1_1/0", "--weights", "README.md"))


def test_usage_errors_exit_with_2(invis):
    assert invis("search").returncode == 2
    assert invis("nosuch").returncode == 2
    assert invis("search", UNIT, "--objective", "other").returncode == 2


def test_an_unwritable_folder_is_refused_before_any_work(invis, tmp_path):
    (tmp_path / "taken").write_text("a file")
    done = invis("search", "minivgg/no_such_layer/0", "--out", "taken/below")
    assert is_one_sentence(done)
    assert "taken/below" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits")
def test_a_full_disk_is_one_sentence(tmp_path):
    # A limit on the size of files stands for the full disk: writes fail in the same place.
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
from invis.cli import main
main(["search", {UNIT!r}, "--images", "2", "--out", {str(tmp_path / "out")!r}])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, timeout=600
    )
    assert is_one_sentence(done), (done.returncode, done.stdout, done.stderr)
    assert not (tmp_path / "out" / "result.nc").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT")
def test_ctrl_c_keeps_what_was_found_and_says_where(tmp_path):
    # The signal comes from inside, right after a snapshot, so the test does not depend on speed.
    code = f"""
import os, signal
import invis.search
steps = invis.search.search_steps
def interrupted(*args, **settings):
    for snapshot in steps(*args, **settings):
        if snapshot.phase == "set":
            os.kill(os.getpid(), signal.SIGINT)
        yield snapshot
invis.search.search_steps = interrupted
from invis.cli import main
main(["search", {UNIT!r}, "--out", "kept", "--json"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 128 + signal.SIGINT, done.stderr
    assert "kept in kept" in done.stderr and "Traceback" not in done.stderr
    (row,) = json.loads(done.stdout)
    assert row["converged"] is False
    assert load(tmp_path / "kept" / "result.nc").attrs["converged"] == 0


def test_the_same_seed_prints_the_same_numbers(found, invis):
    (first,) = json.loads(found[0].stdout)
    (again,) = json.loads(invis("search", UNIT, *FAST, "--json").stdout)
    for key in ("seconds", "out"):
        first.pop(key), again.pop(key)
    assert first == again
