"""The executors that `zoo bench --executor` can select by name, and the parameters of the core's own; torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from zoo.extension_specs import check_spec
from zoo.params import Params


class LocalParams(Params):
    """This process has no parameters."""


class ProcessesParams(Params):
    """The processes, and their limits."""

    workers: int = Field(1, ge=1, le=1024)
    """Number of processes at once."""
    memory: float | None = Field(None, gt=0)
    """The most memory that the process of a run may allocate, in GiB."""
    minutes: float | None = Field(None, gt=0)
    """The most minutes of a run, with the time to start and to read the data."""


@dataclass(frozen=True)
class ExecutorSpec:
    """A place where the runs of a benchmark happen.

    Attributes:
        name: The value of `--executor`.
        target: `"package.module:Class"`, a subclass of `zoo.api.Executor`, imported at first use.
        params: The class of its parameters; each has a default.
        summary: One sentence.
        value: The parameter that `--executor name=VALUE` sets; empty if there is none.
    """

    name: str
    target: str
    params: type[Params]
    summary: str = ""
    value: str = ""

    def __post_init__(self) -> None:
        """Check what can be checked without importing the target.

        Raises:
            ValueError: A field is malformed.
        """
        check_spec("executor", self.name, self.target, self.params)
        if self.value and self.value not in self.params.model_fields:
            raise ValueError(f"executor {self.name!r}: value {self.value!r} is no parameter of {self.params.__name__}")


EXECUTORS: Mapping[str, ExecutorSpec] = {
    spec.name: spec
    for spec in (
        ExecutorSpec(
            "local",
            "zoo.benchmark.executors.local:Local",
            LocalParams,
            "Does the runs one after the other in this process.",
        ),
        ExecutorSpec(
            "processes",
            "zoo.benchmark.executors.processes:Processes",
            ProcessesParams,
            "Does each run in a process of its own on this machine, several at once.",
            value="workers",
        ),
    )
}
"""The core's executors by name. A plugin adds one with the hook `zoo_executors`."""
