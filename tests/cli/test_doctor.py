"""`invis doctor`: what it finds, what it advises, and that nothing missing can stop it."""

import json
import os
import shutil
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from invis import data_path, doctor
from invis.doctor import data, machine, software
from invis.doctor.finding import Finding


def run_doctor(before="", path=""):
    """`invis doctor --json` in a process of its own, after some code: findings by name, exit code.

    `path` comes first where Python looks for packages.
    """
    script = f"{before}\nfrom invis.cli import main\nmain(['doctor', '--json'])"
    paths = os.pathsep.join(filter(None, [str(path), *sys.path]))
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )
    assert "Traceback" not in done.stderr
    return {row["check"]: row for row in json.loads(done.stdout)}, done.returncode


@pytest.fixture
def quick(monkeypatch):
    """Sets the checks: `quick(name=Finding(...))`."""

    def set_checks(**findings):
        checks = {name: lambda found=found: found for name, found in findings.items()}
        monkeypatch.setattr(doctor, "CHECKS", checks)

    return set_checks


def test_every_check_says_what_it_found_and_only_trouble_what_to_do(invis):
    done = invis("doctor", "--json")
    rows = json.loads(done.stdout)
    assert [row["check"] for row in rows] == list(doctor.CHECKS)
    for row in rows:
        assert row["found"]
        assert bool(row["advice"]) == (row["state"] != "ok")
        assert row["advice"].count(". ") == 0
    assert done.returncode == 2 * any(row["state"] == "problem" for row in rows)
    shipped = [r for r in rows if r["check"] in ("PyTorch", "networks", "atlas", "trajectories")]
    assert {row["state"] for row in shipped} == {"ok"}


def test_without_torch_it_says_so_and_goes_on():
    rows, code = run_doctor("import sys; sys.modules['torch'] = None")
    assert code == 2
    assert rows["PyTorch"]["state"] == "problem"
    assert "pip install torch" in rows["PyTorch"]["advice"]
    assert rows["networks"]["state"] == "warning"
    assert rows["memory"]["found"]
    assert list(rows) == list(doctor.CHECKS)


