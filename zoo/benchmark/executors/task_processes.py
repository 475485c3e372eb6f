"""Map a function over tasks in several processes of this machine, each of which opens what the tasks share once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any

import torch

from zoo.benchmark.executors.executor import Prepare
from zoo.errors import ResourceError

_PREPARED = list[Callable[[int], Mapping[str, Any]]]()
"""In a worker: the function that does a task, once there was one."""


def map_in_processes(
    workers: int, prepare: Prepare, request: Mapping[str, Any], tasks: Sequence[int], threads: int
) -> Generator[Mapping[str, Any], None, None]:
    """Yield the result of each task, as it comes; the arguments are those of `Executor.map`.

    Raises:
        ResourceError: A process ended without a result.
        ZooError: A task failed.
    """
    others = {*multiprocessing.active_children()}
    pool = ProcessPoolExecutor(
        min(workers, max(len(tasks), 1)), multiprocessing.get_context("spawn"), _start_worker, (threads,)
    )
    try:
        doing = [pool.submit(_do_task, prepare, request, task) for task in tasks]
        for done in as_completed(doing):
            yield done.result()
    except BrokenProcessPool as error:
        raise ResourceError(
            "a process of --executor processes ended without a result, as the kernel does if the memory of the machine is full. Run "
            "the same command again, with fewer processes if it lacks memory."
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in {*multiprocessing.active_children()} - others:
            process.terminate()  # what it was writing is removed by the next command
            process.join()


def _start_worker(threads: int) -> None:
    """Prepare a process: the parent alone is interrupted, and no process stays when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)


def _do_task(prepare: Prepare, request: Mapping[str, Any], task: int) -> Mapping[str, Any]:
    """Do a task in a worker."""
    if not _PREPARED:
        _PREPARED.append(prepare(request))
    return _PREPARED[0](task)


def _end_with_parent() -> None:
    """Wait until the parent has ended, and end this process."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
