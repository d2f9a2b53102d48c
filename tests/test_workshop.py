"""Exercises: what `check` says, and that no notebook is solved before someone solved it."""

import importlib.util
import json
import os
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from invis import workshop
from invis.errors import InvisError
from invis.workshop import Outcome, check, in_words, outcomes, report

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SOLUTIONS = NOTEBOOKS / "solutions"
MEMORY = "benchmarks/results/notebook_memory.json"
NAMES = [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb"))][1:]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(workshop, "_outcomes", {})


@pytest.mark.parametrize("answer", [None, ..., "", "  ", (None, 2.0), [], {}, {"a": None}])
def test_an_answer_that_is_not_there_is_no_failure(answer, capsys):
    check("1", answer, lambda _: pytest.fail("the check ran without an answer"))
    assert capsys.readouterr().out == "Exercise 1: not answered yet\n"
    assert outcomes() == {"1": Outcome.UNANSWERED}


@pytest.mark.parametrize(
    "answer, right",
    [
        (0.505, 0.5),
        (np.float32(0.5), np.float64(0.5)),
        (np.array(0.5), 0.5),
        (" b ", "B"),
        ((1, 2.001), (1.0, 2.0)),
        ("affine", {"linear", "affine"}),
        (16, {8, 16}),
        (3, lambda answer: answer == 3),
        (np.arange(3), lambda answer: (answer < 3).all()),
    ],
)
def test_right(answer, right, capsys):
    check(2, answer, right, hint="a secret")
    assert capsys.readouterr().out == "Exercise 2: right\n"


@pytest.mark.parametrize(
    "answer, right, said",
    [
        (0.52, 0.5, ""),
        (float("nan"), 0.5, ""),
        ("half", 0.5, "a number is wanted, not 'half'."),
        (2, "B", "a word is wanted, not 2."),
        ("A", "B", ""),
        ((1, 3), (1, 2), ""),
        ((1, "x"), (1, 2), "a number is wanted, not 'x'."),
        (1, (1, 2), "2 numbers are wanted, not 1."),
        ("lin", {"linear", "affine"}, ""),
        (3, lambda answer: answer == 4, ""),
        (3, lambda _: "the images are too alike", "not yet, the images are too alike."),
        (3, lambda answer: answer.shape, "3 cannot be checked (AttributeError"),
    ],
)
def test_not_yet_with_a_hint_and_never_the_answer(answer, right, said, capsys):
    check("3", answer, right, hint="draw it")
    out = capsys.readouterr().out
    assert out.startswith("Exercise 3: not yet") and "\n  Hint: draw it.\n" in out and said in out
    assert "0.5" not in out.replace("0.52", "") and outcomes()["3"] is Outcome.WRONG


def test_the_sentence_of_an_error_of_ours_is_shown(capsys):
    def search(address):
        raise InvisError(f"layer {address!r} is not there")

    check("1", "conv9", search)
    assert "layer 'conv9' is not there." in capsys.readouterr().out


def test_the_last_check_counts(capsys):
    check("1", 1, 2)
    check("2", None, 2)
    check("1", 2, 2)
    assert outcomes() == {"1": Outcome.RIGHT, "2": Outcome.UNANSWERED}


def test_a_report_names_what_is_to_do(capsys):
    report()
    check("1", 2, 2)
    check("2", 1, 2)
    report(3)
    out = capsys.readouterr().out
    assert "No exercise was checked yet" in out
    assert out.endswith("1 of 3 exercises are right.\nStill to do: 2, 3.\n")
    check("2", 2, 2)
    report()
    assert capsys.readouterr().out.endswith("All 2 exercises are right.\n")


def test_in_words():
    assert in_words("they show one edge in all images") is True
    assert "6 words" in in_words("edges") and "6 words" in in_words(None)


def test_what_the_author_of_a_notebook_does_wrong_is_told():
    with pytest.raises(InvisError, match="exercise is empty"):
        check(" ", 1, 1)
    with pytest.raises(InvisError, match="right is None"):
        check("1", 1, None)
    with pytest.raises(InvisError, match="exercises 0"):
        report(0)


def cells_of(path):
    return nbformat.read(path, as_version=4).cells


def exercises_of(path):
    """As the prose numbers them."""
    prose = [cell.source for cell in cells_of(path) if cell.cell_type == "markdown"]
    return re.findall(r"^\*\*Exercise (\d+)\.\*\*", "\n".join(prose), re.M)


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_has_its_answer_its_check_and_its_solution(name):
    path = NOTEBOOKS / f"{name}.ipynb"
    numbers = exercises_of(path)
    assert len(numbers) >= 4 and numbers == [str(k + 1) for k in range(len(numbers))]
    cells = cells_of(path)
    tagged = {tag: cell.source for cell in cells for tag in cell.metadata.get("tags", [])}
    for number in numbers:
        assert f"answer_{number} = None" in tagged[f"exercise-{number}"]
        assert re.search(rf'check\(\s*"{number}",\s*answer_{number}\b', tagged[f"check-{number}"])
    assert len(tagged) == 2 * len(numbers) + 1
    for cell in cells:
        if cell.metadata.get("tags", [""])[0].startswith("check-"):
            # Folded, JupyterLab still shows the first line.
            assert cell.metadata.jupyter.source_hidden and cell.source.startswith(
                "# Checks exercise"
            )
    assert cells[-1].source == f"report({len(numbers)})"
    assert set(tomllib.loads((SOLUTIONS / "answers.toml").read_text("utf-8"))) == set(NAMES)


def test_the_solutions_are_those_of_these_notebooks():
    spec = importlib.util.spec_from_file_location("build", SOLUTIONS / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    built = dict(build.built())
    assert [path.stem for path in built] == NAMES
    for path, text in built.items():
        assert path.read_text("utf-8") == text, "run `make solutions`"
        nbformat.validate(nbformat.reads(text, as_version=4))


GUIDE = (NOTEBOOKS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["00_start_here", *NAMES])
def test_the_guide_tells_of_every_notebook_and_its_exercises(name):
    chapter = GUIDE.partition(f"\n## {name} (")[2].partition("\n## ")[0]
    assert "**Goal" in chapter and "**Say.**" in chapter
    told = re.findall(r"^\| (\d) \| \d+ min \|", chapter, re.M)
    assert told in ([], exercises_of(NOTEBOOKS / f"{name}.ipynb"))
    assert told or name in ("00_start_here", "06_project")


def test_the_guide_counts_right_and_its_links_lead_somewhere():
    count = sum(len(exercises_of(NOTEBOOKS / f"{name}.ipynb")) for name in NAMES)
    assert f"{count} exercises that check themselves" in GUIDE
    for link in re.findall(r"\]\(([^)#:]+)", GUIDE):
        assert (NOTEBOOKS / link).exists()


def test_the_memory_in_the_guide_is_the_measured_one():
    found = json.loads((NOTEBOOKS.parent / MEMORY).read_text(encoding="utf-8"))
    assert [row["notebook"] for row in found["notebooks"]] == ["00_start_here", *NAMES]
    for row in found["notebooks"]:
        assert row["limited"] is True and row["peak_mb"] < found["limit_mb"]
        line = f"| `{row['notebook']}` | {row['peak_mb']:.0f} MB | yes |"
        assert line in GUIDE


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Name and folder -> how each exercise ended, of notebooks that run beside each other."""

    def run(path, folder):
        notebook = nbformat.read(path, as_version=4)
        # Into a file: what a cell prints can reach its outputs in parts, among those of threads.
        told = """
import json, pathlib
from invis.workshop import outcomes
pathlib.Path("outcomes.json").write_text(json.dumps(outcomes()), encoding="utf-8")
"""
        notebook.cells.append(nbformat.v4.new_code_cell(told))
        where = {"metadata": {"path": str(folder)}}
        client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where)
        client.execute(env={**os.environ, "OMP_NUM_THREADS": "1"})
        return json.loads((folder / "outcomes.json").read_text(encoding="utf-8"))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        paths = [folder / f"{name}.ipynb" for name in NAMES for folder in (NOTEBOOKS, SOLUTIONS)]
        # Folders are made here: pytest's factory isn't for several threads.
        yield {path: pool.submit(run, path, tmp_path_factory.mktemp(path.stem)) for path in paths}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_no_exercise_passes_before_it_is_solved(name, executed):
    path = NOTEBOOKS / f"{name}.ipynb"
    assert executed[path].result() == dict.fromkeys(exercises_of(path), Outcome.UNANSWERED)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_passes_where_it_is_solved(name, executed):
    path = SOLUTIONS / f"{name}.ipynb"
    assert executed[path].result() == dict.fromkeys(exercises_of(path), Outcome.RIGHT)
