"""Generate `docs/results/index.md`: tables of the kept runs."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from generate.markdown import GENERATED, page, rows

HEAD = (
    "Runs of `zoo bench` that were exported with `zoo report FOLDER --keep docs/results`: one file each, with the full "
    "config, seed, versions, machine, intervals and training history. Figures under one heading are comparable; times are "
    "comparable if machine and threads are the same. `epochs` is the epoch of the best weights, `s to best` the seconds of "
    "training until then, without validation."
)


def results_page(folder: Path) -> dict[str, str]:
    """Return the index of the results in a folder, keyed by its path in `docs`; empty if there are none."""
    files = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    if not files:
        return {}
    runs = sorted(files.items(), key=lambda file: (_question(file[1]), file[1]["label"], file[1]["seed"] or 0))
    parts = ["# Kept results", GENERATED, HEAD]
    for question, same in groupby(runs, key=lambda file: _question(file[1])):
        parts += [f"## {question}", _table(list(same))]
    return {"results/index.md": page(parts)}


def _question(run: dict[str, Any]) -> str:
    """Return the heading of a run: data, split, refit and task."""
    refit = "refit on training and validation events" if run["config"]["train"]["refit"] else "no refit"
    return f"{run['data']['name']}, {run['config']['split']['policy']}, {refit} (task `{run['task']}`)"


def _table(runs: list[tuple[str, dict[str, Any]]]) -> str:
    """Return the table of comparable runs."""
    metrics = list(dict.fromkeys(name for _, run in runs for name in run["metrics"]))
    headers = ("model", "seed", *metrics, "epochs", "s to best", "fit s", "machine")
    return rows(headers, [_row(name, run, metrics) for name, run in runs])


def _row(name: str, run: dict[str, Any], metrics: list[str]) -> list[str]:
    """Return the row of a run."""
    training, machine = run["training"], run["machine"]
    to_best = training.get("seconds_to_best")
    values = [run["metrics"].get(metric, [None])[0] for metric in metrics]
    return [
        f"[`{run['label']}`]({name})",
        "" if run["seed"] is None else str(run["seed"]),
        *("" if value is None else f"{value:.4f}" for value in values),
        str(training.get("epochs", "")),
        "" if to_best is None else f"{to_best:,.0f}",
        f"{run['fit_seconds']:,.1f}",
        f"{machine['gpu'] or machine['processor']}, {machine['threads']} threads",
    ]
