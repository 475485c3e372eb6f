"""The part of the experiment file that all tasks share: common tables, and how a component is named."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_serializer, model_validator

from zoo.config.model_resources import Resources
from zoo.config.train import TrainSettings
from zoo.params import StrictTable
from zoo.text_safety import CONTROL

ONE, MANY, TABLE = "zoo-component", "zoo-components", "zoo-table"
"""Markers in the JSON schema of a key: one component of a stage (or a list of them); a list of components; a table."""


class Choice(BaseModel):
    """A component: its name, or a table with `name` and its parameters."""

    model_config = ConfigDict(frozen=True)

    name: str
    params: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_name_or_table(cls, value: Any) -> Any:
        """Accept `"als"` or `{name = "als", factors = 64}`."""
        if isinstance(value, str):
            return {"name": value, "params": {}}
        if isinstance(value, dict) and "name" in value:
            return {"name": value["name"], "params": {key: v for key, v in value.items() if key != "name"}}
        if isinstance(value, Choice):
            return value
        raise ValueError(f"expected a component's name, or a table with `name` and its parameters, found {value!r}.")

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        """Return the table form."""
        return {"name": self.name, **self.params}


class MetricChoice(Choice):
    """A metric: `"ndcg@10"`, or a table with `name`, `k` and further parameters."""

    @model_validator(mode="before")
    @classmethod
    def _from_cutoff(cls, value: Any) -> Any:
        """Parse `"ndcg@10"` into name and cutoff."""
        if not isinstance(value, str) or "@" not in value:
            return value
        name, _, cutoff = value.partition("@")
        if not re.fullmatch(r"[1-9]\d*", cutoff):
            raise ValueError(f"expected a cutoff after the @, a whole number as in '{name}@10', found {value!r}.")
        return {"name": name, "k": int(cutoff)}


LONGEST_LABEL = 100


def _check_label(label: str) -> str:
    """Refuse a label that a table cannot show."""
    if CONTROL.search(label):
        raise ValueError(
            f"expected a label on one line, found {label!r}, which contains a control character. Remove it."
        )
    return label


Label = Annotated[str, Field(max_length=LONGEST_LABEL), AfterValidator(_check_label)]
"""The name of a model in tables."""
DatasetChoice = Annotated[Choice, Field(json_schema_extra={ONE: "dataset"})]
PredictorChoice = Annotated[Choice, Field(json_schema_extra={ONE: "predictor"})]
CleanerChoices = Annotated[list[Choice], Field(json_schema_extra={ONE: "cleaner"})]
FeaturizerChoices = Annotated[list[Choice], Field(json_schema_extra={ONE: "featurizer"})]
FilterChoices = Annotated[list[Choice], Field(json_schema_extra={ONE: "filter"})]
RankerChoices = Annotated[list[Choice], Field(json_schema_extra={ONE: "ranker"})]
MetricChoices = Annotated[list[MetricChoice], Field(min_length=1, json_schema_extra={MANY: "metric"})]
NetworkOverrides = Annotated[dict[str, Any], Field(json_schema_extra={TABLE: "NetworkSettings"})]


def as_lists(value: Any, keys: tuple[str, ...]) -> Any:
    """Return a table in which each of the keys holds a list; a single component becomes a list of one."""
    if not isinstance(value, dict):
        return value
    return {**value, **{key: [value[key]] for key in keys if key in value and not isinstance(value[key], list)}}


class DataTable(StrictTable):
    """The keys of `[data]` that all tasks share."""

    source: DatasetChoice
    """A `dataset` component."""

    def changed(self) -> dict[str, Any]:
        """Return the keys that differ from their defaults as JSON, without the source, cleaners and accepted checks."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude={"source", "clean", "accept"})


class EvaluateTable(StrictTable):
    """The keys of `[evaluate]` that all tasks share."""

    metrics: MetricChoices
    """`"name@k"`, or tables with `name`, `k` and further parameters."""


class ModelTable(StrictTable):
    """The keys of `[[model]]` that all tasks share."""

    label: Label | None = None
    """Name of the model in tables."""
    resources: Resources = Resources()
    """What an executor of a cluster reserves for each run of the model (`[model.resources]`)."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The label, or a component's name if there is no label."""


class ExperimentFile(StrictTable):
    """Base class of the experiment files of all tasks.

    Each task's class narrows the types of these tables.
    """

    task: str
    """Name of the task."""
    data: DataTable
    split: StrictTable
    evaluate: EvaluateTable
    train: TrainSettings = TrainSettings()
    model: Sequence[ModelTable] = Field(min_length=1)

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        """Refuse two models with the same name."""
        names = [model.name for model in self.model]
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            places = " and ".join(f"model[{i}]" for i, n in enumerate(names, 1) if n == twice)
            raise ValueError(f"{places} are both named {twice!r}: give each its own `label`.")
        return self
