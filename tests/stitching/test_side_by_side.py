"""Generators side by side: all that they yield, their errors, their end, and whose threads."""

import threading
import time

import pytest
import torch

from invis.stitching.matrix import StitchSettings, stitch
from invis.stitching.methods import methods
from invis.stitching.side_by_side import side_by_side
from tests.stitching.conftest import SMALL_RECIPE


def alive():
    return [t for t in threading.enumerate() if t.name.startswith("invis-decoders")]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_everything_comes_once_and_in_each_work_s_order(workers):
    def work(i):
        yield from (10 * i + k for k in range(3))

    works = [work(i) for i in range(5)]
    found = list(side_by_side(works, workers))
    assert sorted(found) == [(i, 10 * i + k) for i in range(5) for k in range(3)]
    for i in range(5):
        assert [v for j, v in found if j == i] == [10 * i, 10 * i + 1, 10 * i + 2]
    assert not alive()


def test_two_run_at_once():
    """Each waits for the other, so that one after the other would never end."""
    meeting = threading.Barrier(2, timeout=10)

    def work():
        meeting.wait()
        yield 1

    assert len(list(side_by_side([work(), work()], 2))) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised_here_and_ends_the_others(workers):
    ended = threading.Event()

    def endless():
        try:
            while True:
                time.sleep(0.001)
                yield 0
        finally:
            ended.set()

    def broken():
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(side_by_side([broken(), endless()], workers))
    assert not alive()
    assert ended.is_set() or workers == 1


def test_closing_ends_the_threads():
    def endless():
        while True:
            time.sleep(0.001)
            yield 0

    steps = side_by_side([endless(), endless(), endless()], 2)
    next(steps)
    assert len(alive()) == 2
    steps.close()
    assert not alive()


def test_the_cores_are_shared_and_given_back():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        seen = []

        def work():
            yield 0
            time.sleep(0.05)
            # After the caller has set its own number again.
            seen.append(torch.get_num_threads())

        works = [work(), work()]
        list(side_by_side(works, 2))
        fresh = []
        thread = threading.Thread(target=lambda: fresh.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert seen == [2, 2]
        assert torch.get_num_threads() == 4 and fresh == [4]
    finally:
        torch.set_num_threads(before)


def test_the_matrix_does_not_depend_on_it(data, latents):
    settings = StitchSettings(32, methods=methods(["cosine", "l1"]), recipe=SMALL_RECIPE)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found += stitch(data, latents, settings)
    finally:
        torch.set_num_threads(before)
    # One thread a kind of decoders in both cases, so the same to the last bit.
    assert found[0].identical(found[1])
