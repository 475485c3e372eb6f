"""Tables of a benchmark's rows: means over seeds, the best model of each column, and the models not significantly different from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.benchmark.tables.compared_columns import compare_column
from zoo.benchmark.tables.mean_figures import MeanFigure, read_mean_figure
from zoo.benchmark.tuning.settings import has_settings_column, is_tuned
from zoo.evaluation.significance import Verdict

if TYPE_CHECKING:
    from zoo.benchmark.results_folder.row import Row
    from zoo.benchmark.results_folder.store import Store

BY_DATA = "by the data"
"""The column of the settings that the data chose; present if they chose any."""
MARKS: dict[Verdict, str] = {"best": "", "same": " =", "worse": "", "not tested": " ?"}
TOO_FEW = "too few hits"
"""In place of an interval that the method cannot give: see `FEWEST_HITS` of `zoo.evaluation.intervals`."""


@dataclass(frozen=True)
class Cell:
    """A formatted figure with its verdict.

    Attributes:
        text: The figure.
        verdict: How it compares with the best of its column; None if it is not compared.
        reference: Whether it belongs to a reference, which is shown in grey (in markdown: in italics).
    """

    text: str
    verdict: Verdict | None = None
    reference: bool = False

    @property
    def markdown(self) -> str:
        """The cell in markdown."""
        if self.reference:
            return f"*{self.text}*" if self.text else ""
        return (
            f"**{self.text}**" if self.verdict == "best" else self.text + (MARKS[self.verdict] if self.verdict else "")
        )


@dataclass(frozen=True)
class ComparisonTable:
    """A table: headers, and one row of cells per model.

    Attributes:
        headers: The name of each column.
        rows: The cells of each row.
        detectable: Maps a column to the smallest difference from the best that its test finds with a probability of 80 %, as a
            share of the best value.
    """

    headers: list[str]
    rows: list[list[Cell]]
    detectable: Mapping[str, float] = field(default_factory=dict)

    @property
    def markdown(self) -> str:
        """The table in markdown."""
        lines = [
            self.headers,
            ["---", *["---:"] * (len(self.headers) - 1)],
            *[[c.markdown for c in row] for row in self.rows],
        ]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main_table(store: Store) -> ComparisonTable:
    """Return the main table of a benchmark: one row per model, with means over its seeds; references get no verdict."""
    groups = by_label(store.rows())
    good = {label: rows for label, rows in groups.items() if not rows[0].error and not rows[0].reference}
    metrics = list(next(iter(good.values()))[0].metrics) if good else []
    found = {metric: compare_column(store, good, metric) for metric in metrics}
    headers = ["model", *metrics, "fit s", "queries/s", "p50 ms", "p99 ms", "peak MiB"]
    if timed := any(r.reads_time for runs in groups.values() for r in runs):
        headers.append("reads time")
    if named := has_settings_column(row for runs in groups.values() for row in runs):
        headers.append("settings")
    if searched := any(is_tuned(runs) for runs in groups.values()):
        headers.append("search s")
    rows = []
    for label, runs in groups.items():
        if runs[0].error:
            rows.append([_name(label, runs), Cell("failed"), *[Cell("")] * (len(headers) - 2)])
            continue
        figures = [
            Cell(_mean([r.metrics[metric][0] for r in runs]), found[metric].verdicts.get(label)) for metric in metrics
        ]
        measured = not runs[0].external  # nothing was fitted for lists of another program
        speed = [
            Cell(text.format(np.mean([getattr(r, name) for r in runs])) if measured else "–") for name, text in _SPEED
        ]
        time = [Cell("yes" if runs[0].reads_time else "")] if timed else []
        tuned = [Cell(runs[0].settings if measured else "–")] if named else []
        tuned += [Cell(_search_seconds(runs) if measured else "–")] if searched else []
        fit = Cell(seconds(float(np.mean([r.fit_seconds for r in runs]))) if measured else "–")
        cells = [_name(label, runs), *figures, fit, *speed, *time, *tuned]
        rows.append([replace(cell, reference=True) for cell in cells] if runs[0].reference else cells)
    detectable = {metric: share for metric in metrics if (share := found[metric].detectable_share) is not None}
    return ComparisonTable(headers, rows, detectable)


_SPEED = (
    ("recommend_per_second", "{:,.0f}"),
    ("p50_ms", "{:.2f}"),
    ("p99_ms", "{:.2f}"),
    ("peak_memory_mib", "{:,.0f}"),
)


def interval_table(store: Store) -> ComparisonTable:
    """Return the mean of each metric over seeds, with the 95 % interval of this mean over the queries and the range over the seeds."""
    rows = []
    for label, every in by_label(store.rows()).items():
        runs = [r for r in every if not r.error]
        for metric in runs[0].metrics if runs else ():
            found = read_mean_figure(store, runs, metric)
            several = len(found.seeds) > 1
            spread = f"{_figure(min(found.seeds))} to {_figure(max(found.seeds))}" if several else ""
            rows.append([_name(label, runs), *map(Cell, (metric, _figure(found.value), _interval(found), spread))])
    return ComparisonTable(["model", "metric", "value", "95 % interval", "over seeds"], rows)


def _interval(found: MeanFigure) -> str:
    """Return the interval of a mean, or why there is none."""
    if found.low is None and (found.value is None or not found.per_query):
        return "–"
    return TOO_FEW if found.low is None else f"{_figure(found.low)} to {_figure(found.high)}"


def cold_table(store: Store) -> ComparisonTable | None:
    """Return the metrics on cold items only, with the expected value of random lists; None if there are no cold items."""
    groups = {label: rows for label, rows in by_label(store.rows()).items() if "cold" in rows[0].slices}
    if not groups:
        return None
    floor = next(iter(groups.values()))[0].slices["cold"]["floor"]
    names = list(floor)
    rows = [[Cell("random lists (expected)"), *[Cell(_figure(floor[n])) for n in names]]]
    for label, runs in groups.items():
        slices = [r.slices["cold"] for r in runs if "cold" in r.slices]
        figures = [_mean([s["metrics"][n][0] if s.get("scored", True) else None for s in slices]) for n in names]
        rows.append([_name(label, runs), *map(Cell, figures)])
    return ComparisonTable(["model", *names], rows)


def training_table(store: Store) -> ComparisonTable | None:
    """Return the training record of each network, one row per run; None if no model is a network."""
    runs = [r for r in store.rows() if r.training and not r.error]
    if not runs:
        return None
    labels = [r.label for r in runs]
    by_data = any("chosen" in r.training for r in runs)
    rows = []
    for r in runs:
        t = r.training
        history, refits = t.get("history", []), t.get("refits", [])
        trained = max([t["epochs"], *(at["epoch"] for at in history)])
        best = [at["value"] for at in history if at["epoch"] == t["epochs"]]
        figures = [
            f"{t['epochs']} of {trained}" if history else str(trained),
            t.get("stopped", ""),
            f"{t['monitor']} {best[0]:.4f}" if best else "",
            f"{to_best:,.1f}" if (to_best := t.get("seconds_to_best")) is not None else "",
            seconds(t["seconds"] / max(trained, 1)),
            " + ".join(map(_refit, refits)),
            *([_format_chosen(t.get("chosen", {}))] if by_data else []),
        ]
        label = r.label if labels.count(r.label) == 1 else f"{r.label}, seed {r.seed}"
        rows.append([Cell(label), *map(Cell, figures)])
    headers = ["model", "epochs", "stopped by", "validation", "s to best", "s an epoch", "refit"]
    return ComparisonTable([*headers, *([BY_DATA] if by_data else [])], rows)


def ranker_table(store: Store) -> ComparisonTable | None:
    """Return the training record of each ranker that trains in epochs, one row per run with its folds; None if there is none."""
    rows = []
    for run in store.rows():
        label = run.label if run.seed is None else f"{run.label}, seed {run.seed}"
        for name in dict.fromkeys(r["name"] for r in run.rankers):
            fits = [r for r in run.rankers if r["name"] == name]
            best = [at["value"] for r in fits for at in r["history"] if at["epoch"] == r["epochs"]]
            steady = sorted({column for r in fits for column in r["ignored"]})
            epochs = ", ".join(str(r["epochs"]) for r in fits)
            figures = (label, name, epochs, _mean(list(best)), ", ".join(steady))
            rows.append([Cell(text) for text in figures])
    return (
        ComparisonTable(["model", "ranker", "epochs", "validation ndcg", "features that never vary"], rows)
        if rows
        else None
    )


def candidate_table(store: Store) -> ComparisonTable | None:
    """Return the recall of the candidates that rankers get; None if no model has a ranker."""
    rows = []
    for label, runs in by_label(store.rows()).items():
        found = [r.slices["candidates"] for r in runs if "candidates" in r.slices]
        if found:
            counts = found[0].get("informative", found[0].get("taught"))  # `taught` in folders of earlier versions
            informative = "{:,} of {:,}".format(*counts) if counts else ""
            rows.append(
                [Cell(label), Cell(str(found[0]["k"])), Cell(_mean([f["recall"] for f in found])), Cell(informative)]
            )
    return ComparisonTable(["model", "candidates", "recall", "lists learned from"], rows) if rows else None


def _refit(fit: dict[str, Any]) -> str:
    """Return the epochs and seconds of a refit, and what ended it early."""
    cut = f", cut short by {fit['stopped']}" if "stopped" in fit else ""
    return f"{fit['epochs']} in {fit['seconds']:,.1f} s{cut}"


def _format_chosen(chosen: dict[str, float]) -> str:
    """Return the values that the data chose: `dropout 0.58, batch_size 128`."""
    return ", ".join(f"{name} {value:g}" for name, value in chosen.items())


def by_label(rows: list[Row]) -> dict[str, list[Row]]:
    """Return the rows of each model, failed runs first."""
    grouped = {label: list(group) for label, group in groupby(rows, key=lambda r: r.label)}
    return {label: sorted(group, key=lambda r: r.error is None) for label, group in grouped.items()}


def seconds(value: float) -> str:
    """Format a duration in seconds; to the millisecond if it is short."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def _search_seconds(runs: list[Row]) -> str:
    """Return the seconds of a model's search, which its seeds share; empty without one."""
    return seconds(runs[0].tuning["seconds"]) if runs[0].tuning else ""


def _figure(value: float | None) -> str:
    """Format a figure; None becomes a dash."""
    return "–" if value is None else f"{value:.4f}"


def _mean(values: list[float | None]) -> str:
    """Format the mean over the seeds."""
    known = [value for value in values if value is not None]
    return _figure(float(np.mean(known)) if known else None)


def _name(label: str, runs: list[Row]) -> Cell:
    """Return the first cell of a model's row."""
    if runs[0].reference:
        return Cell(f"{label} (reference)", reference=True)
    return Cell(f"{label} (external)" if runs[0].external else label)
