"""What the experiments of every task have in common: models and an experiment with their components looked up."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from zoo.config.chosen import Chosen
from zoo.config.experiment_file import ExperimentFile
from zoo.config.model_resources import Resources
from zoo.config.train import RANKER_DEFAULTS, NetworkSettings, TrainSettings
from zoo.config.tune import Tuning
from zoo.config.variables import NO_VARIABLES, Variables
from zoo.data_size import DataSize
from zoo.errors import ConfigError
from zoo.neural_params import NeuralRankerParams
from zoo.registry.plugin import Plugin
from zoo.registry.registry import Registry

if TYPE_CHECKING:
    from zoo.config.resolved import ResolvedExperiment


def _ranker_defaults() -> NetworkSettings:
    """Return the default training settings of neural rankers."""
    return NetworkSettings(**RANKER_DEFAULTS)


@dataclass(frozen=True)
class BaseResolvedModel(ABC):
    """Base class of the models of all tasks: components and training settings.

    Attributes:
        label: Name of the model in tables.
        train: Training settings of its networks.
        ranker_train: Training settings of its neural rankers.
        variables: The environment variables in the experiment file.
        tuning: How it is tuned before it is fitted; None if it is not.
        searches_nothing: Whether it would be tuned if it had a parameter to search.
        resources: What a run of it needs of a machine; no figure depends on it.
    """

    label: str
    train: NetworkSettings = field(default_factory=NetworkSettings, kw_only=True)
    ranker_train: NetworkSettings = field(default_factory=_ranker_defaults, kw_only=True)
    variables: Variables = field(default=NO_VARIABLES, kw_only=True, compare=False, repr=False)
    tuning: Tuning | None = field(default=None, kw_only=True)
    searches_nothing: bool = field(default=False, kw_only=True, compare=False)
    resources: Resources = field(default_factory=Resources, kw_only=True, compare=False)

    @property
    @abstractmethod
    def parts(self) -> tuple[Chosen, ...]:
        """All components."""

    @property
    def monitors(self) -> tuple[Chosen, ...]:
        """The metrics that early stopping watches."""
        return ()

    @property
    def further_plugins(self) -> tuple[Plugin, ...]:
        """The plugins that the model needs besides those of its components."""
        return ()

    @property
    def trains_in_epochs(self) -> bool:
        """Whether any component trains in epochs and therefore uses the network settings."""
        return any(part.capabilities.trains_in_epochs for part in self.parts)

    @property
    def ranks(self) -> int:
        """The most processes that train one of its networks and that an executor may start; 1 if there are none."""
        settings = [
            *([self.train] if self.trains_in_epochs else []),
            *([self.ranker_train] if self.network_rankers else []),
        ]
        return max((s.devices for s in settings if s.strategy == "auto"), default=1)

    @property
    def has_validation_curve(self) -> bool:
        """Whether early stopping measures the model on the validation part while it trains, so that a trial can be pruned."""
        return False

    @property
    def network_rankers(self) -> list[Chosen]:
        """The neural rankers, to which `[model.ranker_train]` applies."""
        return [part for part in self.parts if isinstance(part.params, NeuralRankerParams)]

    @property
    def deterministic(self) -> bool:
        """Whether the result is independent of the seed."""
        return all(part.capabilities.deterministic for part in self.parts)

    def n_trainings(self, *, refit: bool) -> int | None:
        """Return how often a model is trained in epochs; None if it depends on the data. For forecasts."""
        return None if self.trains_in_epochs else 0

    def epoch_work(self, size: DataSize) -> float | None:
        """Return the work of an epoch of the only part that trains in epochs; None if unknown. For forecasts."""
        trained = [part for part in self.parts if part.capabilities.trains_in_epochs]
        return trained[0].params.epoch_work(size) if len(trained) == 1 else None

    @abstractmethod
    def slots(self) -> dict[str, Any]:
        """Return the components by slot, and the settings they use, as JSON."""

    def as_json(self) -> dict[str, Any]:
        """Return the model with all defaults filled in, without its label and without unused settings."""
        train = {"train": self.train.model_dump(mode="json")} if self.trains_in_epochs else {}
        ranker_train = {"ranker_train": self.ranker_train.model_dump(mode="json")} if self.network_rankers else {}
        return {**self.slots(), **train, **ranker_train}

    def as_written(self) -> dict[str, Any]:
        """Return the same as `as_json`, with `${VAR}` as in the experiment file: the form in which a model is stored."""
        written: dict[str, Any] = self.variables.hide(self.as_json())
        return written


@dataclass(frozen=True)
class BaseResolvedExperiment(ABC):
    """Base class of the resolved experiments of all tasks, used by the runner, the tables and the command line.

    Attributes:
        experiment: The validated file.
        source: The dataset.
        metrics: The metrics to compute.
        models: The models to compare.
        registry: Where the components were looked up.
        variables: The environment variables in the file.
        replaced_budgets: A sentence for each budget of a model that an override replaces.
    """

    experiment: ExperimentFile
    source: Chosen
    metrics: tuple[Chosen, ...]
    models: tuple[BaseResolvedModel, ...]
    registry: Registry
    variables: Variables = field(default=NO_VARIABLES, kw_only=True, compare=False, repr=False)
    replaced_budgets: tuple[str, ...] = field(default=(), kw_only=True, compare=False)

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.experiment.task

    @property
    def train(self) -> TrainSettings:
        """The settings of `[train]`."""
        return self.experiment.train

    @property
    @abstractmethod
    def bootstrap(self) -> int:
        """Resamples of the queries for the interval of each catalogue metric."""

    @property
    def measured_by(self) -> tuple[Chosen, ...]:
        """The components that evaluate a list."""
        return self.metrics

    def further_plugins(self, model: BaseResolvedModel) -> tuple[Plugin, ...]:
        """Return the plugins that a run of a model needs besides those of its components, also those that add callbacks to it."""
        return (*model.further_plugins, *(self.registry.callback_plugins if model.trains_in_epochs else ()))

    def require_recommend(self) -> ResolvedExperiment:
        """Return the experiment if its models recommend to users.

        Raises:
            ConfigError: The experiment has another task.
        """
        raise ConfigError(
            f'expected an experiment that recommends, found task = "{self.task}": its models have no predictor to make '
            "lists for a user. Use `zoo bench`, or an experiment whose models have a `predictor`."
        )

    def with_variables(self, variables: Variables) -> Self:
        """Return the experiment with the environment variables of its file, which its models receive too."""
        models = tuple(replace(model, variables=variables) for model in self.models)
        return replace(self, models=models, variables=variables)

    def as_written(self) -> dict[str, Any]:
        """Return the same as `as_json`, with `${VAR}` as in the file: the form in which an experiment is stored."""
        written: dict[str, Any] = self.variables.hide(self.as_json())
        return written

    def as_json(self) -> dict[str, Any]:
        """Return the experiment with all defaults filled in."""
        plain = self.experiment.model_dump(mode="json")
        plain["data"]["source"] = self.source.as_json()
        plain["evaluate"]["metrics"] = [m.as_json() for m in self.metrics]
        plain["model"] = [{"label": m.label, **m.as_json()} for m in self.models]
        return plain


def digest(value: Any) -> str:
    """Return a short, stable hash of a JSON value."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
