"""Remove lists that another program made from the table of a results folder: `zoo score --remove`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from zoo.benchmark.result import BenchmarkResult
from zoo.benchmark.results_folder.result_files import writing
from zoo.benchmark.results_folder.store import BenchmarkManifest
from zoo.benchmark.tables.report import markdown
from zoo.errors import ResultsError, suggestion
from zoo.folder_lock import lock_folder


def remove_lists(folder: str | Path, label: str, *, seed: int | None = None, wait: bool = False) -> BenchmarkResult:
    """Remove an external row with its files from a results folder, and write the composed files again.

    Args:
        folder: The results folder.
        label: The name of the row.
        seed: Its seed; by default the lists of all seeds are removed.
        wait: Whether to wait for another process that uses the folder, instead of raising an error.

    Returns:
        The results that are left.

    Raises:
        ResultsError: The folder has no results, or no such external row.
    """
    store = BenchmarkResult(folder)
    store.manifest()  # before a lock file is made
    with lock_folder(store.folder, wait=wait):
        found = store.manifest()
        removed = [run for run in found.runs if _is_chosen(run, label, seed)]
        if not removed:
            raise ResultsError(_none_such(store, found, label, seed))
        kept = [run for run in found.runs if run not in removed]
        with writing(store.folder / "manifest.json") as path:
            path.write_text(json.dumps(asdict(replace(found, runs=kept)), indent=1), encoding="utf-8")
        for key in {run["key"] for run in removed} - {run["key"] for run in kept}:  # two labels may have the same lists
            for suffix in ("json", "parquet"):
                (store.folder / "runs" / f"{key}.{suffix}").unlink(missing_ok=True)
        store.compose(markdown)
    return store


def _is_chosen(run: dict[str, Any], label: str, seed: int | None) -> bool:
    """Return whether a run of a manifest is an external row of a label, and of a seed if one is given."""
    return bool(run.get("external")) and run["label"] == label and (seed is None or run["seed"] == seed)


def _none_such(store: BenchmarkResult, found: BenchmarkManifest, label: str, seed: int | None) -> str:
    """Return the error of a row that is not there."""
    what = repr(label) if seed is None else f"{label!r} with seed {seed}"
    external = list(dict.fromkeys(run["label"] for run in found.runs if run.get("external")))
    if label in {run["label"] for run in found.runs if not run.get("external")}:
        return (
            f"{store.folder}: {label!r} is a model of the experiment, and --remove removes external rows. Remove the model from the "
            "experiment file, and run `zoo bench` again."
        )
    return f"{store.folder} has no external row {what}.{suggestion(label, external)} It has: {', '.join(external) or 'none'}."
