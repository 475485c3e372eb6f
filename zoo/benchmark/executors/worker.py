"""Do a run that another process asks for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from zoo.benchmark.comparison import Comparison, open_comparison
from zoo.benchmark.executors.requests import MISSING_RUN
from zoo.benchmark.fits.shared_fits import SharedFits
from zoo.benchmark.machine import device_of, versions
from zoo.benchmark.progress import Progress
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.run_model import run_model
from zoo.benchmark.runs import Run, plan_runs
from zoo.config.load import experiment_from
from zoo.config.resolved_base import BaseResolvedExperiment
from zoo.errors import TrainingError
from zoo.registry.plugin import describe_error
from zoo.registry.registry import Registry
from zoo.training.launcher import Launcher, launching_by


def perform_run(
    request: Mapping[str, Any],
    progress: Progress | None = None,
    explain: Callable[[BaseException], str] = describe_error,
    launcher: Launcher | None = None,
) -> tuple[Row, pa.Table | None]:
    """Do a run, and return its row and its lists. The data are read once for all runs of a benchmark in a process.

    Args:
        request: What `PendingRun.request` returns.
        progress: Receives the phases of the run.
        explain: Returns the text of an error of the model.
        launcher: Starts the processes of a training with several `devices`; None to start them on this machine.

    Raises:
        ZooError: The experiment, its plugins or its data are not those of the process that asks.
    """
    _refuse_other_versions(request["versions"], versions())
    torch.set_num_threads(request["threads"])
    parts = (request[name] for name in ("experiment", "env", "plugins", "threads"))
    opened = [json.dumps(part) for part in parts]
    reads = _open.cache_info().misses
    experiment, comparison, runs = _open(*opened)
    kept = _open.cache_info().misses == reads
    if kept and request["key"] not in {run.key for run in runs}:  # data or plugins have changed since they were read
        _open.cache_clear()
        experiment, comparison, runs = _open(*opened)
    run = next((run for run in runs if run.key == request["key"]), None)
    if run is None:
        for same in [run for run in runs if [run.model.label, run.seed] == request["name"]]:
            _refuse_other_versions(request["versions"], same.versions)
        raise TrainingError(MISSING_RUN)
    artifact = request["artifact"] and Path(request["artifact"])
    shared = SharedFits.of(Path(request["results"]), runs, experiment, device_of(experiment.train.device))
    with launching_by(launcher):
        return run_model(
            run, comparison, Path(request["training"]), artifact, progress or Progress(), shared=shared, explain=explain
        )


def _refuse_other_versions(wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Refuse a process with other libraries or plugins than the one that asks: its figures would differ.

    Raises:
        TrainingError: A version differs.
    """
    if other := [f"{name} {at} and not {wanted[name]}" for name, at in found.items() if wanted.get(name, at) != at]:
        raise TrainingError(
            f"this process has {', '.join(other)}, as the process that asks for the run. Install the same versions of Python, "
            "ShopZoo, its plugins and its libraries there, then run the same command again."
        )


@lru_cache(maxsize=1)
def _open(
    table: str, env: str, plugins: str, threads: str
) -> tuple[BaseResolvedExperiment, Comparison[Any], list[Run]]:
    """Return an experiment with its data and its runs, whose keys depend on the number of threads; the arguments are JSON."""
    variables, registry = {**os.environ, **json.loads(env)}, Registry.discover(json.loads(plugins))
    experiment = experiment_from(json.loads(table), registry=registry, env=variables)
    comparison = open_comparison(experiment, device_of(experiment.train.device))
    return (
        experiment,
        comparison,
        plan_runs(experiment, comparison.references, comparison.description, json.loads(threads)),
    )
