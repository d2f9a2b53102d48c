"""Exercises: what `check` says, and that no notebook is solved before someone solved it."""

import numpy as np
import pytest

from invis import workshop
from invis.errors import InvisError
from invis.workshop import Outcome, check, in_words, outcomes, report


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
        ("half", 0.5, "A number is wanted, not 'half'."),
        (2, "B", "A word is wanted, not 2."),
        ("A", "B", ""),
        ((1, 3), (1, 2), ""),
        ((1, "x"), (1, 2), "A number is wanted, not 'x'."),
        (1, (1, 2), "2 numbers are wanted, not 1."),
        ("lin", {"linear", "affine"}, ""),
        (3, lambda answer: answer == 4, ""),
        (3, lambda _: "the images are too alike", "The images are too alike."),
        (3, lambda answer: answer.shape, "Your answer cannot be checked (AttributeError"),
    ],
)
def test_not_yet_with_a_hint_and_never_the_answer(answer, right, said, capsys):
    check("3", answer, right, hint="draw it")
    out = capsys.readouterr().out
    assert out.startswith("Exercise 3: not yet\n") and "Hint: draw it." in out and said in out
    assert "0.5" not in out.replace("0.52", "") and outcomes()["3"] is Outcome.WRONG


def test_the_sentence_of_an_error_of_ours_is_shown(capsys):
    def search(address):
        raise InvisError(f"layer {address!r} is not there")

    check("1", "conv9", search)
    assert "Layer 'conv9' is not there." in capsys.readouterr().out


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
