"""The experiment file of `task = "recommend"`: every key, its type, its default and its meaning."""
# ruff: noqa: RUF012 (pydantic copies a default for each instance)

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from zoo.config.candidates import CandidateFeatureSettings
from zoo.config.experiment_file import (
    Choice,
    DataTable,
    EvaluateTable,
    ExperimentFile,
    FeaturizerChoices,
    FilterChoices,
    MetricChoice,
    MetricChoices,
    ModelTable,
    PredictorChoice,
    RankerChoices,
    listed,
)
from zoo.config.splits import Given, LeaveLastOut, Moment, Split, StrongGeneralisation, Targets, Temporal
from zoo.params import Table
from zoo.spec import StageName

__all__ = [
    "Choice", "DataSettings", "EvaluateSettings", "Experiment", "Given", "KCore", "LeaveLastOut", "MetricChoice", "Model", "Part",
    "Split", "StrongGeneralisation", "Targets", "Temporal",
]  # fmt: skip

Part = Literal["train", "validate", "rank", "test"]


class KCore(Table):
    """Users and items with fewer events are removed, again and again until none is left."""

    user: int = Field(1, ge=1)
    """Fewest events of a user."""
    item: int = Field(1, ge=1)
    """Fewest events of an item."""


def _number_or_table(schema: dict[str, Any]) -> None:
    """Let the JSON schema of `k_core` take one number for both, too."""
    schema["anyOf"] = [{"type": "integer", "minimum": 1}, {"$ref": schema.pop("$ref")}]


class DataSettings(DataTable):
    """`[data]`: where events and items come from, and what is made of them before anything else."""

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
    k_core: KCore = Field(KCore(), json_schema_extra=_number_or_table)
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


class EvaluateSettings(EvaluateTable):
    """`[evaluate]`: what counts as a target, what may be recommended, what is measured."""

    metrics: MetricChoices = [
        MetricChoice.model_validate(m) for m in ("ndcg@10", "recall@10", "hit@10", "mrr@10", "coverage@10")
    ]
    """`"name@k"`, or tables with `name`, `k` and further parameters."""
    exclude_seen: bool | list[str] = True
    """Whether items of the history are excluded from the list; or the event types that make an item seen."""
    target_events: list[str] | None = Field(None, min_length=1)
    """The event types that count as targets; all by default."""
    eligible: dict[str, Any] = {}
    """Item column to the value (or list of values) an item must have to be recommended and to count as a target."""
    features: FeaturizerChoices = []
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


class Model(ModelTable):
    """`[[model]]`: a pipeline."""

    label: str | None = None
    """Its name in tables; the predictor's name by default."""
    predictor: PredictorChoice
    """Retrieves: a score for each item."""
    featurizer: FeaturizerChoices = []
    """Item features for the predictor, filters and rankers; several are concatenated."""
    filters: FilterChoices = []
    """Applied before the top K is taken."""
    rankers: RankerChoices = []
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
        lists: list[tuple[StageName, str, list[Choice]]] = [
            ("featurizer", "featurizer", self.featurizer), ("filter", "filters", self.filters), ("ranker", "rankers", self.rankers),
        ]  # fmt: skip
        many = [(stage, f"{key}[{i}]", c) for stage, key, choices in lists for i, c in enumerate(choices, 1)]
        return [("predictor", "predictor", self.predictor), *many]


class Experiment(ExperimentFile):
    """An experiment file."""

    task: Literal["recommend"] = "recommend"
    """What is compared: recommendations to users. Under another task the tables have other keys."""
    data: DataSettings
    split: Split = Temporal()
    """`policy` chooses how the events are divided; `temporal` is the default."""
    evaluate: EvaluateSettings = EvaluateSettings()
    model: list[Model] = Field(min_length=1)
