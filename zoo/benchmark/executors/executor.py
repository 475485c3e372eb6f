"""The contract of an executor: it gets the runs of a benchmark that are not finished, and yields what each gave.

The benchmark alone reads the plan, stores rows and writes reports. An executor decides where and when a run happens; no figure
depends on it, except times. An executor can also map a function over tasks that share something large, such as an artifact.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pyarrow as pa

from zoo.benchmark.progress import Progress
from zoo.benchmark.results_folder.row import Row
from zoo.config.model_resources import Resources
from zoo.errors import ConfigError
from zoo.params import Params

P = TypeVar("P", bound=Params)


@dataclass(frozen=True, eq=False)
class PendingRun:
    """A run to do.

    Attributes:
        key: The key of its row.
        name: The model and the seed, for messages.
        resources: What it needs of a machine.
        threads: The number of threads that it computes with.
        ranks: The most processes in which it trains a network and which a `Launcher` may start; 1 if it needs none.
        request: Returns what `perform_run` needs to do the run in any process that sees the folder of the benchmark and the data,
            as JSON.
        started: Tells the benchmark that the run begins. Called once, from the thread that iterates over the results.
        progress: Receives the phases of a run, if an executor does one at a time.
        run_here: Does the run in this process, and reports its progress.
    """

    key: str
    name: str
    resources: Resources
    threads: int
    ranks: int
    request: Callable[[], Mapping[str, Any]]
    started: Callable[[], None]
    progress: Progress
    run_here: Callable[[], tuple[Row, pa.Table | None]]


Job = Sequence[PendingRun]
"""Runs that share fits: an executor does them one after the other, in this order."""


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """What a run gave.

    Attributes:
        run: The run.
        row: Its row, which has the error of a model that failed; None if the run ended without a row.
        lists: Its lists; None if it failed.
        error: Why there is no row, in words for the row of the run.
    """

    run: PendingRun
    row: Row | None = None
    lists: pa.Table | None = None
    error: str = ""


Prepare = Callable[[Mapping[str, Any]], Callable[[int], Mapping[str, Any]]]
"""Opens what all tasks of a request share, and returns the function that does one task and returns its result as JSON.

It is a function or a class of a module, so that other processes can import it.
"""


class Executor(ABC, Generic[P]):
    """Does the runs of a benchmark; built from its parameters alone."""

    def __init__(self, params: P) -> None:
        self.params = params

    def check(self) -> None:
        """Check that this executor can work on this machine; called before anything is read.

        Raises:
            ConfigError: It cannot; the message says what to do.
        """

    @property
    def at_once(self) -> bool:
        """Whether several runs are done at the same time."""
        return True

    @abstractmethod
    def run(self, jobs: Sequence[Job]) -> Generator[FinishedRun, None, None]:
        """Yield what each run gave, as it comes; one that ends without a result is yielded with its error.

        If the iteration is closed before its end, everything that still runs is ended.

        Raises:
            ConfigError: The runs ask for what there is not, such as a graphics card.
        """

    def map(
        self, prepare: Prepare, request: Mapping[str, Any], tasks: Sequence[int], threads: int
    ) -> Generator[Mapping[str, Any], None, None]:
        """Yield the result of each task, as it comes. Override for `zoo recommend --all-users`, whose tasks are shards of users.

        A task may be done again if its process is lost. If the iteration is closed before its end, everything that still runs is
        ended.

        Args:
            prepare: Called once in each process that does tasks, with the request; what it returns is called with each task.
            request: Plain values, which any process can use that sees the same files.
            tasks: Numbers of the tasks.
            threads: The number of threads that a task computes with.

        Raises:
            ConfigError: The executor does runs of benchmarks only, or has no place for a task.
            ZooError: A task failed.
        """
        raise ConfigError(
            f"--executor: {type(self).__name__} does the runs of benchmarks only: it does not override `map`. Use another executor."
        )
