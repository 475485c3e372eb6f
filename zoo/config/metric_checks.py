"""What only the classes of metrics know: their names in tables, and whether higher is better.

A class imports torch, so a metric is built only where the experiment leaves the question open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.config.chosen import Chosen
from zoo.config.train import NetworkSettings
from zoo.metric_params import CutoffParams

DEFAULT_MONITOR = NetworkSettings.model_fields["monitor"].default


def repeated_metrics(metrics: Sequence[Chosen]) -> list[str]:
    """Return an error line for each metric that has the name of an earlier one of the same component."""
    lines = []
    for at, metric in enumerate(metrics):
        for other in metrics[:at]:
            if line := _format_repeated(other, metric):
                lines.append(line)
                break
    return lines


def monitor_problem(monitor: Chosen, where: str) -> str:
    """Return an error line if early stopping cannot watch a metric, because higher is not better; else an empty string.

    Args:
        monitor: The metric.
        where: The table that sets it: `train`, or that of a model.
    """
    if f"{monitor.name}@{_cutoff(monitor)}" == DEFAULT_MONITOR:
        return ""
    metric = _built(monitor)
    if metric is None or metric.higher_is_better is True:
        return ""
    return (
        f"{where}.monitor: early stopping needs a metric for which higher is better, which {metric.name!r} is not. Choose a metric "
        f"such as {DEFAULT_MONITOR!r}."
    )


def _format_repeated(first: Chosen, second: Chosen) -> str:
    """Return an error line if two metrics have the same name in tables; else an empty string."""
    if first.component != second.component or _cutoff(first) != _cutoff(second):
        return ""
    if first.params == second.params:
        return f"evaluate.metrics: '{second.name}@{_cutoff(second)}' is listed more than once: remove one"
    a, b = _built(first), _built(second)
    if a is None or b is None or a.name != b.name:
        return ""
    known = dict(first.params)
    different = ", ".join(key for key, value in second.params if value != known[key])
    return (
        f"evaluate.metrics: {b.name!r} is listed more than once, with another {different}, and a name stands for one column of the "
        "table: remove one, or let the metric's `title` be a property that contains the parameter"
    )


def _cutoff(metric: Chosen) -> int | None:
    """Return the cutoff of a metric, if its parameters have one."""
    return metric.params.k if isinstance(metric.params, CutoffParams) else None


def _built(metric: Chosen) -> Any:
    """Return an instance of a metric, or None if it cannot be built, which the evaluation reports."""
    try:
        return metric.build()
    except (Exception, SystemExit):  # a plugin may raise anything
        return None
