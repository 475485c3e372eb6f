"""The experiment file of `task = "recommend"`: every key, its type, its default and its meaning."""
# ruff: noqa: RUF012 (pydantic copies a default for each instance)

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from zoo.config.candidate_settings import CandidateFeatureSettings
from zoo.config.check_names import CheckName
from zoo.config.experiment_file import (
    Choice,
    CleanerChoices,
    DataTable,
    EvaluateTable,
    ExperimentFile,
    FeaturizerChoices,
    FilterChoices,
    Label,
    MetricChoice,
    MetricChoices,
    ModelTable,
    PredictorChoice,
    RankerChoices,
    as_lists,
)
from zoo.config.split_settings import Given, LeaveLastOut, Moment, Split, StrongGeneralisation, Targets, Temporal
from zoo.config.tune import TuneSettings, table_only
from zoo.params import StrictTable, is_unset
from zoo.spec import StageName

__all__ = [
    "Choice", "DataSettings", "EvaluateSettings", "Experiment", "Fallback", "Given", "KCore", "LeaveLastOut", "MetricChoice", "Model", "Part",
    "Split", "StrongGeneralisation", "Targets", "Temporal",
]  # fmt: skip

Part = Literal["train", "validate", "rank", "test"]
Fallback = Literal["popular", "none"]


class KCore(StrictTable):
    """The k-core filter: users and items with fewer events are removed repeatedly until all that remain have enough."""

    user: int = Field(1, ge=1, le=1_000_000_000)
    """Minimum number of events per user."""
    item: int = Field(1, ge=1, le=1_000_000_000)
    """Minimum number of events per item."""


def _number_or_table(schema: dict[str, Any]) -> None:
    """Make the JSON schema of `k_core` accept a single number too."""
    schema["anyOf"] = [{"type": "integer", "minimum": 1, "maximum": 1_000_000_000}, {"$ref": schema.pop("$ref")}]


class DataSettings(DataTable):
    """`[data]`: the source of events, items and users, and how they are filtered first."""

    columns: dict[str, str] = {}
    """Maps the canonical name of an event column (`user_id`, `item_id`, `timestamp`, `position`, `event`, ...) to its name in the file."""
    item_columns: dict[str, str] = {}
    """Maps the canonical name of an item column (`item_id`, `title`, `price`, ...) to its name in the file."""
    user_columns: dict[str, str] = Field({}, exclude_if=is_unset)
    """Maps the name of a user column (`user_id`, ...) to its name in the file."""
    time: Literal["auto", "timestamp", "position", "file-order"] = "auto"
    """What orders a user's events. `auto` uses a `timestamp` column, else a `position` column; `file-order` is used only when set here."""
    ties: Literal["together", "file"] = "together"
    """What the order of a user's events at one moment means. `together`: nothing; they are ordered by item number and never divided by a split. `file`: the order of the rows in the file is their order, as some published protocols assume."""
    events: list[str] | None = Field(None, min_length=1)
    """The event types to keep; all by default. The report counts the events that are dropped."""
    event_weights: dict[str, float] = {}
    """Weight of each event type (`{view = 1, purchase = 5}`); 1 by default."""
    until: Moment | None = None
    """Drop events from this moment on, as if the data ended there. Use it to choose parameters without looking at the test part."""
    sample_users: int | None = Field(None, ge=1, le=1_000_000_000, exclude_if=is_unset)
    """The most users to keep, for a first look at large data: those whose ids have the smallest hashes, keyed by `salt`, so that the sample depends on nothing else. All by default."""
    clean: CleanerChoices = []
    """Cleaners, applied in this order before `k_core` and `duplicates`: names, or tables with `name` and parameters. They learn from the events before the last cut of a temporal split only; the report counts what each removed, and why."""
    k_core: KCore = Field(KCore(), json_schema_extra=_number_or_table)
    """Minimum number of events per user and per item."""
    duplicates: Literal["keep", "drop-exact", "first", "last"] = "keep"
    """What to do with repeated events of a user with an item: keep all, drop exact copies (same item, time and event), or keep only the first or last."""
    null_ids: Literal["error", "drop"] = "error"
    """What to do with a row without a user or an item."""
    salt: str = ""
    """Key of the hash that numbers the items and thereby orders tied items."""
    accept: list[CheckName] = []
    """Checks of the task whose findings are accepted: the report still states them, but no warning is printed."""

    @model_validator(mode="before")
    @classmethod
    def _k_core_of_both(cls, value: Any) -> Any:
        """Apply `k_core = 5` to users and items, and accept one cleaner where a list is expected."""
        value = as_lists(value, ("clean",))
        if isinstance(value, dict) and isinstance(value.get("k_core"), int):
            value = {**value, "k_core": {"user": value["k_core"], "item": value["k_core"]}}
        return value


