"""Exercises that check themselves: the one `check` of all notebooks, and what it found so far.

A check tells what is missing and never the answer. What it compares with is computed from the data
of the notebook wherever that is possible, by a callable that runs only once there is an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from numbers import Real
from typing import Any, TypeAlias

from invis.errors import InvisError

# True, or the sentence that says what is missing; False where there is nothing to add.
Verdict: TypeAlias = bool | str
Right: TypeAlias = (
    float | str | Sequence[float] | set[str] | set[int] | set[float] | Callable[[Any], Verdict]
)


class Outcome(StrEnum):
    """Of an exercise when it was checked last."""

    UNANSWERED = "not answered yet"
    WRONG = "not yet"
    RIGHT = "right"


_outcomes: dict[str, Outcome] = {}


def check(
    exercise: str | int, answer: Any, right: Right, *, within: float = 0.01, hint: str = ""
) -> None:
    """Print whether an exercise is solved, and keep it for `report`.

    Args:
        exercise: its number.
        answer: of the reader; None and `...`, also inside a list, say that there is none yet.
        right: a number or several, a word (in capitals or not), a set of words or numbers of which
            each will do, or a callable that takes the answer and gives True, or else what is
            missing, in words that begin small.
        within: how far off a number may be.
        hint: printed where the answer is not right.

    Raises:
        InvisError: the exercise has no number, or `right` is nothing to compare with.
    """
    name = str(exercise).strip()
    if not name:
        raise InvisError("exercise is empty: give its number, such as '1'")
    if _open(answer):
        outcome, missing = Outcome.UNANSWERED, ""
    else:
        verdict = _verdict(answer, right, within)
        outcome = Outcome.RIGHT if verdict is True else Outcome.WRONG
        missing = verdict if isinstance(verdict, str) else ""
    _outcomes[name] = outcome
    print(f"Exercise {name}: {outcome}" + (f", {_ended(missing)}" if missing else ""))
    if outcome is Outcome.WRONG and hint:
        print(f"  Hint: {_ended(hint)}")


def outcomes() -> dict[str, Outcome]:
    """Exercise -> how its last check ended, in the order of the first checks."""
    return dict(_outcomes)


def report(exercises: int | None = None) -> None:
    """Print how many exercises are right, and which are still to do.

    Args:
        exercises: how many the notebook has; those that were checked if left out.

    Raises:
        InvisError: the notebook has fewer than one.
    """
    if exercises is not None and exercises < 1:
        raise InvisError(f"exercises {exercises} must be at least 1")
    names = list(_outcomes) if exercises is None else [str(k + 1) for k in range(exercises)]
    to_do = [name for name in names if _outcomes.get(name) is not Outcome.RIGHT]
    if not names:
        print("No exercise was checked yet: run the cells above.")
    elif to_do:
        print(f"{len(names) - len(to_do)} of {len(names)} exercises are right.")
        print(f"Still to do: {', '.join(to_do)}.")
    else:
        print(f"All {len(names)} exercises are right.")


def in_words(text: Any, least: int = 6) -> Verdict:
    """Whether a reason was written down; what it says is for the group to judge."""
    found = len(text.split()) if isinstance(text, str) else 0
    return found >= least or f"say why in a sentence: {least} words at least"


def _open(answer: Any) -> bool:
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, list | tuple | set):
        return not answer or any(_open(one) for one in answer)
    return answer is None or answer is ... or (isinstance(answer, str) and not answer.strip())


def _verdict(answer: Any, right: Any, within: float) -> Verdict:
    if callable(right):
        return _asked(answer, right)
    if isinstance(right, set | frozenset):
        return any(_verdict(answer, one, within) is True for one in right)
    if isinstance(right, str):
        if not isinstance(answer, str):
            return f"a word is wanted, not {_short(answer)}"
        return answer.strip().casefold() == right.casefold()
    if isinstance(right, Real):
        try:
            return abs(float(answer) - float(right)) <= within
        except (TypeError, ValueError):
            return f"a number is wanted, not {_short(answer)}"
    if isinstance(right, list | tuple):
        given = list(answer) if isinstance(answer, list | tuple) else [answer]
        if len(given) != len(right):
            return f"{len(right)} numbers are wanted, not {len(given)}"
        found = [_verdict(a, r, within) for a, r in zip(given, right, strict=True)]
        said = [one for one in found if isinstance(one, str)]
        return said[0] if said else all(found)
    raise InvisError(f"right is {_short(right)}: give a number, a word, a set, or a callable")


def _asked(answer: Any, right: Callable[[Any], Any]) -> Verdict:
    """What a callable says; an answer that it stumbles over is not right."""
    try:
        verdict = right(answer)
    except InvisError as error:
        return str(error)
    except Exception as error:
        kind = type(error).__name__
        return f"{_short(answer)} cannot be checked ({kind}): another kind of answer is wanted"
    # numpy's truth is no bool.
    return verdict if isinstance(verdict, str) else bool(verdict)


def _ended(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _short(value: Any, most: int = 40) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}..."
