"""A benchmark as its HTML report reads it: the models, and each metric with intervals and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.benchmark.tables.compared_columns import compare_column, read_values
from zoo.benchmark.tables.comparison_tables import by_label
from zoo.benchmark.tables.mean_figures import MeanFigure, mean_figure, mean_over_seeds
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
class Figure(MeanFigure):
    """A metric of a model, with its interval.

    Attributes:
        verdict: How the model compares with the best; None if it is not compared.
    """

    verdict: Verdict | None = None


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
            model.label: Figure(
                **vars(mean_figure(model.runs, metric, queries.get(model.label))),
                verdict=found.verdicts.get(model.label),
            )
            for model in self.ran
        }
        return MeasuredMetric(metric, higher, figures, queries)
