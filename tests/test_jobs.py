"""Jobs: order, cancelling, failures, and what a user interface sees of them."""

import asyncio
import gc
import subprocess
import sys
import threading
import time

import pytest

from invis.errors import InvisError
from invis.jobs import State, Worker, follow, worker
from invis.progress import Step


@pytest.fixture
def bench():
    made = Worker("test", capacity=3)
    yield made
    made.close()


def counting(top, gate=None):
    def work():
        for i in range(top):
            if gate is not None:
                gate.wait(5)
            yield Step(i / top, str(i))

    return work


def test_a_job_runs_to_its_end_on_the_workers_thread(bench):
    threads = []

    def work():
        for i in range(5):
            threads.append(threading.current_thread().name)
            yield Step(i / 5, str(i), [i])

    job = bench.submit(work, "five")
    assert job.wait(5)
    assert (job.state, job.summary, job.count, job.error) == (State.DONE, "4", 5, "")
    assert job.finished == [4]
    assert set(threads) == {"invis-test"}
    assert job.fraction_done == 1
    assert job.position == 0


def test_jobs_run_one_after_the_other_in_order(bench):
    gate, order = threading.Event(), []

    def work(name):
        def steps():
            gate.wait(5)
            order.append(name)
            yield Step(1.0, name)

        return steps

    jobs = [bench.submit(work(name), name) for name in "abc"]
    deadline = time.monotonic() + 5
    while jobs[0].state is State.WAITING and time.monotonic() < deadline:
        time.sleep(0.001)
    assert [job.position for job in jobs] == [0, 1, 2]
    assert [job.state for job in jobs] == [State.RUNNING, State.WAITING, State.WAITING]
    gate.set()
    assert all(job.wait(5) for job in jobs)
    assert order == ["a", "b", "c"]


def test_cancelling_a_running_job_closes_its_generator_there_and_keeps_the_latest(bench):
    closed = threading.Event()

    def work():
        try:
            i = 0
            while True:
                yield Step(0.0, finished=[i])
                i += 1
        except GeneratorExit:
            assert threading.current_thread().name == "invis-test"
            closed.set()
            raise

    job = bench.submit(work)
    while job.count < 3:
        time.sleep(0.001)
    job.cancel()
    assert job.wait(1)
    assert closed.is_set()
    assert job.state is State.CANCELLED
    assert job.finished[0] >= 2
    job.cancel()
    assert job.state is State.CANCELLED


def test_cancelling_a_waiting_job_never_starts_it_and_lets_the_next_move_up(bench):
    gate, started = threading.Event(), []

    def never():
        started.append(1)
        yield Step(1.0)

    first = bench.submit(counting(1, gate))
    second, third = bench.submit(never), bench.submit(counting(2))
    second.cancel()
    assert second.state is State.CANCELLED
    assert third.position == 1
    gate.set()
    assert first.wait(5)
    assert third.wait(5)
    assert not started


def test_a_failure_is_one_sentence_and_the_worker_goes_on(bench):
    def wrong():
        yield Step(0.5)
        raise InvisError("alpha is 2: use a fraction")

    def worse():
        raise RuntimeError("first line\nsecond line")
        yield

    failed, broken, fine = bench.submit(wrong), bench.submit(worse), bench.submit(counting(1))
    assert fine.wait(5)
    assert (failed.state, failed.error) == (State.FAILED, "alpha is 2: use a fraction")
    assert failed.latest == Step(0.5)
    assert (broken.state, broken.error) == (State.FAILED, "RuntimeError: first line")
    assert fine.state is State.DONE


def test_the_queue_is_bounded_and_says_so(bench):
    gate = threading.Event()
    jobs = [bench.submit(counting(1, gate))]
    while jobs[0].state is State.WAITING:
        time.sleep(0.001)
    jobs += [bench.submit(counting(1, gate)) for _ in range(3)]
    with pytest.raises(InvisError, match="full, 3 jobs wait"):
        bench.submit(counting(1))
    jobs[1].cancel()
    jobs.append(bench.submit(counting(1)))
    gate.set()
    assert all(job.wait(5) for job in jobs)


def test_closing_a_worker_cancels_all(bench):
    def endless():
        while True:
            yield Step(0.0)

    running, waiting = bench.submit(endless), bench.submit(endless)
    bench.close()
    assert running.wait(2)
    assert waiting.wait(2)
    assert {running.state, waiting.state} == {State.CANCELLED}
    with pytest.raises(InvisError, match="closed"):
        bench.submit(endless)


def test_time_left_follows_from_the_share_done(bench):
    gate = threading.Event()

    def work():
        time.sleep(0.05)
        yield Step(0.25)
        gate.wait(5)

    job = bench.submit(work)
    assert job.seconds_left is None
    while job.latest is None:
        time.sleep(0.001)
    left, spent = job.seconds_left, job.seconds
    assert left == pytest.approx(3 * spent, rel=0.1)
    gate.set()
    job.wait(5)
    assert job.seconds_left is None


def test_following_sees_the_queue_news_and_the_end_on_the_callers_thread(bench):
    gate = threading.Event()

    async def watch():
        first = bench.submit(counting(1, gate))
        job = bench.submit(counting(3))
        told = []
        async for news in follow(job, 200):
            told.append((news.state, news.position, threading.current_thread()))
            gate.set()
        assert first.ended
        return job, told

    job, told = asyncio.run(watch())
    assert told[0][:2] == (State.WAITING, 1)
    assert told[-1][:2] == (State.DONE, 0)
    assert {thread for *_, thread in told} == {threading.current_thread()}
    assert job.summary == "2"


def test_a_job_that_ended_lets_go_of_its_work(bench):
    class Heavy:
        alive = 0

        def __init__(self):
            Heavy.alive += 1

        def __del__(self):
            Heavy.alive -= 1

    def work():
        heavy = Heavy()
        yield Step(1.0)
        del heavy

    jobs = [bench.submit(work) for _ in range(2)]
    for job in jobs:
        job.wait(5)
    gc.collect()
    assert Heavy.alive == 0
    assert all(job._work is None for job in jobs)


def test_a_process_ends_cleanly_while_a_job_computes():
    script = """
import time, torch
from invis.jobs import Worker
from invis.progress import Step
def work():
    x = torch.randn(64, 16, 48, 48)
    while True:
        torch.nn.functional.conv2d(x, torch.randn(16, 16, 3, 3)).sum()
        yield Step(0.0)
job = Worker().submit(work)
while job.count < 2:
    time.sleep(0.01)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_one_device_has_one_worker():
    assert worker("cpu") is worker("cpu")
    with pytest.raises(InvisError, match="device"):
        worker("nonsense")
