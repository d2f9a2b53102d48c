"""Make the solved notebooks from the notebooks and answers.toml; `make solutions` runs it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NOTEBOOKS = HERE.parent
NOTE = "\n\n*Solved: the teacher's copy. The explanations stand below the answers.*\n"


def built() -> Iterator[tuple[Path, str]]:
    """Where each solved notebook lies, and what it holds.

    Raises:
        ValueError: an exercise without an answer, or an answer without an exercise.
    """
    answers = tomllib.loads((HERE / "answers.toml").read_text(encoding="utf-8"))
    for name, solutions in answers.items():
        notebook = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
        notebook["cells"] = list(_solved(name, notebook["cells"], solutions))
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        yield HERE / f"{name}.ipynb", text


def _solved(
    name: str, cells: list[dict[str, Any]], solutions: dict[str, dict[str, str]]
) -> Iterator[dict[str, Any]]:
    left = dict(solutions)
    for place, cell in enumerate(cells):
        number = _exercise(cell)
        if place == 0:
            first, _, rest = "".join(cell["source"]).partition("\n\n")
            yield cell | {"source": _lines(first + NOTE + "\n" + rest)}
        elif number is None:
            yield cell
        elif number not in left:
            raise ValueError(f"answers.toml has no answer to exercise {number} of {name}")
        else:
            solution = left.pop(number)
            yield cell | {"source": _lines(solution["code"])}
            yield {
                "cell_type": "markdown",
                "id": f"why-{number}",
                "metadata": {},
                "source": _lines(f"*{solution['why'].strip()}*"),
            }
    if left:
        raise ValueError(f"{name} has no exercise {', '.join(left)}, but answers.toml answers it")


def _exercise(cell: dict[str, Any]) -> str | None:
    tags = cell["metadata"].get("tags", [])
    return next((tag.removeprefix("exercise-") for tag in tags if tag.startswith("exercise-")), None)


def _lines(text: str) -> list[str]:
    return text.strip("\n").splitlines(keepends=True)


if __name__ == "__main__":
    for path, text in built():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(NOTEBOOKS.parent))
