"""`invis lab`: which folder it opens, and what it refuses."""

import socket
from importlib import import_module
from pathlib import Path

import pytest
from jupyter_core.paths import jupyter_config_path
from jupyterlab_server.config import get_page_config

import invis
from invis.errors import InvisError

# The package's own name `lab` is the command.
lab = import_module("invis.cli.lab")
NOTEBOOKS = Path(invis.__file__).parents[1] / "notebooks"


@pytest.fixture
def started(monkeypatch):
    commands = []
    monkeypatch.setattr(lab.os, "execve", lambda _program, *command: commands.append(command))
    return commands


def test_a_clone_opens_its_own_notebooks(started):
    lab.lab.main(["--no-browser"], standalone_mode=False)
    ((command, _),) = started
    assert command[1:3] == ["-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={NOTEBOOKS.resolve()}" in command
    assert "--no-browser" in command


def test_root_is_allowed_only_where_it_is_asked_for(started):
    lab.lab.main([], standalone_mode=False)
    lab.lab.main(["--allow-root"], standalone_mode=False)
    assert ["--allow-root" in command for command, _ in started] == [False, True]


def test_a_folder_gets_the_notebooks_but_keeps_its_own(started, tmp_path):
    names = {path.name for path in NOTEBOOKS.glob("*.ipynb")}
    mine = tmp_path / "class" / min(names)
    mine.parent.mkdir()
    mine.write_text("my work", encoding="utf-8")
    lab.lab.main([str(mine.parent)], standalone_mode=False)
    assert {path.name for path in mine.parent.iterdir()} == names
    assert mine.read_text(encoding="utf-8") == "my work"
    assert f"--ServerApp.root_dir={mine.parent.resolve()}" in started[0][0]


def test_no_newcomer_is_asked_for_news(started, monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    news = "@jupyterlab/apputils-extension:announcements"
    assert news not in get_page_config([])["disabledExtensions"]
    lab.lab.main([], standalone_mode=False)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", started[0][1]["JUPYTER_CONFIG_PATH"])
    assert news in get_page_config([])["disabledExtensions"]
    # Settings that were there already are read too.
    assert str(tmp_path) in jupyter_config_path()


def test_a_port_in_use_is_refused_in_one_sentence(started):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(InvisError, match=f"--port {port} cannot be listened on .*give another"):
            lab.lab.main(["--port", str(port)], standalone_mode=False)
    assert not started


def test_a_folder_that_cannot_be_made_is_refused(started, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvisError, match="cannot be written"):
        lab.lab.main([str(tmp_path / "file" / "below")], standalone_mode=False)
    assert not started
