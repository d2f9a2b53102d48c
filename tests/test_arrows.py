"""Who may import whom: every room those below it, so that each can be read without the rest."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "invis"
# From below; rooms of one line do not know each other. `invis` is the face: what `import invis`
# offers.
LEVELS = (
    ("errors", "progress"),
    ("shipped",),
    ("files",),
    ("models",),
    ("search",),
    ("probe", "trajectory", "stitching", "interop", "train"),
    ("atlas", "jobs"),
    ("views",),
    ("widgets",),
    ("dashboard", "doctor", "workshop"),
    ("invis",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def rooms_imported(source: str) -> set[str]:
    """The rooms that a module imports anywhere in it, also where only type checkers look."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            whole = [f"{node.module}.{name.name}" for name in node.names]
        elif isinstance(node, ast.Import):
            whole = [name.name for name in node.names]
        else:
            continue
        for name in whole:
            package, *parts = name.split(".")
            if package == "invis":
                found.add(parts[0] if parts and parts[0] in LEVEL else "invis")
    return found


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "invis" if first == "__init__" else first


MODULES = sorted(ROOT.rglob("*.py"))
MAP = (ROOT.parent / "ARCHITECTURE.md").read_text("utf-8")


def test_every_room_has_its_level():
    assert {room_of(path) for path in MODULES} == set(LEVEL)


@pytest.mark.parametrize("room", LEVEL)
def test_a_room_imports_only_what_lies_below_it(room):
    wrong = {
        str(path.relative_to(ROOT)): sorted(above)
        for path in MODULES
        if room_of(path) == room
        and (
            above := {
                other
                for other in rooms_imported(path.read_text("utf-8")) - {room}
                if LEVEL[other] >= LEVEL[room]
            }
        )
    }
    assert not wrong


def test_the_map_names_every_folder_and_every_file_that_it_names_is_there():
    files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    folders = {
        (Path("invis") / folder).as_posix()
        for path in files
        if "__pycache__" not in path.parts
        for folder in list(path.parents)[:-1]
    }
    assert folders == set(re.findall(r"`(invis/[a-z/]+)`", MAP))
    named = re.findall(r"`([a-z_]+(?:/[a-z_]+)*\.pyi?)`", MAP)
    assert len(named) > 25
    for name in named:
        assert any((place / name).is_file() for place in (ROOT.parent, ROOT)), name


@pytest.mark.parametrize(
    ("source", "rooms"),
    [
        ("from invis import __version__", {"invis"}),
        ("from invis import views, save", {"views", "invis"}),
        ("def f():\n    from invis.views.base.page import html", {"views"}),
        ("import invis.jobs, numpy", {"jobs"}),
        ("import invis", {"invis"}),
        ("from collections import abc", set()),
    ],
)
def test_the_test_sees_every_way_to_import(source, rooms):
    assert rooms_imported(source) == rooms
