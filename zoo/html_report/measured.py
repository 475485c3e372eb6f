"""A benchmark as its HTML report reads it: the models, and each metric with intervals and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.benchmark.tables.compared_columns import compare_column, read_values
from zoo.benchmark.tables.comparison_tables import by_label
from zoo.evaluation.intervals import mean_interval
from zoo.evaluation.significance import Verdict

if TYPE_CHECKING:
    from zoo.benchmark.results_folder.row import Row
    from zoo.benchmark.results_folder.store import BenchmarkManifest, Store


@dataclass(frozen=True)
class MeasuredModel:
    """A model of a benchmark with its finished runs.

    Attributes:
        label: Its name.
        runs: Its runs, one per seed; those that failed first.
    """

    label: str
    runs: tuple[Row, ...]

    @property
    def reference(self) -> bool:
        """Whether the benchmark added the model as a reference."""
        return self.runs[0].reference

    @property
    def external(self) -> bool:
        """Whether another program made the lists; nothing was fitted, so no time was measured."""
        return bool(self.runs[0].external)

    @property
    def kind(self) -> str:
        """What the name is followed by: `reference`, `external`, or nothing."""
        return "reference" if self.reference else "external" if self.external else ""

    @property
    def failed(self) -> bool:
        """Whether a run of the model failed; such a model has no figures, as in the table of the terminal."""
        return bool(self.runs[0].error)

    def mean(self, name: str) -> float:
        """Return the mean of a numeric field over the runs."""
        return float(np.mean([getattr(run, name) for run in self.runs]))


@dataclass(frozen=True)
class Figure:
    """A metric of a model.

    Attributes:
        value: The mean over the seeds; None if no query has a value.
        low: The lower end of the 95 % interval over the queries, None if there is none.
        high: The upper end.
        seeds: The values of the seeds.
        verdict: How the model compares with the best; None if it is not compared.
    """

    value: float | None
    low: float | None
    high: float | None
    seeds: tuple[float, ...]
    verdict: Verdict | None


@dataclass(frozen=True, eq=False)
class MeasuredMetric:
    """A metric of all models.

    Attributes:
        name: The metric with its cutoff.
        higher: Whether higher is better; None if no value is better than another.
        figures: The figures of each model that ran.
        queries: The values of each query averaged over seeds, `[Q]`, for each model that has them.
    """

    name: str
    higher: bool | None
    figures: Mapping[str, Figure]
    queries: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class MeasuredBenchmark:
    """A folder of results, read once.

    Attributes:
        store: The folder.
        manifest: Its manifest.
        models: The models in the order of the experiment, references last.
        metrics: The names of the metrics.
    """

    store: Store
    manifest: BenchmarkManifest
    models: tuple[MeasuredModel, ...]
    metrics: tuple[str, ...]

    @classmethod
    def of(cls, store: Store) -> MeasuredBenchmark:
        """Read the manifest and the rows of a folder."""
        manifest = store.manifest()
        groups = by_label(store.rows())
        models = tuple(MeasuredModel(label, tuple(runs)) for label, runs in groups.items())
        present = {metric for model in models if not model.failed for metric in model.runs[0].metrics}
        return cls(store, manifest, models, tuple(name for name in manifest.metrics if name in present))

    @property
    def ran(self) -> tuple[MeasuredModel, ...]:
        """The models without a failed run."""
        return tuple(model for model in self.models if not model.failed)

    @property
    def main_metric(self) -> str | None:
        """The first metric by which a model can be better than another."""
        return next((name for name in self.metrics if self.manifest.metrics[name] is not None), None)

    def measure(self, metric: str) -> MeasuredMetric:
        """Return a metric of all models; the values of each query are read here."""
        higher = self.manifest.metrics[metric]
        values = read_values(self.store, {model.label: model.runs for model in self.ran}, metric)
        compared = {model.label: model.runs for model in self.ran if not model.reference}
        found = compare_column(self.store, compared, metric)
        queries = {label: mean_over_seeds(runs) for label, runs in values.items() if runs}
        figures = {
            model.label: _figure(model, metric, queries.get(model.label), found.verdicts.get(model.label))
            for model in self.ran
        }
        return MeasuredMetric(metric, higher, figures, queries)


def mean_over_seeds(runs: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean of each query over the seeds that have a value for it, `[Q]`; NaN if none has."""
    if len(runs) == 1:
        return runs[0]
    stacked = np.stack(runs)
    present = ~np.isnan(stacked)
    counts = present.sum(0)
    sums = np.where(present, stacked, 0.0).sum(0)
    found: NDArray[np.float64] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return found


def _figure(model: MeasuredModel, metric: str, queries: NDArray[np.float64] | None, verdict: Verdict | None) -> Figure:
    """Return a metric of a model.

    The interval of a model with one seed is that of its row. With several seeds it is computed from the mean of each query, so
    that it surrounds the mean that is shown.
    """
    rows = [run.metrics.get(metric, [None, None, None]) for run in model.runs]
    seeds = tuple(value for value, *_ in rows if value is not None)
    value = float(np.mean(seeds)) if seeds else None
    _, low, high = rows[0]
    if len(model.runs) > 1:
        low = high = None
        if queries is not None and value is not None:
            low, high = _finite(mean_interval(queries[~np.isnan(queries)]))
    return Figure(value, low, high, seeds, verdict)


def _finite(interval: tuple[float, float]) -> tuple[float | None, float | None]:
    """Return an interval with None for NaN."""
    low, high = interval
    return (None, None) if np.isnan(low) or np.isnan(high) else (low, high)
