"""A model before it is fitted, built in Python without a config file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.data.task import Task
from zoo.pipeline.fitted import FittedPipeline
from zoo.pipeline.fitting import fit
from zoo.registry.registry import Registry, registry_with
from zoo.stages.context import RunContext


@dataclass(frozen=True)
class Pipeline:
    """The unfitted components of a model.

    Attributes:
        model: The component in each slot, with its parameters.

    Example:
        fitted = Pipeline.of("ease", l2=100.0).fit(task)
        lists = fitted.recommend(task.queries("test"), 10, Rules.of(task))
    """

    model: ResolvedModel

    @classmethod
    def of(cls, predictor: str, registry: Registry | None = None, **params: Any) -> Pipeline:
        """Return the pipeline of a single predictor without filters or rankers; early stopping monitors NDCG@10.

        Args:
            predictor: The name of the predictor.
            registry: The registry to search; by default all installed components.
            **params: The parameters of the predictor.

        Raises:
            ZooError: The name is unknown, or a parameter is invalid.
        """
        registry = registry or registry_with()
        component, metric = registry.find("predictor", predictor), registry.find("metric", "ndcg")
        monitor = Chosen(metric, metric.params({"k": 10}))
        return cls(ResolvedModel(predictor, Chosen(component, component.params(params)), monitor=monitor))

    def fit(
        self, task: Task, context: RunContext | None = None, *, refit: bool = True, candidates: int = 200
    ) -> FittedPipeline:
        """Return the pipeline fitted on a task.

        Args:
            task: The data and their split.
            context: Randomness, device, progress; by default seed 0 on the CPU.
            refit: Whether the final fit uses everything before the test part, or only the training part.
            candidates: Number of candidates per query for the first ranker.

        Raises:
            ZooError: A stage cannot be fitted on these data.
        """
        return fit(self.model, task, context or RunContext(), refit=refit, candidates=candidates).pipeline
