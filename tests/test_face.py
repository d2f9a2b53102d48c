"""What `import invis` costs and offers."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import invis

ROOT = Path(__file__).parents[1]

HEAVY = ("torch", "torchvision", "xarray", "ipywidgets", "panel", "plotly", "IPython", "lucent")


def loaded_by(code: str) -> set[str]:
    """Which heavy packages are in sys.modules after `code` ran in a fresh interpreter."""
    script = f"{code}\nimport sys\nprint([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return set(eval(done.stderr.strip().splitlines()[-1]))


def test_importing_invis_loads_no_torch_and_no_interface():
    assert loaded_by("import invis; dir(invis); invis.data_path('README.md')") == set()


@pytest.mark.parametrize(
    ("mine", "then"),
    [
        ({}, "PASSIVE 3000"),
        ({"GOMP_SPINCOUNT": "7"}, "PASSIVE 7"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE None"),
    ],
)
def test_threads_soon_sleep_while_they_wait_unless_the_user_says_otherwise(mine, then):
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    env = {k: v for k, v in os.environ.items() if k not in names} | mine
    script = f"import invis, os; print(*(os.environ.get(name) for name in {names}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == then


def test_help_loads_no_torch():
    help_all = """
from invis.cli import main
for args in (["--help"], ["search", "--help"], ["train", "--help"], ["--version"]):
    try:
        main(args)
    except SystemExit as leaving:
        assert leaving.code == 0
"""
    assert loaded_by(help_all) == set()


def test_the_probe_sees_torch_where_it_is_loaded():
    assert "torch" in loaded_by("import torch")


@pytest.mark.parametrize("name", [n for n in invis.__all__ if n != "search"])
def test_every_public_name_is_there(name):
    assert getattr(invis, name) is not None


def test_search_is_a_function_and_a_room():
    module = importlib.import_module("invis.search")
    assert callable(invis.search)
    assert module.search is not None
    assert invis.search.save is module.save


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        _ = invis.serach


def test_importing_invis_is_quiet_and_light():
    script = "import sys, invis; assert not {'torch', 'numpy', 'xarray'} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == ""


def test_search_remains_callable_when_its_modules_were_imported_first():
    script = (
        "import invis.search.null, invis.probe.claims, invis\n"
        "assert callable(invis.search) and callable(invis.probe)\n"
        "assert invis.search.null.__name__ == 'invis.search.null'"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


SEEN = {
    'invis.search("truth/complex_cell/0")': "list[xarray.core.dataset.Dataset]",
    "invis.search.Settings()": "invis.search.settings.Settings",
    "invis.save": "def (thing: Any, path: str | os.PathLike[str])",
    'invis.probe("truth/complex_cell/0")': "invis.probe.probe.Probes",
    'invis.unit(torch.nn.ReLU(), "0", 0)': "invis.models.units.Units",
    "invis.__version__": "str",
}


# Slow, because mypy reads torch where nothing of it is cached yet.
@pytest.mark.slow
def test_type_checkers_see_what_the_face_offers(tmp_path):
    snippet = tmp_path / "snippet.py"
    lines = ["import torch", "import invis", *(f"reveal_type({code})" for code in SEEN)]
    snippet.write_text("\n".join([*lines, "invis.serach", ""]))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", str(snippet)], capture_output=True, text=True, cwd=ROOT
    )
    told = [line for line in done.stdout.splitlines() if str(snippet) in line]
    for line, (code, kind) in zip(told, SEEN.items(), strict=False):
        assert f'Revealed type is "{kind}' in line, code
    assert 'has no attribute "serach"' in told[-1]
    assert len(told) == len(SEEN) + 1


def test_data_path_names_what_is_missing():
    assert invis.data_path("README.md").is_file()
    with pytest.raises(invis.InvisError, match=r"models/nosuch\.safetensors"):
        invis.data_path("models/nosuch.safetensors")


@pytest.mark.parametrize("first", ["invis.search", "invis.unit", "invis.SearchExplorer"])
def test_a_notebook_shows_results_as_pictures_whatever_it_asks_for_first(first):
    script = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "html = InteractiveShell.instance().display_formatter.formatters['text/html']\n"
        f"import invis; {first}\n"
        "from xarray import Dataset; print(Dataset in html.type_printers)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr
