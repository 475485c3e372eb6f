"""Test cases, which are pairs of a component and a check, and their results."""

from __future__ import annotations

import unittest
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import entry_points
from io import StringIO
from types import ModuleType
from typing import Literal

from zoo.registry.component import Component
from zoo.registry.plugin import FILE_VERSION, GROUP, Source, load_plugin
from zoo.registry.registry import Registry
from zoo.stages.process_state import restored_process_state
from zoo.testing.all_checks import CHECKS
from zoo.testing.check import Check
from zoo.testing.fresh import FreshProcess
from zoo.testing.requirement import CheckFailedError, NotApplicableError
from zoo.testing.subject import Subject
from zoo.tracebacks import show_traceback

Outcome = Literal["passed", "failed", "not applicable", "failed as expected"]


@dataclass(frozen=True)
class Result:
    """The result of a case.

    Attributes:
        outcome: Whether it passed.
        detail: What was found, for a failure; the reason, for other outcomes.
    """

    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True)
class Case:
    """A component and a check that applies to it. Calling a case runs the check, for pytest."""

    subject: Subject
    check: Check

    @property
    def check_id(self) -> str:
        """Return the check's id, such as `predictor.batch-invariance`."""
        return self.check.id_for(self.subject.stage)

    @property
    def concerns(self) -> bool:
        """Return whether the check applies to the component.

        True if this cannot be determined; `result` then reports the reason.
        """
        try:
            return self.check.concerns(self.subject)
        except (Exception, SystemExit):  # the component is broken, which `tiny-valid` or `target` reports
            return True

    def __str__(self) -> str:
        """Return the case's id, such as `als-predictor.batch-invariance`."""
        return f"{self.subject.name}-{self.check_id}"

    def __call__(self) -> None:
        """Run the check.

        Raises:
            CheckFailedError: The component does not conform.
            SkipTest: The check turns out not to apply, or fails as declared in `expected_failures`.
        """
        result = self.result()
        if result.outcome == "failed":
            raise CheckFailedError(f"{self}: {result.detail}\nWhat to change: {self.check.remedy}")
        if result.outcome != "passed":
            raise unittest.SkipTest(f"{result.outcome}: {result.detail}")

    def result(self) -> Result:
        """Run the check and return the result; any exception of the component is a failure."""
        with restored_process_state():  # a component that changes the process must not affect the checks after it
            return self._result()

    def _result(self) -> Result:
        """Run the check and return the result."""
        reason = self.subject.component.spec.expected_failures.get(self.check_id)
        if not self.concerns:
            return Result("not applicable", f"it is for {self.check.only}")
        if problem := self.subject.problem(self.check.needs):
            return Result("not applicable", problem)
        try:
            with redirect_stdout(StringIO()):  # discard what the component prints
                self.check.run(self.subject)
        except NotApplicableError as error:
            return Result("not applicable", str(error))
        except (Exception, SystemExit) as error:  # a component may raise anything, or call sys.exit(0)
            if reason:
                return Result("failed as expected", reason)
            show_traceback(error)
            return Result("failed", self.subject.describe_error(error))
        if reason:
            return Result("failed", f"it passes, but the spec expects it to fail ({reason}): remove the entry")
        return Result("passed")


def conformance(plugin: ModuleType) -> list[Case]:
    """Return a case for each component of a plugin and each check that applies to it.

    Args:
        plugin: The module with the plugin's hooks.

    Raises:
        PluginError: The plugin is broken.
    """
    components = Registry([load_plugin(_source(plugin))]).components()
    return [case for case in cases(components) if case.concerns]


def cases(components: Iterable[Component]) -> Iterator[Case]:
    """Yield a case for each component and each check of its stage."""
    processes: dict[int, FreshProcess] = {}
    subjects = []
    for component in components:
        process = processes.setdefault(id(component.plugin), FreshProcess(component.plugin))
        subjects.append(Subject(component, process))
        process.subjects.append(subjects[-1])
    for subject in subjects:
        for check in CHECKS:
            if subject.stage in check.stages:
                yield Case(subject, check)


def _source(plugin: ModuleType) -> Source:
    """Return the source of a plugin: the distribution with its entry point, or a single file."""
    for point in entry_points(group=GROUP):
        if point.value == plugin.__name__ and point.dist is not None:
            return Source(point.name, point.dist.name, point.dist.version, lambda: plugin)
    return Source(plugin.__name__, plugin.__name__, FILE_VERSION, lambda: plugin)
