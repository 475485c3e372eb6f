"""Learning curves: the validation metric and the loss of each network after each epoch, a line per seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.html_report.charts import SERIES, Chart, Line, Point, Scale, path_through, plot_area
from zoo.html_report.formatting import format_figure, format_seconds
from zoo.html_report.measured import MeasuredBenchmark

WIDTH, HEIGHT = 400, 220


@dataclass(frozen=True)
class Training:
    """A training in epochs.

    Attributes:
        name: The run: its seed, or its fold.
        monitor: The metric of the validation.
        epochs: The epoch of the best weights.
        stopped: What ended it; empty if unknown.
        history: The epochs with `epoch`, `loss`, `value` and `seconds`.
    """

    name: str
    monitor: str
    epochs: int
    stopped: str
    history: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class LearningCurves:
    """The learning curves of a network: the validation metric and the loss, and a sentence for each run."""

    title: str
    charts: Sequence[Chart]
    summary: Sequence[str]


def learning_curves(benchmark: MeasuredBenchmark) -> list[LearningCurves]:
    """Return the learning curves of each network and of each ranker that trains in epochs."""
    trained: dict[str, list[Training]] = {}
    for model in benchmark.ran:
        for run in model.runs:
            seed = "" if run.seed is None else f"seed {run.seed}"
            record = run.training
            if record.get("history"):
                how = Training(seed, record["monitor"], record["epochs"], record.get("stopped", ""), record["history"])
                trained.setdefault(model.label, []).append(how)
            for ranker in run.rankers:
                if ranker["history"]:
                    fold = f"fold {ranker['fold']}" if "fold" in ranker else ""
                    name = ", ".join(filter(None, [seed, fold]))
                    how = Training(name, "ndcg", ranker["epochs"], "", ranker["history"])
                    trained.setdefault(f"{model.label}: ranker {ranker['name']}", []).append(how)
    return [_curves(title, runs) for title, runs in trained.items()]


def _curves(title: str, runs: Sequence[Training]) -> LearningCurves:
    """Return the curves of the runs of a network."""
    charts = [_chart(title, runs, "value", f"validation {runs[0].monitor}")]
    if all("loss" in at for run in runs for at in run.history):
        charts.append(_chart(title, runs, "loss", "training loss"))
    return LearningCurves(title, charts, [_sentence(run) for run in runs])


def _chart(title: str, runs: Sequence[Training], field: str, y_label: str) -> Chart:
    """Return the chart of a field of the history."""
    (left, right), (bottom, top) = plot_area(WIDTH, HEIGHT)
    epochs = [float(at["epoch"]) for run in runs for at in run.history]
    values = [float(at[field]) for run in runs for at in run.history if math.isfinite(at[field])]
    x, y = Scale(min(0.0, *epochs), max(epochs) * 1.02, left, right), Scale.of(values, bottom, top)
    lines = []
    for number, run in enumerate(runs):
        places = [(x.at(at["epoch"]), y.at(at[field])) for at in run.history if math.isfinite(at[field])]
        best = [at for at in run.history if at["epoch"] == run.epochs and math.isfinite(at[field])]
        marks = [
            Point(
                x.at(at["epoch"]),
                y.at(at[field]),
                run.name,
                f"{run.name or title}: epoch {at['epoch']}, {y_label} {format_figure(at[field])}",
            )
            for at in best
        ]
        lines.append(Line(run.name, path_through(places), number % SERIES, marks))
    ticks = [tick for tick in x.ticks(6) if tick.label.isdecimal() or "," in tick.label]
    return Chart(
        f"{title}: {y_label} by epoch", "epoch", y_label, ticks, y.ticks(4), lines=lines, width=WIDTH, height=HEIGHT
    )


def _sentence(run: Training) -> str:
    """Return what ended a training and which epoch was the best."""
    last = run.history[-1]
    stopped = f", ended by {run.stopped}" if run.stopped else ""
    seconds = f" in {format_seconds(last['seconds'])}" if "seconds" in last else ""
    name = f"{run.name}: " if run.name else ""
    return f"{name}epoch {run.epochs} of {last['epoch']}{seconds}{stopped}"
