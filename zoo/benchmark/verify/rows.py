"""Whether a row agrees with itself, and with its lists evaluated again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from zoo.benchmark.comparison import Comparison
from zoo.benchmark.machine import sources_of, versions
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest
from zoo.config.resolved_base import digest
from zoo.data.fingerprint import fingerprint_table

CLOSE = 1e-6
"""The largest relative difference of two figures that are the same: other versions of libraries add numbers in another order."""
PER_QUERY = 1e-5
"""The same for values of queries, which are stored in single precision."""
MOST = 3
"""The number of metrics that a finding names."""

Found = Iterator[tuple[str, str]]
"""The kind and the text of each finding."""


def name_row(row: Row) -> str:
    """Return the label of a row, with its seed."""
    return row.label if row.seed is None else f"{row.label} (seed {row.seed})"


def check_by_itself(row: Row, lists: pa.Table | None, manifest: BenchmarkManifest) -> Found:
    """Yield what contradicts itself in a row and its lists; neither data nor models are needed."""
    if lists is None:
        yield "lists", "its lists are missing in `runs/`, so nothing can be recomputed"
        return
    if row.lists_hash and fingerprint_table(lists) != row.lists_hash:
        yield "lists", "its lists are not those that it was stored with: their hash differs"
    for name, (value, *_) in row.metrics.items():
        if name in lists.column_names:
            values = np.asarray(lists[name].to_numpy(), np.float64)
            mean = None if np.isnan(values).all() else float(np.nanmean(values))
            if not is_close(value, mean, PER_QUERY):
                yield "row", f"{name} is {_figure(value)}, and the mean over its lists is {_figure(mean)}"
    if _has_other_key(row, manifest):
        yield "row", "its settings, versions or seed are not those that its key was made of: one of them was changed"


def _has_other_key(row: Row, manifest: BenchmarkManifest) -> bool:
    """Return whether the key of a row is not that of its content, as far as this version knows how keys are made."""
    content = [row.model, manifest.description]
    if (
        row.external
        or row.tuning
        or row.versions.get("shopzoo") != sources_of()["shopzoo"]
        or "${" in json.dumps(content)
    ):
        return False
    experiment, libraries = manifest.experiment, versions()
    identity = {
        "task": manifest.description,
        "model": row.model,
        "versions": {name: version for name, version in row.versions.items() if name not in libraries},
        "seed": row.seed,
        "bootstrap": experiment["evaluate"].get("bootstrap"),
        "device": experiment["train"].get("device"),
        "threads": row.machine.get("threads"),
    }
    return digest(identity) != row.key


def check_against_lists(row: Row, lists: pa.Table | None, task: Comparison[Any] | None) -> Found:
    """Yield what is not so if the lists of a row are matched with the targets again."""
    if lists is None or task is None:
        return
    again = task.reevaluate(lists)
    if again.evaluation is None or not row.external:
        yield from (("lists", f"its lists cannot be those of a run: {problem}") for problem in again.problems)
    if again.evaluation is None:
        return
    if changed := list(metric_differences(row.metrics, again.evaluation.summary())):
        yield "row", f"its lists give other figures: {_join(changed)}"
    for name, values in again.evaluation.per_query.items():
        if name not in lists.column_names:
            yield "lists", f"its lists have no values of {name}"
            continue
        stored = np.asarray(lists[name].to_numpy(), np.float64)
        differ = ~np.isclose(stored, values, rtol=PER_QUERY, atol=PER_QUERY, equal_nan=True)
        if differ.any():
            at = int(np.argmax(differ))
            text = f"{name} of {int(differ.sum()):,} queries is not that of their lists; the first is row {at + 1}"
            yield "lists", f"{text}: {stored[at]:.4f}, expected {values[at]:.4f}"
    queries = len(lists) - again.evaluation.skipped
    if row.queries != queries:
        yield "row", f"it counts {row.queries:,} queries, and its lists answer {queries:,}"
    if again.filled is not None and not row.external and not is_close(row.filled, again.filled, CLOSE):
        yield (
            "row",
            f"its share of slots that the fallback filled is {row.filled:.4f}, and {again.filled:.4f} in its lists",
        )


def metric_differences(
    stored: Mapping[str, list[float | None]], found: Mapping[str, list[float | None]]
) -> Iterator[str]:
    """Yield each metric whose value or interval differs."""
    for name in dict.fromkeys([*stored, *found]):
        before, after = stored.get(name, [None]), found.get(name, [None])
        if is_close(before[0], after[0], CLOSE):
            same = len(before) == len(after) and all(map(lambda a, b: is_close(a, b, CLOSE), before, after))
            if not same:
                yield f"the interval of {name} {_interval(before)}, expected {_interval(after)}"
            continue
        yield f"{name} {_figure(before[0])}, expected {_figure(after[0])}{_share(before[0], after[0])}"


def is_close(a: float | None, b: float | None, tolerance: float) -> bool:
    """Return whether two figures are the same, or both missing."""
    if a is None or b is None:
        return a is b
    return bool(np.isclose(a, b, rtol=tolerance, atol=tolerance * 1e-3))


def _share(before: float | None, after: float | None) -> str:
    """Return by which share of the expected value a figure differs."""
    return f" ({(before - after) / abs(after):+.2%})" if before is not None and after else ""


def _figure(value: float | None) -> str:
    """Format a figure; more digits than a table shows, so that a small change is visible."""
    return "missing" if value is None else f"{value:.6f}"


def _interval(figures: list[float | None]) -> str:
    """Format an interval."""
    return " to ".join(map(_figure, figures[1:]))


def _join(parts: list[str]) -> str:
    """Join the first parts, and count the others."""
    more = f"; and {len(parts) - MOST} more" if len(parts) > MOST else ""
    return "; ".join(parts[:MOST]) + more
