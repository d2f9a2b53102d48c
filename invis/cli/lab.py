"""`invis lab`: the notebooks in JupyterLab."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import click

import invis
from invis.doctor.ports import why_taken
from invis.errors import InvisError

COPIES = Path("invis-notebooks")
# JupyterLab asks each newcomer whether to fetch news, which a room without network can't do.
SETTINGS = Path(__file__).with_name("jupyter")


@click.command(short_help="Open the notebooks in JupyterLab.")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(1, 65535), help="Of the server on this machine.")
@click.option("--browser/--no-browser", default=True, help="Open a browser window.")
@click.option("--allow-root", is_flag=True, help="Also as root, as in a container.")
def lab(folder: Path | None, port: int | None, browser: bool, allow_root: bool) -> None:
    """Open JupyterLab on FOLDER, with copies of the notebooks that ship with Invis.

    Without FOLDER a clone opens its own notebooks, an installed Invis the folder invis-notebooks.
    Notebooks that are there already stay as they are.
    """
    if find_spec("jupyterlab") is None:
        raise InvisError("jupyterlab is missing: install it with `pip install jupyterlab`")
    if port is not None and (reason := why_taken(port)):
        raise InvisError(f"--port {port} cannot be listened on ({reason}): give another")
    where = _folder(folder)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={where.resolve()}"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"] if port else []
    command += [] if browser else ["--no-browser"]
    command += ["--allow-root"] if allow_root else []
    paths = [str(SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    sys.stdout.flush()
    os.execve(
        sys.executable, command, {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}
    )


def _folder(folder: Path | None) -> Path:
    """Where to open JupyterLab; the notebooks are there."""
    package = Path(invis.__file__).resolve().parent
    shipped, cloned = package / "notebooks", package.parent / "notebooks"
    if folder is None and cloned.is_dir() and not shipped.is_dir():
        return cloned
    source, target = shipped if shipped.is_dir() else cloned, folder or COPIES
    try:
        target.mkdir(parents=True, exist_ok=True)
        for notebook in sorted(source.glob("*.ipynb")):
            if not (target / notebook.name).exists():
                shutil.copy(notebook, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvisError(
            f"folder {str(target)!r} cannot be written ({reason}): give another"
        ) from error
    return target
