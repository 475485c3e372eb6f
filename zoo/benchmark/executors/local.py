"""The executor `local`: each run in this process, one after the other."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from zoo.benchmark.executors.executor import Executor, FinishedRun, Job
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
