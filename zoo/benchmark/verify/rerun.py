"""Run a row of a results folder again, and compare its figures and lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pyarrow as pa

from zoo.benchmark.changed_runs import differing_paths
from zoo.benchmark.comparison import Comparison
from zoo.benchmark.fits.shared_fits import SharedFits
from zoo.benchmark.library_versions import LIBRARIES
from zoo.benchmark.machine import device_of, machine, versions
from zoo.benchmark.progress import Progress
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.stored_experiment import StoredExperiment
from zoo.benchmark.run_model import run_model
from zoo.benchmark.runs import Run, plan_runs
from zoo.benchmark.thread_counts import using_threads
from zoo.benchmark.verify.rows import metric_differences, name_row
from zoo.errors import ConfigError

ORDERED = ("items", "query_id")
"""The columns of lists that say what a list has; scores may differ in the last bits."""
MACHINE = ("processor", "gpu", "system")


@dataclass(frozen=True)
class Rerun:
    """A row that ran again.

    Attributes:
        name: Its label, with its seed.
        outcome: `reproduced`, `drifted`, or `impossible`.
        text: What differs, or why it is impossible.
    """

    name: str
    outcome: Literal["reproduced", "drifted", "impossible"]
    text: str = ""


def rerun_row(row: Row, lists: pa.Table, stored: StoredExperiment, task: Comparison[Any]) -> Rerun:
    """Fit and measure the model of a row again, in a temporary folder and with the number of threads of the row.

    A tuned row runs with the settings that its search found; the search is not repeated.

    Args:
        row: The row.
        lists: Its lists.
        stored: The experiment of the folder.
        task: Its task.
    """
    name, threads = name_row(row), row.machine.get("threads")
    if row.label in stored.unresolved:
        return Rerun(name, "impossible", stored.unresolved[row.label])
    with using_threads(threads if isinstance(threads, int) else None):
        run = _planned(row, stored, task)
        if run is None:
            return Rerun(name, "impossible", "the experiment of the folder has no such model and seed")
        if changed := list(_changed_settings(row, run)):
            return Rerun(name, "drifted", f"its settings are not those of the experiment: {', '.join(changed)}")
        if row.tuning:
            try:
                run = replace(run, model=stored.with_settings(row.label, row.model))
            except ConfigError as error:
                return Rerun(name, "drifted", f"its settings are not valid: {error}")
        if other := list(_other_versions(row, run)):
            return Rerun(name, "impossible", f"it was measured with other versions: {', '.join(other)}")
        with TemporaryDirectory(prefix="zoo-verify-") as folder:
            shared = SharedFits.of(Path(folder), [run], stored.experiment, device_of(stored.experiment.train.device))
            again, found = run_model(run, task, Path(folder) / "training", None, Progress(), shared=shared)
    if again.error or found is None:
        return Rerun(name, "drifted", f"it fails now: {again.error}")
    differences = [
        *metric_differences(row.metrics, again.metrics),
        *_other_slices(row, again),
        *_other_lists(lists, found),
    ]
    if not differences:
        return Rerun(name, "reproduced")
    return Rerun(name, "drifted", "; ".join([*differences, *_other_machine(row)]))


def _planned(row: Row, stored: StoredExperiment, task: Comparison[Any]) -> Run | None:
    """Return the run of a row as the experiment plans it."""
    runs = plan_runs(stored.experiment, task.references, task.description)
    return next((run for run in runs if (run.model.label, run.seed) == (row.label, row.seed)), None)


def _changed_settings(row: Row, run: Run) -> Iterator[str]:
    """Yield the settings in which a row and its experiment differ, but for those that a search has found."""
    found = {_last_key(name) for name in row.tuning.get("params", {})}
    changed = dict.fromkeys(differing_paths(row.model, run.model.as_written()))
    yield from (path for path in changed if _last_key(path) not in found)


def _last_key(path: str) -> str:
    """Return the last key of a path; a search marks the switch of a parameter that may have no value with `?`."""
    return path.rpartition(".")[2].rstrip("?")


def _other_versions(row: Row, run: Run) -> Iterator[str]:
    """Yield the core, plugins and libraries of which the row has other versions."""
    here = {**{name: version for name, version in versions().items() if name in LIBRARIES}, **run.versions}
    for name, version in here.items():
        if (before := row.versions.get(name)) != version:
            yield f"{name} {before or 'missing'}, here {version}"


def _other_slices(row: Row, again: Row) -> Iterator[str]:
    """Yield the slices in which figures differ."""
    for name in dict.fromkeys([*row.slices, *again.slices]):
        before, after = row.slices.get(name, {}), again.slices.get(name, {})
        figures = [part.get("metrics") or {"recall": [part.get("recall")]} for part in (before, after)]
        yield from (f"{name} items: {difference}" for difference in metric_differences(*figures))


def _other_lists(stored: pa.Table, found: pa.Table) -> Iterator[str]:
    """Yield how many lists differ."""
    for name in ORDERED:
        if name in found.column_names and name in stored.column_names:
            pairs = zip(stored[name].to_pylist(), found[name].to_pylist(), strict=False)
            if differ := sum(a != b for a, b in pairs) + abs(len(stored) - len(found)):
                yield f"{differ:,} of {len(found):,} lists differ"


def _other_machine(row: Row) -> Iterator[str]:
    """Yield that the row was measured on another machine, where the last bits of results can differ."""
    here = machine()
    changed = [
        f"{key} {row.machine.get(key)}, here {here[key]}" for key in MACHINE if row.machine.get(key) != here[key]
    ]
    if changed:
        yield f"it was measured on another machine ({'; '.join(changed)})"
