"""What a reader needs to repeat a run: the resolved config, the versions and the machine of each model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.benchmark.tables.report import format_external
from zoo.config.formatting import format_model
from zoo.html_report.formatting import format_figure, format_mebibytes, format_milliseconds, format_seconds
from zoo.html_report.measured import MeasuredBenchmark, MeasuredModel

if TYPE_CHECKING:
    from zoo.benchmark.results_folder.row import Row


@dataclass(frozen=True)
class Environment:
    """Software and hardware, and the runs that used them."""

    runs: str
    versions: Mapping[str, str]
    machine: Mapping[str, Any]


@dataclass(frozen=True)
class ModelDetails:
    """The details of a model.

    Attributes:
        label: Its name.
        kind: `reference`, `external`, or nothing.
        components: Its components in one line.
        config: Its resolved settings as JSON.
        runs: Each run: its seed, its figures and its key.
        notes: Notes on the runs.
        errors: Errors of runs.
        environments: The environments of its runs.
    """

    label: str
    kind: str
    components: str
    config: str
    runs: Sequence[Sequence[str]]
    notes: Sequence[str]
    errors: Sequence[str]
    environments: Sequence[Environment]


def model_details(benchmark: MeasuredBenchmark, models: Sequence[MeasuredModel]) -> list[ModelDetails]:
    """Return the details of each model."""
    main = benchmark.main_metric
    return [
        ModelDetails(
            model.label,
            model.kind,
            format_external(model.runs[0]) if model.external else format_model(model.runs[0].model),
            as_json(model.runs[0].external or model.runs[0].model),
            [_run(run, main) for run in model.runs],
            [f"{_name(run)}{note}" for run in model.runs for note in run.notes],
            [f"{_name(run)}{run.error}" for run in model.runs if run.error],
            _environments(model.runs),
        )
        for model in models
    ]


def as_json(value: Any) -> str:
    """Return settings as JSON to read: a line for each value."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _run(run: Row, metric: str | None) -> list[str]:
    """Return a run as cells: seed, metric, time to fit, latency, memory, key."""
    seed = "none" if run.seed is None else str(run.seed)
    if run.error:
        return [seed, "failed", "", "", "", run.key]
    value = run.metrics.get(metric, [None])[0] if metric else None
    return [
        seed,
        format_figure(value),
        format_seconds(run.fit_seconds),
        format_milliseconds(run.p50_ms),
        format_mebibytes(run.peak_memory_mib),
        run.key,
    ]


def _name(run: Row) -> str:
    return "" if run.seed is None else f"seed {run.seed}: "


def _environments(runs: Sequence[Row]) -> list[Environment]:
    """Return the distinct environments of runs."""
    groups: dict[str, list[Row]] = {}
    for run in runs:
        groups.setdefault(json.dumps([run.versions, run.machine], sort_keys=True), []).append(run)
    return [
        Environment(
            "" if len(groups) == 1 else f"seeds {', '.join(str(run.seed) for run in group)}",
            group[0].versions,
            group[0].machine,
        )
        for group in groups.values()
    ]
