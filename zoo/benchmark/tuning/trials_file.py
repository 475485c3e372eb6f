"""`trials.jsonl` in the folder of a benchmark: the trials of all models, one line each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zoo.atomic import write_atomically
from zoo.benchmark.runs import Run
from zoo.benchmark.tuning.search import TRIALS
from zoo.benchmark.tuning.trial import Trial, within_budget
from zoo.config.variables import Variables

TUNING = "tuning"
"""The folder with a folder for each search."""


def search_folder(folder: Path, key: str) -> Path:
    """Return the folder of a search in that of a benchmark."""
    return folder / TUNING / key


def write_trials(folder: Path, runs: Iterable[Run], variables: Variables) -> None:
    """Write the trials of all models of a benchmark that their budgets pay for, in one step.

    Args:
        folder: The folder of the benchmark.
        runs: Its runs.
        variables: The environment variables of the experiment file, which are stored as they are written there.
    """
    lines: list[str] = []
    for run in {run.model.label: run for run in runs}.values():
        if run.search is None or run.model.tuning is None:
            continue
        found = [Trial(**trial) for trial in read_trials(search_folder(folder, run.search) / TRIALS)]
        trials, _ = within_budget(found, run.model.tuning.settings)
        head = {"label": run.model.label, "search": run.search}
        lines += [json.dumps(head | variables.hide(trial.as_json())) + "\n" for trial in trials]
    if lines:
        with write_atomically(folder / TRIALS) as path:
            path.write_text("".join(lines), encoding="utf-8")


def read_trials(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of trials; none if it does not exist."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
