"""The models of an experiment file: every key, its type, its default and its meaning."""
# ruff: noqa: RUF012 (pydantic copies a default for each instance)

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

from zoo.config.candidates import CandidateFeatureSettings
from zoo.config.splits import Given, LeaveLastOut, Moment, Split, StrongGeneralisation, Targets, Temporal
from zoo.config.train import TrainSettings
from zoo.params import Table
from zoo.spec import StageName

__all__ = [
    "Choice", "DataSettings", "EvaluateSettings", "Experiment", "Given", "KCore", "LeaveLastOut", "MetricChoice", "Model", "Part",
    "Split", "StrongGeneralisation", "Targets", "Temporal", "TrainSettings",
]  # fmt: skip

Part = Literal["train", "validate", "rank", "test"]


class Choice(BaseModel):
    """A component: its name alone, or a table with `name` and its parameters."""

    model_config = ConfigDict(frozen=True)

    name: str
    params: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_name_or_table(cls, value: Any) -> Any:
        """Take `"als"`, or `{name = "als", factors = 64}`."""
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
        """Take `"ndcg@10"` apart."""
        if not isinstance(value, str) or "@" not in value:
            return value
        name, _, cutoff = value.partition("@")
        if not re.fullmatch(r"[1-9]\d*", cutoff):
            raise ValueError(f"expected a cutoff after the @, a whole number as in '{name}@10', found {value!r}.")
        return {"name": name, "k": int(cutoff)}


class KCore(Table):
    """Users and items with fewer events are removed, again and again until none is left."""

    user: int = Field(1, ge=1)
    """Fewest events of a user."""
    item: int = Field(1, ge=1)
    """Fewest events of an item."""


class DataSettings(Table):
    """`[data]`: where events and items come from, and what is made of them before anything else."""

    source: Choice
    """A `dataset` component."""
    columns: dict[str, str] = {}
    """Canonical name of an event column (`user_id`, `item_id`, `timestamp`, `position`, `event`, ...) to the file's name."""
    item_columns: dict[str, str] = {}
    """Canonical name of an item column (`item_id`, `title`, `price`, ...) to the file's name."""
    time: Literal["auto", "timestamp", "position", "file-order"] = "auto"
    """What orders a user's events; `auto` takes a `timestamp` column, else a `position` column. File order must be said."""
    events: list[str] | None = Field(None, min_length=1)
    """The event types to keep; all by default. What is left out is counted."""
    event_weights: dict[str, float] = {}
    """What an event of each type counts (`{view = 1, purchase = 5}`); 1 by default."""
    until: Moment | None = None
    """Events from this moment on are left out, as if the data ended there: to choose parameters without a look at the test."""
    k_core: KCore = KCore()
    """Fewest events of a user and of an item."""
    duplicates: Literal["keep", "drop-exact", "first", "last"] = "keep"
    """Events of one user with one item: keep all, drop exact copies (same item, time and event), or keep the first or last."""
    null_ids: Literal["error", "drop"] = "error"
    """What to do with a row without a user or an item."""
    salt: str = ""
    """Keys the hash that numbers the items, and so the order of tied items."""

    @model_validator(mode="before")
    @classmethod
    def _k_core_of_both(cls, value: Any) -> Any:
        """Take `k_core = 5` for users and items alike."""
        if isinstance(value, dict) and isinstance(value.get("k_core"), int):
            value = {**value, "k_core": {"user": value["k_core"], "item": value["k_core"]}}
        return value


def listed(value: Any, keys: tuple[str, ...]) -> Any:
    """Return a table in which each of the keys holds a list, also where one component alone was written."""
    if not isinstance(value, dict):
        return value
    return {**value, **{key: [value[key]] for key in keys if key in value and not isinstance(value[key], list)}}


class EvaluateSettings(Table):
    """`[evaluate]`: what counts as a target, what may be recommended, what is measured."""

    metrics: list[MetricChoice] = Field(
        [MetricChoice.model_validate(m) for m in ("ndcg@10", "recall@10", "hit@10", "mrr@10", "coverage@10")],
        min_length=1,
    )
    """`"name@k"`, or tables with `name`, `k` and further parameters."""
    exclude_seen: bool | list[str] = True
    """Whether items of the history are excluded from the list; or the event types that make an item seen."""
    target_events: list[str] | None = Field(None, min_length=1)
    """The event types that count as targets; all by default."""
    eligible: dict[str, Any] = {}
    """Item column to the value (or list of values) an item must have to be recommended and to count as a target."""
    features: list[Choice] = []
    """Featurizers that give the item features which `diversity` compares; the same for every model."""
    new_users: bool = True
    """Whether queries without a history are evaluated (they are counted in any case)."""
    candidates: int = Field(200, ge=1)
    """How many candidates a predictor hands to the first ranker."""
    bootstrap: int = Field(1000, ge=100)
    """Resamples of the queries for each interval."""

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        """Take one featurizer where a list is expected."""
        return listed(value, ("features",))


class Model(Table):
    """`[[model]]`: a pipeline."""

    label: str | None = None
    """Its name in tables; the predictor's name by default."""
    predictor: Choice
    """Retrieves: a score for each item."""
    featurizer: list[Choice] = []
    """Item features for the predictor, filters and rankers; several are concatenated."""
    filters: list[Choice] = []
    """Applied before the top K is taken."""
    rankers: list[Choice] = []
    """Applied in turn to the candidates."""
    candidate_features: CandidateFeatureSettings = CandidateFeatureSettings()
    """What its rankers are told of each candidate."""
    train: dict[str, Any] = {}
    """Overrides of `[train]` for this model's networks (`[model.train]`); `refit`, `device`, `seeds` and `threads` are the same for all models."""
    ranker_train: dict[str, Any] = {}
    """Overrides for the networks among its rankers (`[model.ranker_train]`), which otherwise train as this model's other networks, but for `max_epochs = 100`, `patience = 10`, `batch_size = 32` (lists), `learning_rate = 0.001` and `weight_decay = 0`."""

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        """Take one component where a list is expected."""
        return listed(value, ("featurizer", "filters", "rankers"))

    @property
    def name(self) -> str:
        """Return the label, or the predictor's name."""
        return self.label or self.predictor.name

    def choices(self) -> list[tuple[StageName, str, Choice]]:
        """Return the components in the order of the pipeline: stage, key and choice."""
        listed: list[tuple[StageName, str, list[Choice]]] = [
            ("featurizer", "featurizer", self.featurizer), ("filter", "filters", self.filters), ("ranker", "rankers", self.rankers),
        ]  # fmt: skip
        many = [(stage, f"{key}[{i}]", c) for stage, key, choices in listed for i, c in enumerate(choices, 1)]
        return [("predictor", "predictor", self.predictor), *many]


class Experiment(Table):
    """An experiment file."""

    task: Literal["recommend"] = "recommend"
    """What is compared: recommendations, or with `"rank"` rankers on judged lists, for which the tables have other keys."""
    data: DataSettings
    split: Split = Temporal()
    evaluate: EvaluateSettings = EvaluateSettings()
    train: TrainSettings = TrainSettings()
    model: list[Model] = Field(min_length=1)

    @model_validator(mode="after")
    def _labels_differ(self) -> Experiment:
        """Refuse two models under one name."""
        refuse_one_label_twice([m.name for m in self.model])
        return self


def refuse_one_label_twice(names: list[str]) -> None:
    """Refuse two models under one name.

    Raises:
        ValueError: There are two.
    """
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        places = " and ".join(f"model[{i}]" for i, n in enumerate(names, 1) if n == twice)
        raise ValueError(f"{places} are both named {twice!r}: give each its own `label`.")
