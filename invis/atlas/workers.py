"""Workers beyond this process, by dask.distributed: local ones, or those of any cluster."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from invis.atlas.batches import Place, here
from invis.atlas.task import News, Task, open_layer, task_steps
from invis.errors import InvisError

if TYPE_CHECKING:
    from distributed import Client, Future

SECONDS_TO_CONNECT = 10
SECONDS_BETWEEN_LOOKS = 0.25
SECONDS_BETWEEN_NEWS = 0.5
LOST = (
    "the scheduler was lost: what was finished is kept, so start the same sweep again when it is "
    "back"
)
KILLED = "its worker was killed several times: it may lack memory"

# Several threads of one worker would get in each other's way: a worker searches one batch at a
# time, with as many threads as it was given.
_one_at_a_time = threading.Lock()


def threads_of(workers: int) -> int:
    """Threads of each of several workers of this machine: its share of the cores."""
    from dask.system import CPU_COUNT

    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else max(1, CPU_COUNT // workers)


@contextmanager
def local_workers(count: int) -> Iterator[Client]:
    """Processes of this machine: on its GPUs in turn, or with an equal share of its cores each."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        # Batches are sized to the memory; a worker near its limit would be paused for good.
        memory_limit=0,
        dashboard_address=None,
        # A Ctrl-C in a terminal reaches every process of the group.
        preload="invis.atlas.preload",
        env={"OMP_NUM_THREADS": threads_of(count)},
        silence_logs=logging.CRITICAL,
    )
    with cluster, Client(cluster) as client:
        yield client


@contextmanager
def cluster_workers(address: str) -> Iterator[Client]:
    """The workers of a scheduler that runs somewhere."""
    from distributed import Client

    # What happens to the connection is told in sentences of our own.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError, TypeError) as error:
        raise InvisError(
            f"scheduler {address!r} is not reachable within {SECONDS_TO_CONNECT} s: give the "
            "address that `dask scheduler` printed, such as tcp://node1:8786"
        ) from error
    with client:
        yield client


def count_workers(client: Client) -> int:
    """How many workers there are.

    Raises:
        InvisError: where the scheduler is lost.
    """
    try:
        return len(client.nthreads())
    except OSError as error:
        raise InvisError(LOST) from error


def places(client: Client, device: str | None) -> list[Place]:
    """Device and share of its machine's memory of every worker that is there now.

    Raises:
        InvisError: where a worker cannot run Invis or has no such device.
    """
    try:
        found: dict[str, Place] = client.run(here, device)
    except InvisError:
        raise
    except Exception as error:
        raise InvisError(
            f"a worker of the scheduler cannot run Invis ({type(error).__name__}: {error}): "
            "install the same version there"
        ) from error
    hosts = Counter(address.rpartition(":")[0] for address in found)
    return [
        replace(place, memory=place.memory // hosts[address.rpartition(":")[0]])
        for address, place in found.items()
    ]


def spread_steps(
    client: Client, tasks: Sequence[Task], threads: int | None = None
) -> Iterator[tuple[int, News] | None]:
    """Hand the batches to the workers; yields the number of a batch and what it reports, or None.

    A batch whose worker is lost goes to another one, which skips the units that are in the store.
    One that several workers did not survive is tried unit by unit. Closing the iterator stops the
    batches at their next snapshot.

    Args:
        threads: of a worker; as many as dask gave it if left out.

    Raises:
        InvisError: where the store cannot be written, or the scheduler is lost.
    """
    from distributed import Event, KilledWorker

    name = f"invis-sweep-{uuid.uuid4().hex[:12]}"
    heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    client.subscribe_topic(name, lambda event: heard.put(event[1]))
    stop = Event(name, client=client)
    futures: dict[Future, tuple[int, Task]] = {}

    def submit(number: int, task: Task) -> None:
        key = f"{name}-{number}-{task.address.channels[0]}-{len(task.address.channels)}"
        future = client.submit(run_task, task, number, name, threads, key=key, pure=False)
        futures[future] = number, task

    for number, task in enumerate(tasks):
        submit(number, task)
    try:
        while futures:
            try:
                told = heard.get(timeout=SECONDS_BETWEEN_LOOKS)
                failed = dict(told["failed"])
                path = tasks[told["task"]].path
                yield told["task"], News(path, told["fraction_done"], told["finished"], failed)
                continue
            except queue.Empty:
                yield None
            for future in [one for one in futures if one.done()]:
                number, task = futures.pop(future)
                error = future.exception() if future.status == "error" else None
                if isinstance(error, KilledWorker):
                    news, left = _lost(task)
                    for channel in left:
                        where = replace(task.address, channels=(channel,))
                        submit(number, replace(task, address=where))
                    yield number, news
                else:
                    yield number, _result(future, task, error)
    finally:
        with suppress(Exception):
            stop.set()
            client.unsubscribe_topic(name)
            client.cancel(list(futures))


def run_task(task: Task, number: int, name: str, threads: int | None) -> News:
    """A batch on a worker of dask: tells the client what is finished, and stops when asked to."""
    import torch
    from distributed import Event, get_worker

    worker = get_worker()
    stop = Event(name)
    finished: list[int] = []
    failed: dict[int, str] = {}
    with _one_at_a_time:
        torch.set_num_threads(threads or worker.state.nthreads)
        told = 0.0
        for news in task_steps(replace(task, device=_device(task.device, worker.name))):
            finished += news.finished
            failed |= news.failed
            now = time.monotonic()
            if news.finished or news.failed or now - told > SECONDS_BETWEEN_NEWS:
                told = now
                fresh = {"finished": news.finished, "failed": list(news.failed.items())}
                worker.log_event(
                    name, {"task": number, "fraction_done": news.fraction_done} | fresh
                )
                if stop.is_set():
                    break
    return News(task.path, 1.0, finished, failed)


def _device(asked: str | None, worker: object) -> str | None:
    """The device of one worker: local ones, which have numbers for names, share GPUs in turn."""
    import torch

    count = torch.cuda.device_count()
    if asked in (None, "cuda") and count > 1 and isinstance(worker, int):
        return f"cuda:{worker % count}"
    return asked


def _result(future: Future, task: Task, error: BaseException | None) -> News:
    """What a batch that has ended came to."""
    if future.status == "finished":
        return future.result()
    if isinstance(error, InvisError):
        raise error
    if error is None:
        raise InvisError(LOST)
    raise InvisError(f"a worker failed at {task.address}: {type(error).__name__}: {error}")


def _lost(task: Task) -> tuple[News, list[int]]:
    """What is there of a batch whose workers were killed, and the units to try one by one.

    A single unit that no worker survives is kept as failed.
    """
    layer = open_layer(task.store, task.path)
    done = set(layer.done())
    finished = [one for one in task.address.channels if one in done]
    left = [one for one in task.address.channels if one not in done]
    if len(task.address.channels) > 1:
        return News(task.path, 0.0, finished), left
    failed = dict.fromkeys(left, KILLED)
    for one in left:
        layer.fail(one, KILLED)
    return News(task.path, 0.0, finished, failed), []
