"""Long work as snapshots: what keeps to the contract runs everywhere, with nothing registered."""

import io
import sys
import time
from dataclasses import dataclass
from fractions import Fraction

import pytest

from invis.cli.bars import watched
from invis.jobs import State, Worker
from invis.progress import Counted, Step, told, until_done, within


@dataclass
class Term:
    """A snapshot of a kind that Invis does not know."""

    fraction_done: float
    summary: str
    finished: list


def harmonic_steps(terms, pause=0.0):
    """The partial sums 1 + 1/2 + ... + 1/n, exactly, with a pause before each."""
    total = Fraction(0)
    for n in range(1, terms + 1):
        time.sleep(pause)
        total += Fraction(1, n)
        yield Term(n / terms, f"{n} terms", [total])


SUMS = [Fraction(1), Fraction(3, 2), Fraction(11, 6), Fraction(25, 12)]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_was_finished_comes_in_order():
    assert until_done(harmonic_steps(4)) == SUMS
    assert until_done([]) == []


def test_a_job_runs_steps_of_another_kind():
    worker = Worker("terms")
    job = worker.submit(lambda: harmonic_steps(4))
    assert job.wait(5)
    assert (job.state, job.count, job.fraction_done) == (State.DONE, 4, 1.0)
    assert (job.summary, job.finished) == ("4 terms", [SUMS[3]])
    worker.close()


def test_the_bar_shows_steps_of_another_kind(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    # A bar is drawn ten times a second at most.
    assert until_done(watched(harmonic_steps(4, 0.15), "harmonic")) == SUMS
    assert "harmonic  2 terms  50% |" in screen.getvalue()


def test_no_bar_where_nobody_looks(capsys):
    assert until_done(watched(harmonic_steps(2), "harmonic")) == SUMS[:2]
    assert capsys.readouterr().err == ""


def whole_steps():
    first = yield from within(harmonic_steps(2), 0.0, 0.5)
    second = yield from within(harmonic_steps(4), 0.5, 1.0)
    yield Step(1.0, "both", [(first, second)])


def test_parts_share_the_progress_of_the_whole():
    steps = list(whole_steps())
    assert [step.fraction_done for step in steps] == [0.25, 0.5, 0.625, 0.75, 0.875, 1.0, 1.0]
    assert [len(step.finished) for step in steps] == [0, 0, 0, 0, 0, 0, 1]
    assert until_done(whole_steps()) == [(SUMS[:2], SUMS)]


@pytest.mark.parametrize("wrap", [lambda s: within(s, 0, 1), lambda s: watched(s, "endless")])
def test_closing_the_whole_closes_the_part(wrap):
    closed = []

    def endless():
        try:
            while True:
                yield Step(0.0)
        finally:
            closed.append(True)

    steps = wrap(endless())
    next(steps)
    steps.close()
    assert closed == [True]


def test_news_become_snapshots_and_the_value_is_returned():
    def countdown():
        yield 2
        yield 1
        return "lift-off"

    def steps():
        said = yield from told(countdown(), lambda left: Step(1 - left / 2))
        yield Step(1.0, finished=[said])

    assert [step.fraction_done for step in steps()] == [0.0, 0.5, 1.0]
    assert until_done(steps()) == ["lift-off"]


def test_a_count_is_its_own_result_once_all_are_done():
    def count_steps():
        count = Counted(1200)
        while count.done < count.total:
            count.done += 400
            yield count

    steps = count_steps()
    assert (next(steps).summary, next(steps).finished) == ("400 of 1,200 units", [])
    (count,) = until_done(count_steps())
    assert (count.done, count.fraction_done) == (1200, 1.0)
    assert Counted().fraction_done == 1.0
