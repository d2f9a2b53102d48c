"""What a killed sweep, a lost worker and a lost scheduler leave: nothing that a resume misses."""

import json
import random
import re
import subprocess
import sys
import time

import psutil
import pytest

from invis.atlas.sweep import sweep, sweep_steps
from invis.errors import InvisError
from tests.atlas.test_sweep import stamps
from tests.cli.conftest import ENVIRONMENT, command

PATTERN = "minivgg@none:0/conv1_1..conv1_2"
UNITS = 32
FAST = {"images": 2, "device": "cpu"}


def is_clean(store):
    """`invis atlas verify` finds nothing wrong, and something to look at."""
    done = subprocess.run(
        command("atlas", "verify", store), env=ENVIRONMENT, capture_output=True, text=True
    )
    return done.returncode == 0 and re.search(r"[1-9]\d* finished units .*: clean", done.stdout)


def started(store, *more):
    args = ("sweep", PATTERN, "--store", store, "--images", 2, "--device", "cpu", *more)
    return subprocess.Popen(
        command(*args), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_ten_kills_at_random_moments_lose_and_repeat_nothing(tmp_path):
    """A sweep that is complete is followed by one of another seed, so that each kill hits work."""
    store, moments = str(tmp_path / "atlas"), random.Random(8)
    seed, kept, hits = 0, {}, 0
    began = time.monotonic()
    process = started(store, "--seed", 1000)
    process.wait()
    usual = time.monotonic() - began
    kept = stamps(store)
    assert len(kept) == UNITS
    for _ in range(10):
        process = started(store, "--seed", seed)
        try:
            # The first part of a run loads torch.
            process.wait(timeout=usual * moments.uniform(0.5, 1.0))
        except subprocess.TimeoutExpired:
            process.kill()
            hits += 1
        process.wait()
        now = stamps(store)
        assert kept.items() <= now.items(), "a finished unit was searched again, or lost"
        seed += len(now) == UNITS * (seed + 2)
        kept = now
    assert hits >= 5
    for every in range(seed + 1):
        assert sweep(PATTERN, store, **FAST, seed=every).done == UNITS
    assert kept.items() <= stamps(store).items()
    assert len(stamps(store)) == UNITS * (seed + 2)
    assert is_clean(store)


def children():
    """Worker processes of this one."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if "spawn_main" in " ".join(child.cmdline())
    ]


@pytest.mark.slow
def test_one_of_two_local_workers_is_killed(tmp_path):
    store = str(tmp_path / "atlas")
    told, kept = [], {}
    for progress in sweep_steps(PATTERN, store, **FAST, workers=2):
        told += progress.finished
        assert not progress.failures
        if told and not kept:
            children()[0].kill()
            kept = stamps(store)
    assert (progress.phase, progress.done) == ("done", UNITS)
    assert len(told) == len(set(told)) == UNITS
    assert kept.items() <= stamps(store).items()
    assert is_clean(store)
    assert not children()


@pytest.fixture
def scheduler(tmp_path):
    """A scheduler with two workers, as processes of their own: address, scheduler, workers."""
    file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": ENVIRONMENT}
    where = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    head = subprocess.Popen([*dask, "scheduler", *where, "--scheduler-file", str(file)], **quiet)
    until = time.monotonic() + 60
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    ours = ["--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(tmp_path)]
    workers = [subprocess.Popen([*dask, "worker", address, *ours], **quiet) for _ in range(2)]
    yield address, head, workers
    for process in (*workers, head):
        process.kill()
        process.wait()


@pytest.mark.slow
def test_one_of_two_workers_of_a_scheduler_is_killed(scheduler, tmp_path):
    address, _, workers = scheduler
    store = str(tmp_path / "atlas")
    told, kept = [], {}
    for progress in sweep_steps(PATTERN, store, **FAST, scheduler=address):
        told += progress.finished
        if told and not kept:
            workers[0].kill()
            kept = stamps(store)
    assert (progress.phase, progress.done, progress.failed) == ("done", UNITS, 0)
    assert len(told) == len(set(told)) == UNITS
    assert kept.items() <= stamps(store).items()
    assert is_clean(store)


@pytest.mark.slow
def test_a_scheduler_that_dies_is_told_and_what_was_finished_stays(scheduler, tmp_path):
    address, head, _ = scheduler
    store = str(tmp_path / "atlas")
    with pytest.raises(InvisError, match="was lost"):
        for progress in sweep_steps(PATTERN, store, **FAST, scheduler=address):
            if progress.finished:
                head.kill()
    kept = stamps(store)
    assert kept
    assert sweep(PATTERN, store, **FAST).done == UNITS
    assert kept.items() <= stamps(store).items()


@pytest.mark.slow
def test_a_scheduler_that_is_not_there(tmp_path):
    began = time.monotonic()
    with pytest.raises(InvisError, match="not reachable within 10 s"):
        sweep(PATTERN, str(tmp_path / "atlas"), scheduler="tcp://127.0.0.1:9")
    assert time.monotonic() - began < 15
    assert not (tmp_path / "atlas").exists()
