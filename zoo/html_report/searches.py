"""The search of each tuned model: the value of each trial, the best so far, and which settings go with it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy.stats import rankdata

from zoo.benchmark.results_folder.json_records import as_record
from zoo.errors import ResultsError
from zoo.html_report.charts import Chart, Line, Point, Scale, path_through, plot_area
from zoo.html_report.formatting import format_figure, format_seconds
from zoo.html_report.measured import MeasuredBenchmark

TRIALS = "trials.jsonl"
WIDTH, HEIGHT = 400, 220
FEWEST_TRIALS = 8
"""The number of complete trials below which no importance is shown."""


@dataclass(frozen=True)
class SearchTrial:
    """A trial of a search.

    Attributes:
        label: The model.
        number: Its number; trial 0 has the settings of the file and the defaults, or the nearest in the search space.
        params: The settings that were tried.
        value: The metric on the validation part; None if the trial failed or was pruned.
        seconds: How long it took.
        state: How it ended.
        curve: Epoch and value of each validation of its training, by the metric of early stopping.
    """

    label: str
    number: int
    params: dict[str, Any] = field(default_factory=dict)
    value: float | None = None
    seconds: float = 0.0
    state: str = "complete"
    curve: list[list[float]] = field(default_factory=list)


_TRIAL = TypeAdapter(SearchTrial)


@dataclass(frozen=True)
class SearchView:
    """The search of a model.

    Attributes:
        label: The model.
        chart: The value of each trial, and the best so far.
        summary: What the search cost and gained.
        settings: The best settings: name, value, and the value of trial 0.
        importance: How much each setting goes with the value, in percent, the largest first; empty after too few trials.
    """

    label: str
    chart: Chart | None
    summary: str
    settings: Sequence[tuple[str, str, str]]
    importance: Sequence[tuple[str, int]]


def search_views(benchmark: MeasuredBenchmark) -> list[SearchView]:
    """Return the search of each tuned model of the folder.

    Raises:
        ResultsError: The file of the trials is damaged.
    """
    found: dict[str, list[SearchTrial]] = {}
    store = benchmark.store
    for folder in store.folders:
        searched: dict[str, list[SearchTrial]] = {}
        for trial in read_trials(folder / TRIALS):
            searched.setdefault(store.label_of(folder, trial.label), []).append(trial)
        found = {**searched, **found}  # one search that several folders have is shown once
    searches = {model.label: model.runs[0].tuning for model in benchmark.models if model.runs[0].tuning}
    return [
        search_view(
            label,
            found[label],
            metric=search["metric"],
            higher=benchmark.manifest.metrics.get(search["metric"]) is not False,
        )
        for label, search in searches.items()
        if label in found
    ]


def read_trials(path: Path) -> list[SearchTrial]:
    """Return the trials of a folder in order; none if nothing was tuned.

    Raises:
        ResultsError: A line is no trial.
    """
    if not path.exists():
        return []
    try:
        trials = [_read_trial(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise ResultsError(
            f"{path} cannot be read: {error}. Remove it and run the benchmark again, which writes it anew and repeats no trial."
        ) from None
    return sorted(trials, key=lambda trial: trial.number)


def _read_trial(line: str) -> SearchTrial:
    """Return the trial of a line, whose further fields are left out.

    Raises:
        ValueError: The line holds something else.
    """
    raw = json.loads(line)
    if not isinstance(raw, dict):
        raise ValueError(f"a line holds a {type(raw).__name__}, expected a table")
    return as_record(_TRIAL, {name: raw[name] for name in SearchTrial.__dataclass_fields__ if name in raw})


def search_view(label: str, trials: Sequence[SearchTrial], *, metric: str, higher: bool) -> SearchView:
    """Return the search of a model by a metric of the validation part, from its trials in order."""
    complete = [(trial, v) for trial in trials if (v := trial.value) is not None and math.isfinite(v)]
    pruned = [trial for trial in trials if trial.state == "pruned"]
    counts = _format_counts(trials, len(complete), len(pruned))
    if not complete:
        return SearchView(label, None, f"{counts}; none is complete", [], [])
    choose = max if higher else min
    best, value = choose(complete, key=lambda pair: pair[1])
    first = next((pair for pair in complete if pair[0].number == 0), None)
    gain = "" if first is None else f", {format_figure(first[1])} with the settings of trial 0"
    before = trials[0].params if trials[0].number == 0 else {}
    settings = [
        (name, format_setting(setting), format_setting(before.get(name))) for name, setting in best.params.items()
    ]
    return SearchView(
        label,
        _chart(label, complete, pruned, best, metric, higher=higher),
        f"{counts}; the best is trial {best.number} with {format_figure(value)}{gain}",
        settings,
        importance(complete),
    )


def _format_counts(trials: Sequence[SearchTrial], complete: int, pruned: int) -> str:
    """Return how many trials there are, how long they took, and how many have no value."""
    seconds = format_seconds(sum(trial.seconds for trial in trials))
    repeated = sum(trial.state == "repeated" and trial.value is None for trial in trials)  # of pruned trials
    failed = len(trials) - complete - pruned - repeated
    without = [f"{count} {how}" for count, how in ((pruned, "pruned"), (failed, "failed")) if count]
    found = f"{len(trials)} trial{'' if len(trials) == 1 else 's'} in {seconds}"
    return f"{found}, {', '.join(without).replace(' ', ' of them ', 1)}" if without else found


def format_setting(value: Any) -> str:
    """Return a setting; a number with four significant digits."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _chart(
    label: str,
    trials: Sequence[tuple[SearchTrial, float]],
    pruned: Sequence[SearchTrial],
    best: SearchTrial,
    metric: str,
    *,
    higher: bool,
) -> Chart:
    """Return the chart of a search, with pruned trials as crosses on the horizontal axis."""
    (left, right), (bottom, top) = plot_area(WIDTH, HEIGHT)
    x = Scale(-0.5, max(max(t.number for t in [*pruned, *(t for t, _ in trials)]) + 0.5, 1.0), left, right)
    y = Scale.of([value for _, value in trials], bottom, top)
    reached = np.maximum.accumulate([v if higher else -v for _, v in trials]) * (1 if higher else -1)
    path = path_through(
        [(x.at(t.number), y.at(float(v))) for (t, _), v in zip(trials, reached, strict=True)], steps=True
    )
    points = [
        Point(
            x.at(trial.number),
            y.at(value),
            f"trial {trial.number}",
            f"trial {trial.number}: {format_figure(value)}",
            front=trial.number == best.number,
            reference=trial.number == 0,
            anchor="end" if x.at(trial.number) > (left + right) / 2 else "start",
        )
        for trial, value in trials
    ]
    points += [Point(x.at(t.number), bottom, f"trial {t.number}", _format_pruned(t), cross=True) for t in pruned]
    title = f"{label}: validation {metric} of each trial, and the best so far. The best is trial {best.number}."
    ticks = [tick for tick in x.ticks(6) if "." not in tick.label]
    return Chart(
        title,
        "trial",
        f"validation {metric}",
        ticks,
        y.ticks(4),
        points,
        [Line("best so far", path)],
        width=WIDTH,
        height=HEIGHT,
    )


