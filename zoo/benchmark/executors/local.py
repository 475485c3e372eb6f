"""The executor `local`: each run or task in this process, one after the other."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import torch

from zoo.benchmark.executors.executor import Executor, FinishedRun, Job, Prepare
from zoo.executor_specs import LocalParams


class Local(Executor[LocalParams]):
    """Does the runs in this process."""

    @property
    def at_once(self) -> bool:
        """Return false."""
        return False

    def run(self, jobs: Sequence[Job]) -> Generator[FinishedRun, None, None]:
        """Yield what each run gave, in the order of the plan."""
        for job in jobs:
            for run in job:
                run.started()
                yield FinishedRun(run, *run.run_here())

    def map(
        self, prepare: Prepare, request: Mapping[str, Any], tasks: Sequence[int], threads: int
    ) -> Generator[Mapping[str, Any], None, None]:
        """Yield the result of each task, in their order."""
        if tasks:
            torch.set_num_threads(threads)
            do_task = prepare(request)
            for task in tasks:
                yield do_task(task)
