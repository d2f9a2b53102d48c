"""What the room offers, and what importing it costs."""

import pkgutil
import subprocess
import sys

import invis.stitching


def test_every_public_name_is_there_and_none_is_hidden_by_a_module():
    room = invis.stitching
    modules = {module.name for module in pkgutil.iter_modules(room.__path__)}
    assert len(room.__all__) == 14 and not modules & set(room.__all__)
    for name in room.__all__:
        assert getattr(room, name).__name__ == name


def test_importing_the_room_and_its_command_loads_nothing_heavy():
    code = (
        "import sys, invis.stitching, invis.cli.stitch; "
        "print([m for m in ('torch', 'sklearn', 'plotly', 'xarray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_room_knows_no_interface():
    code = (
        "import sys, pkgutil, importlib, invis.stitching as room; "
        "[importlib.import_module('invis.stitching.' + m.name) "
        "for m in pkgutil.iter_modules(room.__path__)]; "
        "print([m for m in sys.modules if m.split('.')[0] in ('plotly', 'panel', 'ipywidgets') "
        "or m.startswith(('invis.views', 'invis.cli', 'invis.widgets'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
