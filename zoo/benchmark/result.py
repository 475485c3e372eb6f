"""The result of a benchmark in Python: the store of its runs, shown as the table of the command line."""

from __future__ import annotations

import shutil
import weakref
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zoo.benchmark.results_folder.json_records import refusing_damage
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.tables.check_report import findings_line
from zoo.benchmark.tables.comparison_tables import MARKS, by_label, main_table
from zoo.benchmark.tables.mean_figures import read_mean_figure
from zoo.benchmark.tables.missing_values import format_missing_values
from zoo.benchmark.tables.report import finding, legend
from zoo.benchmark.tuning.settings import format_mixed_settings
from zoo.data.checks.finding import Finding
from zoo.tables import ResultTable

FIGURES = ("fit_seconds", "recommend_per_second", "p50_ms", "p99_ms", "peak_memory_mib")
"""The fields of a row that the table contains besides the metrics."""


class BenchmarkResult(Store, ResultTable):
    """The results of a benchmark: a table with one row per model, and the store with its runs and lists.

    In a terminal and in a notebook it shows the table of `zoo bench`: means over the seeds; `*` marks the best value of a
    column, `=` values that are not significantly different from it, `?` values that are not tested.
    """

    def __init__(self, folder: str | Path, *, temporary: bool = False) -> None:
        """Open a folder of results.

        Args:
            folder: The folder.
            temporary: Whether the folder is removed with this object.
        """
        super().__init__(folder)
        if temporary:
            weakref.finalize(self, shutil.rmtree, str(folder), ignore_errors=True)

    @property
    def findings(self) -> list[Finding]:
        """What the checks of the data and the split have found: `number`, `name`, what it can do to the ranking, and the remedy."""
        return [Finding(**found) for found in self.manifest().findings]

    def to_arrow(self) -> pa.Table:
        """Return one row per model.

        Columns: `model`; `reference`; `external`, whether another program made the lists; each metric with its mean over the seeds, and the 95 % interval of
        this mean over the queries (`_low`, `_high`; null if too few queries hit, and for a value of all lists together with several
        seeds); `seeds`; means of `fit_seconds`, `recommend_per_second`,
        `p50_ms`, `p99_ms` and `peak_memory_mib`, null for external lists; `settings`, and `search_seconds`, null for a model that is
        not tuned; `error`, null for a model that ran.
        """
        groups = by_label(self.rows())
        metrics = list(self.manifest().metrics)
        with refusing_damage(self.folder):
            return pa.Table.from_pylist(
                [_row(self, label, runs, metrics) for label, runs in groups.items()], schema=_schema(metrics)
            )

    def __repr__(self) -> str:
        """Return the table and the main finding as text."""
        table = main_table(self)
        cells = [table.headers, *[[f"{c.text}{_mark(c.verdict)}" for c in row] for row in table.rows]]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(_pad(cell, w, at) for at, (cell, w) in enumerate(zip(row, widths, strict=True))) for row in cells
        ]
        notes = [
            legend(self, table, best="*"),
            finding(self, table),
            format_mixed_settings(by_label(self.rows())),
            *format_missing_values(self),
            findings_line(self.manifest()),
        ]
        return "\n".join([*(line.rstrip() for line in lines), *filter(None, notes)])

    def _repr_html_(self) -> str:
        """Return the table and the main finding as HTML, for notebooks."""
        table = main_table(self)
        head = "".join(f"<th>{escape(name)}</th>" for name in table.headers)
        body = ""
        for row in table.rows:
            cells = [escape(c.text + (MARKS[c.verdict] if c.verdict else "")) for c in row]
            cells = [f"<b>{text}</b>" if c.verdict == "best" else text for c, text in zip(row, cells, strict=True)]
            cells = [f"<i>{text}</i>" if c.reference and text else text for c, text in zip(row, cells, strict=True)]
            first, *others = cells
            right = "".join(f'<td style="text-align: right">{text}</td>' for text in others)
            body += f"<tr><td>{first}</td>{right}</tr>"
        mixed = format_mixed_settings(by_label(self.rows()))
        notes = [finding(self, table), mixed, *format_missing_values(self), findings_line(self.manifest())]
        found = "".join(f"<p>{escape(note.replace('`', ''))}</p>" for note in notes if note)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{found}"


def _row(store: Store, label: str, runs: list[Row], metrics: list[str]) -> dict[str, Any]:
    """Return the row of a model; a model of which a run failed has only its error."""
    first = runs[0]
    row: dict[str, Any] = {
        "model": label, "reference": first.reference, "external": bool(first.external), "seeds": len(runs),
    }  # fmt: skip
    if runs[0].error:
        return {**row, "error": runs[0].error}
    for metric in metrics:
        found = read_mean_figure(store, runs, metric)
        row |= {metric: found.value, f"{metric}_low": found.low, f"{metric}_high": found.high}
    if first.external:
        return row
    row |= {"settings": first.settings, "search_seconds": first.tuning.get("seconds")}
    return {**row, **{name: float(np.mean([getattr(run, name) for run in runs])) for name in FIGURES}}


def _schema(metrics: list[str]) -> pa.Schema:
    """Return the schema of the table."""
    figures = [name for metric in metrics for name in (metric, f"{metric}_low", f"{metric}_high")]
    return pa.schema([
        ("model", pa.string()), ("reference", pa.bool_()), ("external", pa.bool_()), *((name, pa.float64()) for name in figures),
        ("seeds", pa.int64()), *((name, pa.float64()) for name in FIGURES),
        ("settings", pa.string()), ("search_seconds", pa.float64()), ("error", pa.string()),
    ])  # fmt: skip


def _mark(verdict: Any) -> str:
    """Return the mark of a verdict in plain text."""
    return {**MARKS, "best": " *"}[verdict] if verdict else ""


def _pad(cell: str, width: int, column: int) -> str:
    """Return a cell at the width of its column; numbers stand on the right, marks included."""
    return cell.ljust(width) if column == 0 else cell.rjust(width)
