"""Quality against cost: a chart for each kind of cost, with the models that no other model beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.html_report.charts import Chart, Format, Point, Scale, label_apart, path_through, plot_area, ticks_apart
from zoo.html_report.formatting import (
    format_figure,
    format_mebibytes,
    format_milliseconds,
    format_seconds,
    format_seconds_tick,
)
from zoo.html_report.measured import MeasuredBenchmark, MeasuredMetric


@dataclass(frozen=True)
class Cost:
    """A kind of cost: the field of a row, its name, its format, and the format of the ticks of its axis."""

    field: str
    name: str
    form: Format
    tick: Format


COSTS = (
    Cost("fit_seconds", "time to fit", format_seconds, format_seconds_tick),
    Cost("p50_ms", "latency of a query (median)", format_milliseconds, lambda ms: format_seconds_tick(ms / 1000)),
    Cost("peak_memory_mib", "peak memory", format_mebibytes, format_mebibytes),
)


def cost_charts(benchmark: MeasuredBenchmark, metric: MeasuredMetric) -> list[Chart]:
    """Return the charts of a metric against each cost that was measured."""
    charts = (_chart(benchmark, metric, cost) for cost in COSTS)
    return [chart for chart in charts if chart is not None]


def _chart(benchmark: MeasuredBenchmark, metric: MeasuredMetric, kind: Cost) -> Chart | None:
    """Return a chart; None if no model has both values."""
    found = []
    for model in benchmark.ran:
        value, cost = metric.figures[model.label].value, model.mean(kind.field)
        if value is not None and cost > 0:
            found.append((model, cost, value))
    if not found:
        return None
    front = pareto_front([cost for _, cost, _ in found], [value for _, _, value in found], higher=metric.higher is True)
    (left, right), (bottom, top) = plot_area()
    x = Scale.of([cost for _, cost, _ in found], left, right, log=True)
    y = Scale.of([value for _, _, value in found], bottom, top)
    points = [
        Point(
            x.at(cost),
            y.at(value),
            model.label,
            f"{model.label}: {metric.name} {format_figure(value)}, {kind.form(cost)}",
            front=at in front,
            reference=model.reference,
            anchor="end" if x.at(cost) > left + 0.62 * (right - left) else "start",
        )
        for at, (model, cost, value) in enumerate(found)
    ]
    names = ", ".join(points[at].name for at in front)
    return Chart(
        f"{metric.name} against {kind.name}. Not beaten in both: {names}.",
        kind.name,
        metric.name,
        ticks_apart(x.ticks(5, kind.tick)),
        y.ticks(5),
        points=label_apart(sorted(points, key=lambda point: point.front), Chart.width),
        front=path_through([(points[at].x, points[at].y) for at in front], steps=True),
    )


def pareto_front(costs: Sequence[float], values: Sequence[float], *, higher: bool) -> list[int]:
    """Return the positions of the points that no other point beats: none has a cost as low and a better value.

    Args:
        costs: The cost of each point; lower is better.
        values: The value of each point.
        higher: Whether a higher value is better.

    Returns:
        The positions in ascending order of cost.
    """
    sign = -1.0 if higher else 1.0
    front: list[int] = []
    best = float("inf")
    for at in sorted(range(len(costs)), key=lambda at: (costs[at], sign * values[at])):
        if sign * values[at] < best:
            front.append(at)
            best = sign * values[at]
    return front