def test_a_torch_whose_library_is_lost_is_told(tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(
        "raise OSError('libtorch_cpu.so: cannot open shared object file')"
    )
    rows, code = run_doctor(path=tmp_path)
    assert code == 2
    assert "libtorch_cpu.so" in rows["PyTorch"]["found"]


def test_only_click_and_lazy_loader_are_needed():
    blocked = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in %r:
            raise ImportError(f'No module named {name!r}')
sys.meta_path.insert(0, Blocked())
"""
    names = (
        "torch",
        "numpy",
        "zarr",
        "psutil",
        "packaging",
        "jupyter_core",
        "jupyterlab",
        "lucent",
    )
    rows, code = run_doctor(blocked % (names,))
    assert code == 2
    assert list(rows) == list(doctor.CHECKS)
    assert rows["JupyterLab"]["state"] == "problem"
    assert "psutil" in rows["memory"]["found"]


def test_a_package_that_is_too_old_is_named(monkeypatch):
    asked = ["click>=8.1.7,<9", "numpy>=99", "nosuchpackage>=1", "never; extra == 'dev'"]
    monkeypatch.setattr(software.metadata, "requires", lambda name: asked)
    found = software.packages()
    assert found.state == "problem"
    assert "numpy is" in found.found and "not >=99" in found.found
    assert "nosuchpackage is missing" in found.found
    assert "never" not in found.found
    assert "'numpy>=99' 'nosuchpackage>=1'" in found.advice


def test_a_torchvision_of_another_build_comes_with_its_torch(monkeypatch):
    monkeypatch.setattr(software.metadata, "requires", lambda name: ["torchvision>=0.19,<1"])
    why = "operator torchvision::nms does not exist"
    monkeypatch.setattr(software, "_import_fails", lambda module: why)
    found = software.packages()
    assert why in found.found
    assert "torch torchvision" in found.advice


@pytest.mark.parametrize(
    "version, state", [((3, 10), "problem"), ((3, 12), "ok"), ((3, 99), "warning")]
)
def test_pythons(monkeypatch, version, state):
    monkeypatch.setattr(software, "sys", SimpleNamespace(version_info=(*version, 0)))
    assert software.python().state == state


def test_extensions_that_no_folder_holds_are_named(monkeypatch, tmp_path):
    for name in ("anywidget", "jupyterlab-plotly"):
        place = tmp_path / "labextensions" / name
        place.mkdir(parents=True)
        (place / "package.json").write_text('{"version": "1.2.3"}')
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *part: [str(tmp_path / part[0])])
    found = software.labextensions()
    assert found.state == "problem"
    assert found.found == "JupyterLab lacks @jupyter-widgets/jupyterlab-manager"
    assert "jupyterlab-widgets" in found.advice


def test_lucent_that_is_broken_is_a_warning(monkeypatch):
    from invis.errors import InvisError

    def broken():
        raise InvisError("torch-lucent cannot be used (no kornia): pip install 'kornia==0.4.1'")

    monkeypatch.setattr("invis.interop.require.lucent", broken)
    found = software.lucent()
    assert found.state == "warning"
    assert found.found == "torch-lucent cannot be used (no kornia)"
    assert "`pip install 'kornia==0.4.1'`" in found.advice


@pytest.fixture
def models(tmp_path):
    """A copy of the networks that ship."""
    return shutil.copytree(data_path("models"), tmp_path / "models")


def test_truncated_weights_are_told(models):
    path = models / "minivgg.safetensors"
    path.write_bytes(path.read_bytes()[:10_000])
    found = data.networks(models)
    assert found.state == "problem"
    assert str(path) in found.found
    assert "git checkout" in found.advice


def test_weights_of_another_training_are_told(models):
    shutil.copy(models / "minivgg-seed1.safetensors", models / "minivgg.safetensors")
    found = data.networks(models)
    assert found.state == "problem"
    assert "minivgg.safetensors has the hash efbcd9f06ac7" in found.found


def test_weights_of_another_architecture_are_told(models):
    shutil.copy(models / "miniresnet.safetensors", models / "minivgg.safetensors")
    assert "another architecture" in data.networks(models).found


def test_an_atlas_that_is_none_is_told(tmp_path):
    (tmp_path / "file").touch()
    assert data.atlas(tmp_path).state == "problem"


def test_a_damaged_trajectory_is_told(tmp_path):
    folder = shutil.copytree(data_path("trajectories"), tmp_path / "trajectories")
    (folder / "miniresnet.npz").write_bytes(b"PK\x03\x04 and nothing else")
    found = data.trajectories(folder)
    assert found.state == "problem"
    assert "miniresnet.npz" in found.found


def test_a_port_that_is_taken_is_told_as_in_use():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        number = busy.getsockname()[1]
        found = machine.port(number, "the dashboard", "invis serve")
        assert found.state == "warning"
        assert found.found.startswith("in use")
        assert f"--port {number + 1}" in found.advice
    assert machine.port(number, "the dashboard", "invis serve").state == "ok"


@pytest.mark.parametrize(
    "total, free, state", [(8, 4, "ok"), (3.8, 2, "ok"), (2, 1.5, "warning"), (8, 0.5, "warning")]
)
def test_memory(monkeypatch, total, free, state):
    now = SimpleNamespace(total=total * machine.GB, available=free * machine.GB)
    monkeypatch.setattr("psutil.virtual_memory", lambda: now)
    assert machine.memory().state == state


@pytest.mark.parametrize("free, state", [(50, "ok"), (0.5, "warning"), (0.01, "problem")])
def test_disk_space(monkeypatch, tmp_path, free, state):
    usage = SimpleNamespace(free=free * machine.GB)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: usage)
    assert machine.disk(tmp_path).state == state


def test_a_folder_that_cannot_be_written_is_told(monkeypatch, tmp_path):
    # Nothing is denied to root, so the attempt itself has to fail.
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(machine.tempfile, "TemporaryFile", refuse)
    assert machine.disk(tmp_path).state == "problem"
    assert machine.cache(tmp_path / "not" / "yet").state == "warning"


def test_a_cache_inside_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    assert machine.cache(tmp_path / "file" / "invis").state == "warning"
    assert machine.cache(tmp_path / "new" / "invis").state == "ok"


def test_a_check_that_fails_is_a_finding_and_stops_no_other(monkeypatch, invis):
    def fails():
        raise RuntimeError("what nobody thought of\nand more")

    monkeypatch.setattr(
        doctor, "CHECKS", {"first": fails, "second": lambda: Finding("ok", "all there")}
    )
    done = invis("doctor")
    assert done.returncode == 2
    assert "could not be checked (what nobody thought of)" in done.stdout
    assert "all there" in done.stdout


def test_the_last_line_sums_up(invis, quick):
    quick(a=Finding("ok", "fine"))
    assert invis("doctor").stdout.splitlines()[-1].startswith("All is well")
    quick(a=Finding("warning", "hm", "Do this."), b=Finding("warning", "hm", "Do that."))
    done = invis("doctor")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "2 warnings; Invis works here."
    quick(a=Finding("warning", "hm", "Do this."), b=Finding("problem", "no", "Do that."))
    done = invis("doctor")
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1] == "1 problem and 1 warning."


def test_what_is_piped_is_plain(invis, quick):
    quick(a=Finding("problem", "no", "Do that."))
    assert "\x1b" not in invis("doctor").stdout
