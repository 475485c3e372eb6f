"""A row of a table: the result of one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, with_config

from zoo.benchmark.results_folder.json_records import as_record, read_table
from zoo.errors import ResultsError


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Row:
    """The result of one run: a model, a seed, and its measurements or the error that ended it.

    Attributes:
        key: The hash of task, model, versions and seed, which identifies the row.
        label: The model's name in tables.
        seed: The seed, or None for a deterministic model.
        model: The resolved model.
        reads_time: Whether a component uses the time of the query.
        error: The error that ended the run, or None.
        metrics: Maps each metric to its value and the bounds of its 95 % interval; None if no query has a value, and for
            the bounds if too few hit.
        slices: The same for subsets of the queries (`cold`), with the expected value of random lists.
        queries: Number of evaluated queries.
        tied_edges: Share of lists whose last item has the same score as an item outside the list.
        filled: Share of the slots of all lists that the fallback filled.
        fit_seconds: Wall time of fitting.
        training: Training record of the predictor's network: epochs, seconds, history; empty for other models.
        rankers: Training record of each ranker that trains in epochs: name, epochs, history, and ignored features.
        recommend_per_second: Queries per second, answered in blocks.
        p50_ms: Median latency of a single query.
        p99_ms: 99th percentile of the latency of a single query.
        peak_memory_mib: Peak memory of the process during the run.
        parameters: Number of learned parameters.
        versions: Versions of Python, libraries, the core, and the plugins of the model and the metrics; with a hash of
            the source for an editable install.
        machine: The machine that the run used.
        notes: Further notes for the reader of the table.
        settings: Where its settings are from: `default`; `published`, if they are those of a recipe of the predictor; `given`, if
            the file sets others; `tuned (N trials)`.
        tuning: The search of its settings: trials, seconds, metric, values, and the best point; empty without one.
        reference: Whether the benchmark added the model as a reference, which is no part of the comparison.
        lists_hash: The hash of the stored lists with their metrics; empty if a version before this field wrote the row.
        external: For lists that another program made: the file, and counts of what it holds. Empty for a run of a model.
    """

    key: str
    label: str
    seed: int | None
    model: dict[str, Any]
    reads_time: bool = False
    error: str | None = None
    metrics: dict[str, list[float | None]] = field(default_factory=dict)
    slices: dict[str, Any] = field(default_factory=dict)
    queries: int = 0
    tied_edges: float = 0.0
    filled: float = 0.0
    fit_seconds: float = 0.0
    training: dict[str, Any] = field(default_factory=dict)
    rankers: list[dict[str, Any]] = field(default_factory=list)
    recommend_per_second: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    peak_memory_mib: float = 0.0
    parameters: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    settings: str = "default"
    tuning: dict[str, Any] = field(default_factory=dict)
    reference: bool = False
    lists_hash: str = ""
    external: dict[str, Any] = field(default_factory=dict)


_ROW = TypeAdapter(Row)


def read_row(path: Path) -> Row:
    """Read a row.

    Raises:
        ResultsError: The file is damaged, or holds another run than its name says.
    """
    try:
        return _check_key(as_record(_ROW, read_table(path)), path.stem)
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path} cannot be read: {error}. Remove the file to repeat its run.") from None


def _check_key(row: Row, expected: str) -> Row:
    """Return a row whose key names its file.

    Raises:
        ValueError: It has another key.
    """
    if row.key != expected:
        raise ValueError(f"key: expected {expected!r}, the name of the file, found {row.key[:80]!r}")
    return row
