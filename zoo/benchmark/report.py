"""From rows to a table: the best of each column, what cannot be told apart from it, and what the reader must know."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.evaluation.significance import Verdict, verdicts

if TYPE_CHECKING:
    from zoo.benchmark.store import Row, Store

LEGEND = (
    "**bold**: the best of its column. `=`: cannot be told apart from the best (paired test over the same queries, "
    "Holm-corrected, 5 %). `?`: not tested, a model with a seed needs three seeds or more."
)
MARKS: dict[Verdict, str] = {"best": "", "same": " =", "worse": "", "not tested": " ?"}


@dataclass(frozen=True)
class Cell:
    """A figure as it is printed, and what was found of it."""

    text: str
    verdict: Verdict | None = None

    @property
    def markdown(self) -> str:
        """Return the cell in markdown."""
        return (
            f"**{self.text}**" if self.verdict == "best" else self.text + (MARKS[self.verdict] if self.verdict else "")
        )


@dataclass(frozen=True)
class Table:
    """A table: headers, and a row of cells for each model."""

    headers: list[str]
    rows: list[list[Cell]]

    @property
    def markdown(self) -> str:
        """Return the table in markdown."""
        lines = [
            self.headers,
            ["---", *["---:"] * (len(self.headers) - 1)],
            *[[c.markdown for c in row] for row in self.rows],
        ]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main_table(store: Store) -> Table:
    """Return the table of a benchmark: a row a model, its seeds in the mean."""
    groups = _by_label(store.rows())
    good = {label: rows for label, rows in groups.items() if not rows[0].error}
    metrics = list(next(iter(good.values()))[0].metrics) if good else []
    found = {metric: _verdicts(store, good, metric) for metric in metrics}
    headers = ["model", *metrics, "fit s", "queries/s", "p50 ms", "p99 ms", "peak MiB"]
    rows = []
    for label, runs in groups.items():
        if runs[0].error:
            rows.append([Cell(label), Cell("failed"), *[Cell("")] * (len(headers) - 2)])
            continue
        figures = [Cell(_mean([r.metrics[metric][0] for r in runs]), found[metric].get(label)) for metric in metrics]
        speed = [Cell(text.format(np.mean([getattr(r, name) for r in runs]))) for name, text in _SPEED]
        rows.append([Cell(label), *figures, *speed])
    return Table(headers, rows)


_SPEED = (
    ("fit_seconds", "{:.2f}"),
    ("recommend_per_second", "{:,.0f}"),
    ("p50_ms", "{:.2f}"),
    ("p99_ms", "{:.2f}"),
    ("peak_memory_mib", "{:,.0f}"),
)


def interval_table(store: Store) -> Table:
    """Return every metric with its 95 % interval over the queries (of the first seed), and the spread over seeds."""
    rows = []
    for label, runs in _by_label(store.rows()).items():
        for metric, (value, low, high) in runs[0].metrics.items():
            seeds = [v for r in runs if not r.error and (v := r.metrics[metric][0]) is not None]
            spread = f"{_figure(min(seeds))} to {_figure(max(seeds))}" if len(seeds) > 1 else ""
            figures = (metric, _figure(value), f"{_figure(low)} to {_figure(high)}", spread)
            rows.append([Cell(label), *map(Cell, figures)])
    return Table(["model", "metric", "value", "95 % interval", "seeds"], rows)


def cold_table(store: Store) -> Table | None:
    """Return the metrics among cold items alone, with the floor that random lists reach; None where nothing is cold."""
    groups = {label: rows for label, rows in _by_label(store.rows()).items() if "cold" in rows[0].slices}
    if not groups:
        return None
    floor = next(iter(groups.values()))[0].slices["cold"]["floor"]
    names = list(floor)
    rows = [[Cell("random lists (expected)"), *[Cell(_figure(floor[n])) for n in names]]]
    for label, runs in groups.items():
        rows.append([Cell(label), *[Cell(_mean([r.slices["cold"]["metrics"][n][0] for r in runs])) for n in names]])
    return Table(["model", *names], rows)


def markdown(store: Store) -> str:
    """Return the report of a benchmark in markdown."""
    manifest, rows = store.manifest(), store.rows()
    cold = cold_table(store)
    failed = [f"- **{r.label}**{'' if r.seed is None else f' (seed {r.seed})'}: {r.error}" for r in rows if r.error]
    missing = len(manifest.runs) - len(rows)
    parts = [
        "# Benchmark",
        f"Task `{manifest.task}`: {_protocol(store)}",
        f"{missing} of {len(manifest.runs)} runs are still to be made: run the same command again." if missing else "",
        main_table(store).markdown,
        LEGEND,
        "## Failed runs\n\n" + "\n".join(failed) if failed else "",
        f"## Cold items\n\n{_cold_sentence(rows)}\n\n{cold.markdown}" if cold else "",
        "## Intervals\n\n" + interval_table(store).markdown,
        "## Data\n\n" + "\n".join(f"- {name}: {value}" for name, value in manifest.notes.items()),
        "## Machine\n\n" + _machine(rows),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _by_label(rows: list[Row]) -> dict[str, list[Row]]:
    """Return the rows of each model; where one of its seeds failed, that one first."""
    grouped = {label: list(group) for label, group in groupby(rows, key=lambda r: r.label)}
    return {label: sorted(group, key=lambda r: r.error is None) for label, group in grouped.items()}


def _figure(value: float | None) -> str:
    """Return a figure as it is printed; a dash where there is none."""
    return "–" if value is None else f"{value:.4f}"


def _mean(values: list[float | None]) -> str:
    """Return the mean over the seeds as it is printed."""
    known = [value for value in values if value is not None]
    return _figure(float(np.mean(known)) if known else None)


def _verdicts(store: Store, groups: dict[str, list[Row]], metric: str) -> dict[str, Verdict]:
    """Return what is best in a column and what cannot be told apart from it; nothing where no value is better."""
    higher = store.manifest().metrics[metric]
    if higher is None:
        return {}
    values: dict[str, list[NDArray[np.float64]]] = {}
    for label, runs in groups.items():
        tables = [table for run in runs if (table := store.lists(run)) is not None and metric in table.column_names]
        values[label] = [np.asarray(table[metric].to_numpy(), np.float64) for table in tables]
    seeded = {label for label, runs in groups.items() if runs[0].seed is not None}
    if not values or not all(values.values()):
        return {}
    return verdicts(values, seeded, higher_is_better=higher)


def _protocol(store: Store) -> str:
    """Return the protocol in a sentence: what a reader must know before comparing a figure."""
    experiment = store.manifest().experiment
    split, evaluate = experiment["split"], experiment["evaluate"]
    seen = evaluate["exclude_seen"]
    parts = [
        f"split `{split['policy']}`" + (" (leaks across time)" if split["policy"] == "leave-last-out" else ""),
        "every eligible item is ranked",
        {True: "seen items excluded", False: "seen items allowed"}.get(seen)
        if isinstance(seen, bool)
        else f"items seen by {', '.join(seen)} excluded",
        "fitted on everything before the test"
        if experiment["train"]["refit"]
        else "fitted without the validation events (no refit)",
    ]
    return "; ".join(str(p) for p in parts) + "."


def _cold_sentence(rows: list[Row]) -> str:
    """Return what the cold table is about."""
    cold = next(r.slices["cold"] for r in rows if "cold" in r.slices)
    return f"{cold['queries']:,} queries have targets among the {cold['items']:,} items that do not occur in training; only those items are candidates here. A model that cannot score them gets 0."


def _machine(rows: list[Row]) -> str:
    """Return what the rows were measured on, a line for each machine."""
    lines = {
        f"- {m['processor']}, {m['cores']} cores, {m['memory_mib']:,} MiB, {m['threads']} threads, GPU: {m['gpu'] or 'none'}; {m['system']}"
        for m in (r.machine for r in rows)
    }
    return "\n".join(sorted(lines))
