"""A search takes as many threads as its products can keep busy."""

import time

import pytest
import torch
from torch import nn

from invis import search_steps
from invis.models.unit import units_at
from invis.search.threads import (
    Threads,
    on_threads,
    step_operations,
    worthwhile_threads,
)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_operations_of_a_step_are_those_of_the_convolutions_inside_the_field():
    units = units_at("minivgg/conv1_2/0-2")
    first, second, *_ = [m for m in units.model.module.modules() if isinstance(m, nn.Conv2d)]
    # 3x3 outputs of the first layer, then one of the second; a product and a sum per weight.
    macs = first.weight.numel() * 9 + second.weight.numel()
    assert step_operations(units, images=8) == 2 * macs * 8 * 3


def test_small_steps_take_one_thread_and_are_not_measured(two_threads):
    threads = worthwhile_threads(units_at("minivgg/conv1_2/0"), 8)
    assert (threads.most, threads.now()) == (1, 1)
    assert worthwhile_threads(units_at("minivgg/conv4_1/0-31", device="cpu"), 8).most == 2


@pytest.mark.parametrize(("alone", "together", "count"), [(0.02, 0.001, 2), (0.001, 0.02, 1)])
def test_what_is_faster_is_kept(two_threads, alone, together, count):
    threads = Threads(2, lambda: time.sleep(alone if torch.get_num_threads() == 1 else together))
    threads.measure()
    assert threads.count == count
    assert torch.get_num_threads() == 2


def test_measuring_begins_late_and_takes_little_of_the_time(two_threads):
    runs = []
    threads = Threads(2, lambda: (runs.append(1), time.sleep(0.002)))
    assert threads.now() == 1 and not runs
    began = time.perf_counter()
    while time.perf_counter() - began < 1.2:
        threads.now()
        time.sleep(0.001)
    assert 0 < threads.spent < 0.1 * (time.perf_counter() - began)


def test_the_callers_threads_are_untouched_between_steps_and_after_an_end(two_threads):
    seen = []

    def steps():
        try:
            for _ in range(3):
                seen.append(torch.get_num_threads())
                yield torch.get_num_threads()
        finally:
            seen.append("closed")

    told = on_threads(steps(), Threads(1, lambda: None))
    assert next(told) == 1
    assert torch.get_num_threads() == 2
    told.close()
    assert seen == [1, "closed"]
    assert torch.get_num_threads() == 2


def test_a_small_search_runs_on_one_thread_and_says_so(two_threads):
    *_, last = search_steps("minivgg/conv1_2/3", device="cpu")
    assert last.finished[0].attrs["threads"] == 1
    assert torch.get_num_threads() == 2
