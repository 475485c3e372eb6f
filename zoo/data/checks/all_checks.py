"""The table of checks, and the function that runs them on a task."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence

from zoo.config.resolved import ResolvedExperiment, ResolvedModel
from zoo.data.checks import baskets, counts, future, order, repeats, sessions, stray_times, ties
from zoo.data.checks.checked_task import CheckedTask
from zoo.data.checks.finding import Check, Finding
from zoo.data.task import Task

CHECKS: tuple[Check, ...] = (
    ties.CHECK,
    baskets.CHECK,
    sessions.CHECK,
    repeats.CHECK,
    future.CHECK,
    order.CHECK,
    counts.FEW_QUERIES,
    counts.FEW_VALIDATION_QUERIES,
    counts.SEEN_TARGETS,
    counts.NO_HISTORY,
    stray_times.CHECK,
)
"""All checks, in the order of their numbers."""


def check_task(task: Task, models: Sequence[ResolvedModel] = (), accept: Collection[str] = ()) -> list[Finding]:
    """Return what the checks find in a task, in the order of their numbers.

    Args:
        task: The task.
        models: The models that will be compared on it; without them, a column counts as read by some model.
        accept: Names of checks whose findings are marked as accepted.
    """
    checked = CheckedTask(task, models)
    findings = []
    for check in CHECKS:
        try:
            evidence = check.find(checked)
        except Exception as error:  # a check warns; it never ends a benchmark
            warnings.warn(
                f"Check {check.number} ({check.name}) could not run: {type(error).__name__}: {error}", stacklevel=2
            )
            continue
        if evidence is not None:
            effect = evidence.effect or check.effect
            accepted = check.name in accept
            findings.append(Finding(check.number, check.name, evidence.found, effect, evidence.remedy, accepted))
    return findings


def check_experiment(experiment: ResolvedExperiment, task: Task) -> list[Finding]:
    """Return what the checks find in the task of an experiment."""
    return check_task(task, experiment.models, experiment.experiment.data.accept)