class EvaluateSettings(EvaluateTable):
    """`[evaluate]`: which events are targets, which items may be recommended, and the metrics."""

    metrics: MetricChoices = [
        MetricChoice.model_validate(m) for m in ("ndcg@10", "recall@10", "hit@10", "mrr@10", "coverage@10")
    ]
    """`"name@k"`, or tables with `name`, `k` and further parameters."""
    exclude_seen: bool | list[str] = True
    """Whether to exclude items of the history from the list; or the event types that count as seen."""
    target_events: list[str] | None = Field(None, min_length=1)
    """The event types that count as targets; all by default."""
    eligible: dict[str, Any] = {}
    """Maps an item column to the value (or list of values) an item must have to be recommended and to count as a target."""
    features: FeaturizerChoices = []
    """Featurizers whose item features `diversity` compares; the same for every model."""
    new_users: bool = True
    """Whether to evaluate queries without a history. The report counts them either way."""
    queries: int | None = Field(None, ge=1, le=1_000_000_000, exclude_if=is_unset)
    """The most test queries that are evaluated, for catalogues whose lists take long. Of more, a sample is drawn that is the same for every model; the report states it, and intervals are those of the sample. By default all."""
    fallback: Fallback = "popular"
    """What fills the slots that a model leaves empty, in evaluation and in serving: `popular`, the items with the most events in training; or `none`, so that they count as misses. All slots are empty for a query without a history, if the predictor needs one."""
    candidates: int = Field(200, ge=1, le=1_000_000)
    """Number of candidates that the predictor passes to the first ranker."""
    bootstrap: int = Field(1000, ge=100, le=1_000_000)
    """Number of bootstrap resamples of the queries for the interval of each catalogue metric (coverage, gini)."""

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        """Accept one featurizer where a list is expected."""
        return as_lists(value, ("features",))


class Model(ModelTable):
    """`[[model]]`: a pipeline."""

    label: Label | None = None
    """Name of the model in tables; the predictor's name by default."""
    predictor: PredictorChoice
    """Scores every item and retrieves the candidates."""
    featurizer: FeaturizerChoices = []
    """Item features for the predictor, filters and rankers; several are concatenated."""
    filters: FilterChoices = []
    """Filters applied before the top K is selected."""
    rankers: RankerChoices = []
    """Rankers applied in order to the candidates."""
    candidate_features: CandidateFeatureSettings = CandidateFeatureSettings()
    """The features that its rankers get for each candidate."""
    train: dict[str, Any] = {}
    """Overrides of `[train]` for this model's networks (`[model.train]`); `refit`, `device`, `seeds` and `threads` are the same for all models."""
    ranker_train: dict[str, Any] = {}
    """Overrides for this model's neural rankers (`[model.ranker_train]`). By default they use the settings of the model's other networks, except `max_epochs = 100`, `patience = 10`, `batch_size = 32` (lists), `learning_rate = 0.001` and `weight_decay = 0`."""
    tune: bool | dict[str, Any] = {}
    """What is searched of this model (`[model.tune]`): for a parameter such as `predictor.factors`, a list of values, a range `{ low = 16, high = 256, log = true }`, or false to keep its setting; `trials` or `minutes` is a budget of its own. `tune = false` keeps all settings."""

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        """Accept one component where a list is expected."""
        return as_lists(value, ("featurizer", "filters", "rankers"))

    @property
    def name(self) -> str:
        """The label, or the predictor's name."""
        return self.label or self.predictor.name

    def choices(self) -> list[tuple[StageName, str, Choice]]:
        """Return stage, key and choice of each component, in pipeline order."""
        lists: list[tuple[StageName, str, list[Choice]]] = [
            ("featurizer", "featurizer", self.featurizer), ("filter", "filters", self.filters), ("ranker", "rankers", self.rankers),
        ]  # fmt: skip
        many = [(stage, f"{key}[{i}]", c) for stage, key, choices in lists for i, c in enumerate(choices, 1)]
        return [("predictor", "predictor", self.predictor), *many]


class Experiment(ExperimentFile):
    """An experiment file."""

    task: Literal["recommend"] = "recommend"
    """The task: recommend items to users. Other tasks have other keys in their tables."""
    references: bool = True
    """Whether `zoo bench` adds plain `popular`, `transition-graph`, `personal-popular` and `item-knn` as reference rows, each if no model has this predictor, its plugin is installed, and its fit is cheap on these data."""
    data: DataSettings
    split: Split = Temporal()
    """How the events are split; `policy` selects the method, `temporal` by default."""
    evaluate: EvaluateSettings = EvaluateSettings()
    tune: TuneSettings | None = Field(None, json_schema_extra=table_only)
    model: list[Model] = Field(min_length=1)
