"""Generate `docs/results/index.md`: tables of the kept runs."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from generate.markdown import GENERATED, page, rows
from zoo.benchmark.results_folder.export import read_runs

HEAD = (
    "Runs of `zoo bench` that were exported with `zoo report FOLDER --keep docs/results`: a file for each data set and a line for each run, with "
    "the full config, seed, versions, machine, intervals and training history. Figures under one heading are comparable; times are "
    "comparable if machine and threads are the same. `epochs` is the epoch of the best weights, `s to best` the seconds of "
    "training until then, without validation."
)


def results_page(folder: Path) -> dict[str, str]:
    """Return the index of the results in a folder, keyed by its path in `docs`; empty if there are none.

    Raises:
        ResultsError: A line of a file is not an exported run.
    """
    runs = [(path.name, run) for path in sorted(folder.glob("*.jsonl")) for run in read_runs(path)]
    if not runs:
        return {}
    runs.sort(key=lambda found: (_question(found[1]), found[1]["label"], found[1]["seed"] or 0))
    parts = ["# Kept results", GENERATED, HEAD]
    for question, same in groupby(runs, key=lambda found: _question(found[1])):
        found = list(same)
        files = ", ".join(f"[{name}]({name})" for name in dict.fromkeys(name for name, _ in found))
        parts += [f"## {question}", f"From {files}.", _table([run for _, run in found])]
    return {"results/index.md": page(parts)}


def _question(run: dict[str, Any]) -> str:
    """Return the heading of a run: data, split, refit and task."""
    refit = "refit on training and validation events" if run["config"]["train"]["refit"] else "no refit"
    return f"{run['data']['name']}, {run['config']['split']['policy']}, {refit} (task `{run['task']}`)"


def _table(runs: list[dict[str, Any]]) -> str:
    """Return the table of comparable runs."""
    metrics = list(dict.fromkeys(name for run in runs for name in run["metrics"]))
    headers = ("model", "seed", *metrics, "epochs", "s to best", "fit s", "machine")
    return rows(headers, [_row(run, metrics) for run in runs])


def _row(run: dict[str, Any], metrics: list[str]) -> list[str]:
    """Return the row of a run."""
    training, machine = run["training"], run["machine"]
    to_best = training.get("seconds_to_best")
    values = [run["metrics"].get(metric, [None])[0] for metric in metrics]
    return [
        f"`{run['label']}`",
        "" if run["seed"] is None else str(run["seed"]),
        *("" if value is None else f"{value:.4f}" for value in values),
        str(training.get("epochs", "")),
        "" if to_best is None else f"{to_best:,.0f}",
        f"{run['fit_seconds']:,.1f}",
        f"{machine['gpu'] or machine['processor']}, {machine['threads']} threads",
    ]