def _format_pruned(trial: SearchTrial) -> str:
    """Return after which epoch a trial was pruned, and at which value of the metric of early stopping."""
    if not trial.curve:
        return f"trial {trial.number}: pruned"
    epoch, value = trial.curve[-1]
    return f"trial {trial.number}: pruned after epoch {epoch:g}, at {format_figure(value)}"


def importance(trials: Sequence[tuple[SearchTrial, float]]) -> list[tuple[str, int]]:
    """Return how much each setting goes with the value, in percent, the largest first.

    For numbers it is the square of Spearman's rank correlation; for choices the share of the variance of the ranks that lies
    between the choices. Both are over the trials that have the setting, and say nothing about interactions.
    """
    names = dict.fromkeys(name for trial, _ in trials for name in trial.params)
    found = []
    for name in names:
        pairs = [(trial.params[name], value) for trial, value in trials if trial.params.get(name) is not None]
        if len(pairs) >= FEWEST_TRIALS and len({repr(setting) for setting, _ in pairs}) > 1:
            ranks = rankdata([value for _, value in pairs])
            found.append((name, round(100 * _explained([setting for setting, _ in pairs], ranks))))
    return sorted(found, key=lambda pair: -pair[1])


def _explained(settings: Sequence[Any], ranks: NDArray[np.float64]) -> float:
    """Return the share of the variance of ranks, `[T]`, that goes with a setting."""
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if total == 0:
        return 0.0
    if all(isinstance(s, int | float) and not isinstance(s, bool) for s in settings):
        own = rankdata(settings)
        own = own - own.mean()
        return float((own @ (ranks - ranks.mean())) ** 2 / (total * (own @ own)))
    groups: dict[str, list[float]] = {}
    for setting, rank in zip(settings, ranks, strict=True):
        groups.setdefault(repr(setting), []).append(float(rank))
    between = sum(len(g) * (float(np.mean(g)) - float(ranks.mean())) ** 2 for g in groups.values())
    return between / total
