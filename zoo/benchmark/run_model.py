"""Do one run of a benchmark: search its settings, fit and measure the model; an error of the model is stored in the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from zoo.artifacts.saving import save_artifact
from zoo.benchmark.comparison import Comparison
from zoo.benchmark.fits.shared_fits import SharedFits
from zoo.benchmark.machine import machine, versions
from zoo.benchmark.progress import Progress
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.runs import Run
from zoo.benchmark.tuning.search import search
from zoo.benchmark.tuning.settings import format_settings_of
from zoo.benchmark.tuning.trials_file import search_folder
from zoo.config.tuned_model import with_point
from zoo.registry.plugin import describe_error
from zoo.stages.process_state import preserve_process_state
from zoo.tracebacks import show_traceback


def run_model(
    run: Run,
    comparison: Comparison[Any],
    folder: Path,
    artifact: Path | None,
    progress: Progress,
    *,
    shared: SharedFits,
    explain: Callable[[BaseException], str] = describe_error,
) -> tuple[Row, pa.Table | None]:
    """Return the row and lists of a run, and save its artifact if a folder is given; a model's error is stored in the row.

    Args:
        run: The run.
        comparison: The comparison that measures it.
        folder: Folder for checkpoints and logs of training.
        artifact: The folder of its artifact, or None to save none.
        progress: Receives the progress.
        shared: The fits that it shares with other runs; their folder also has the searches.
        explain: Returns the text of an error.
    """
    common = describe_run(run)
    origins = [part.origin for part in run.model.parts]
    culprit, notes = f"{'one of ' if len(origins) > 1 else ''}{', '.join(origins)}", list[str]()
    try:
        with preserve_process_state(culprit, notes):
            model = run.model
            if run.search is not None:
                place = search_folder(shared.folder, run.search)
                found = search(
                    model,
                    comparison.trials,
                    seed=run.search_seed,
                    folder=place,
                    progress=progress,
                    cache=shared.of_search(run, place),
                    explain=explain,
                )
                model = with_point(model, found.best.params)
                common |= {"model": model.as_json(), "settings": found.settings, "tuning": found.as_json()}
            measurement = comparison.run_model(
                model, run.seed or 0, folder=folder, progress=progress, cache=shared.of_row(run)
            )
            if artifact is not None and measurement.artifact is not None:
                save_artifact(measurement.artifact(), artifact)
    except (Exception, SystemExit) as error:  # an error of one model must not end the other runs
        show_traceback(error)
        return Row(**common, error=explain(error), notes=notes), None
    row = Row(**common, **measurement.figures())
    return replace(row, notes=[*row.notes, *notes]), measurement.lists


def describe_run(run: Run) -> dict[str, Any]:
    """Return the fields of a row that are known before the run."""
    return {
        "key": run.key,
        "label": run.model.label,
        "seed": run.seed,
        "model": run.model.as_json(),
        "settings": format_settings_of(run.model),
        "reads_time": any(part.capabilities.needs_time for part in run.model.parts),
        "versions": {**versions(), **run.versions},
        "machine": machine(),
    }
