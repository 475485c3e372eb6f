"""The executor `processes`: each run in a process of its own on this machine, and tasks in several processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from typing import Any

from zoo.benchmark.executors.executor import Executor, FinishedRun, Job, PendingRun, Prepare
from zoo.benchmark.executors.isolation import Isolation
from zoo.benchmark.executors.task_processes import map_in_processes
from zoo.benchmark.progress import Progress
from zoo.errors import ConfigError
from zoo.executor_specs import ProcessesParams
from zoo.registry.plugin import describe_error


class Processes(Executor[ProcessesParams]):
    """Does each run in a process of its own. A row that ends its process fails alone."""

    def check(self) -> None:
        """Refuse systems without such processes or limits.

        Raises:
            ConfigError: This system has none.
        """
        if os.name != "posix":
            raise ConfigError(
                f"processes of their own (--isolate, --executor processes) need Linux or macOS, and this system is {sys.platform}. "
                "Leave the option out (in Python, isolate and executor)."
            )
        if self.params.memory is not None and not sys.platform.startswith("linux"):
            raise ConfigError(f"--memory needs Linux, and this system is {sys.platform}. Remove it.")

    @property
    def at_once(self) -> bool:
        """Return whether there are several processes."""
        return self.params.workers > 1

    def run(self, jobs: Sequence[Job]) -> Generator[FinishedRun, None, None]:
        """Yield what each run gave, as it comes."""
        limits = Isolation(self.params.memory, self.params.minutes)
        stop, told = Event(), SimpleQueue[PendingRun | FinishedRun | BaseException]()

        def work(job: Job) -> None:
            try:
                for run in job:
                    if not stop.is_set():
                        told.put(run)
                        told.put(_run_isolated(run, limits, Progress() if self.at_once else run.progress, stop))
            except BaseException as error:  # a user's progress may end the benchmark
                told.put(error)

        left = sum(len(job) for job in jobs)
        with ThreadPoolExecutor(self.params.workers, "zoo-run") as pool:
            try:
                for job in jobs:
                    pool.submit(work, job)
                while left:
                    found = told.get()
                    if isinstance(found, BaseException):
                        raise found
                    if isinstance(found, PendingRun):
                        found.started()
                    else:
                        left -= 1
                        yield found
            finally:
                stop.set()  # ends the processes, also after Ctrl-C

    def map(
        self, prepare: Prepare, request: Mapping[str, Any], tasks: Sequence[int], threads: int
    ) -> Generator[Mapping[str, Any], None, None]:
        """Yield the result of each task, as it comes."""
        return map_in_processes(self.params.workers, prepare, request, tasks, threads)


def _run_isolated(run: PendingRun, limits: Isolation, progress: Progress, stop: Event) -> FinishedRun:
    """Return what a run in a process of its own gave, or how that process ended."""
    try:
        return FinishedRun(run, *limits.run(run.request(), progress, stop))
    except Exception as error:  # such as a machine without a process, pipe or disk left for this row
        return FinishedRun(run, error=describe_error(error))
