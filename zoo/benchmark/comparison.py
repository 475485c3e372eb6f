"""The interface between the runner and a task: a comparison measures a model with a seed and returns a measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pyarrow as pa
import torch

from zoo.artifacts.artifact import Artifact
from zoo.benchmark.fits.cache import FitCache
from zoo.benchmark.progress import Progress
from zoo.benchmark.results_folder.queried_users import QueriedUsers
from zoo.benchmark.tuning.search import TrialTask
from zoo.config.resolved_base import BaseResolvedExperiment, BaseResolvedModel
from zoo.config.tasks import find_task
from zoo.data.checks.finding import Finding
from zoo.data_size import DataSize
from zoo.evaluation.evaluator import Evaluation
from zoo.evaluation.query_slices import QuerySlice
from zoo.nn.sparse import parts_of

Model_contra = TypeVar("Model_contra", bound=BaseResolvedModel, contravariant=True)


@dataclass(frozen=True, eq=False)
class Reevaluation:
    """Stored lists, evaluated again.

    Attributes:
        evaluation: The metrics; None if the lists are not of the queries of the task.
        problems: What no list of a run has: other queries, unknown or excluded items, an item twice.
        filled: The share of slots that the fallback filled; None if the task has no fallback, or the lists are not of the queries.
    """

    evaluation: Evaluation | None
    problems: list[str] = field(default_factory=list)
    filled: float | None = None


@dataclass(frozen=True, eq=False)
class Measurement:
    """The result of one run. All fields except `lists` and `artifact` become fields of its `Row`, which documents them.

    Attributes:
        lists: The list and the metrics of each query, one row per query.
        artifact: Returns the artifact of the fitted model; None for a task without artifacts.
    """

    metrics: dict[str, list[float | None]]
    queries: int
    lists: pa.Table
    slices: dict[str, Any] = field(default_factory=dict)
    tied_edges: float = 0.0
    filled: float = 0.0
    fit_seconds: float = 0.0
    training: dict[str, Any] = field(default_factory=dict)
    rankers: list[dict[str, Any]] = field(default_factory=list)
    recommend_per_second: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    peak_memory_mib: float = 0.0
    parameters: int = 0
    notes: list[str] = field(default_factory=list)
    artifact: Callable[[], Artifact] | None = None

    def figures(self) -> dict[str, Any]:
        """Return the fields for the row of the run."""
        names = [f.name for f in fields(self) if f.name not in ("lists", "artifact")]
        return {name: getattr(self, name) for name in names}


class Comparison(Protocol[Model_contra]):
    """The data, the rules and the metrics that all models of an experiment share."""

    @property
    def description(self) -> dict[str, Any]:
        """The settings that make two figures comparable, as JSON. Rows are compared only if their hash agrees."""

    @property
    def notes(self) -> dict[str, Any]:
        """Counts of dropped data and other facts about the data."""

    @property
    def findings(self) -> list[Finding]:
        """Reasons why the table could name a false winner, found by the checks of the task."""

    @property
    def starts(self) -> dict[str, str]:
        """When each part begins, if the split cuts at moments."""

    @property
    def metrics(self) -> dict[str, bool | None]:
        """Whether higher is better, for each metric; None if a value is neither good nor bad."""

    @property
    def references(self) -> tuple[BaseResolvedModel, ...]:
        """Models to add as reference rows, which are no part of the comparison."""

    @property
    def hints(self) -> list[str]:
        """What usually helps on data like these, and no model of the experiment has."""

    @property
    def has_validation(self) -> bool:
        """Whether trainings can be validated, so that early stopping can end them. For forecasts."""

    @property
    def size(self) -> DataSize | None:
        """The size of the log that models are fitted on; None for a task without one. For forecasts."""

    @property
    def has_artifacts(self) -> bool:
        """Whether a fitted model can be saved as an artifact."""

    @property
    def trials(self) -> TrialTask:
        """What a search sees: the data without the test part. Read only if a model is tuned.

        Raises:
            ConfigError: The data have no validation part, or no value of the metric is better than another.
        """

    @property
    def users(self) -> QueriedUsers | None:
        """The users behind the test queries, for reports; None for a task whose queries are not users with histories."""

    def run_model(
        self, model: Model_contra, seed: int, *, folder: Path, progress: Progress, cache: FitCache
    ) -> Measurement:
        """Fit and measure a model.

        Args:
            model: A model of the experiment.
            seed: Seed of all random streams of the run.
            folder: Folder for checkpoints and logs of training.
            progress: Receives the progress of the run.
            cache: Fits featurizers and predictors, or restores them from an earlier run.
        """

    def reevaluate(self, lists: pa.Table) -> Reevaluation:
        """Evaluate the stored lists of a run again, without its metrics."""

    def slices(self) -> list[QuerySlice]:
        """Return groups of the queries on which models may differ, in the order of the lists; empty if the task knows none."""


def open_comparison(experiment: BaseResolvedExperiment, device: torch.device) -> Comparison[Any]:
    """Read the data of an experiment and return the comparison of its task.

    Raises:
        ZooError: The data cannot be used, or a model or metric is incompatible with them.
    """
    module, _, name = find_task(experiment.task).comparison.partition(":")
    comparison: Comparison[Any] = getattr(import_module(module), name)(experiment, device)
    return comparison


def count_parameters(stages: Iterable[Any]) -> int:
    """Return the number of learned parameters of the stages, counted over their tensors."""
    tensors = [t for stage in stages if stage.fitted for t in stage.state().tensors.values()]
    return sum(part.numel() for tensor in tensors for part in parts_of(tensor).values())
