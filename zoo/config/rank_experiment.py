"""The experiment file of `task = "rank"`: judged lists, and the rankers to compare on them."""
# ruff: noqa: RUF012 (pydantic copies a default for each instance)

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from zoo.config.experiment_file import (
    DatasetChoice,
    DataTable,
    EvaluateTable,
    ExperimentFile,
    FeaturizerChoices,
    Label,
    MetricChoice,
    MetricChoices,
    ModelTable,
    RankerChoices,
    as_lists,
)
from zoo.config.tune import TuneSettings, table_only
from zoo.params import StrictTable


class JudgedData(DataTable):
    """`[data]` of `task = "rank"`: one row per judged document of a query."""

    source: DatasetChoice
    """A `dataset` component: its first table has the judgements; its items are the documents, if documents have their own columns."""
    columns: dict[str, str] = {}
    """Maps the canonical name of a judgement column (`query_id`, `label`, `query`, `item_id`) to its name in the file."""
    item_columns: dict[str, str] = {}
    """Maps the canonical name of a document column (`item_id`, ...) to its name in the file."""
    features: list[str] = []
    """Numeric judgement columns that rankers get as features, by name or pattern (`"rank*"`). A null is a missing value."""
    text: list[str] = []
    """Text columns of the documents or the judgements that are matched with the column `query`."""
    label_from: float = 0.0
    """The lowest label, which counts as not relevant. It is subtracted from all labels (for labels from 1 to 4: `label_from = 1`)."""
    salt: str = ""
    """Key of the hash that orders the documents of a list before ranking and thereby orders ties."""


class Folds(StrictTable):
    """Cross-validation by query: each fold is the test part once, the fold before it (cyclically) is the validation part, the others train."""

    policy: Literal["folds"]
    column: str | None = None
    """The column with the fold of each query; by default queries are assigned to folds at random."""
    folds: int = Field(5, ge=2, le=1_000_000)
    """Number of folds when `column` is not set."""
    validate_: bool = Field(True, alias="validate")
    """Whether to use one fold for validation; otherwise it is used for training too."""
    seed: int = Field(0, ge=0)
    """Seed of the random assignment of queries to folds."""

    model_config = ConfigDict(serialize_by_alias=True)


class GivenLists(StrictTable):
    """A predefined split: a column contains the part of each list."""

    policy: Literal["given"] = "given"
    column: str = "split"
    """The column with the part; the dataset `judged-files` adds it."""
    train: list[str] = ["train"]
    """Values of the training part."""
    validate_: list[str] = Field(["valid", "validate", "validation"], alias="validate")
    """Values of the validation part, which may be empty."""
    test: list[str] = ["test"]
    """Values of the test part."""

    model_config = ConfigDict(serialize_by_alias=True)

    @model_validator(mode="after")
    def _each_of_one_part(self) -> GivenLists:
        """Refuse a value that belongs to two parts."""
        parts = [*self.train, *self.validate_, *self.test]
        twice = next((value for value in parts if parts.count(value) > 1), None)
        if twice is not None:
            raise ValueError(f"expected each value in one of train, validate and test, found {twice!r} in two.")
        return self


def _policy(value: Any) -> str:
    """Return the policy that a `[split]` table names."""
    policy = value.get("policy", "given") if isinstance(value, dict) else getattr(value, "policy", "given")
    return str(policy)


ListSplit = Annotated[
    Annotated[Folds, Tag("folds")] | Annotated[GivenLists, Tag("given")],
    Discriminator(_policy),
]


class RankEvaluateSettings(EvaluateTable):
    """`[evaluate]` of `task = "rank"`."""

    metrics: MetricChoices = [MetricChoice.model_validate("ndcg@10")]
    """`"name@k"`, or tables. All metrics except `ndcg` count a document as relevant if its label is above 0."""
    empty: Literal["skip", "zero", "one"] = "skip"
    """How a query without a relevant document counts: skipped, as 0, or as 1. Published figures differ by several points depending on this choice."""
    gain: Literal["exponential", "linear"] = "exponential"
    """Gain of a label in `ndcg`: `2^label - 1` (exponential) or `label` (linear)."""
    bootstrap: int = Field(1000, ge=100, le=1_000_000)
    """Not used: the metrics of judged lists have intervals without resamples."""


class RankModel(ModelTable):
    """`[[model]]` of `task = "rank"`: one or more rankers, applied in order."""

    label: Label | None = None
    """Name of the model in tables; the last ranker's name by default."""
    featurizer: FeaturizerChoices = []
    """Featurizers that compare the query text with the document texts; each adds the cosine of their vectors as a feature."""
    rankers: RankerChoices = Field(min_length=1)
    """Rankers applied in order to the lists."""
    train: dict[str, Any] = {}
    """Overrides of `[train]` for this model's neural featurizers (`[model.train]`)."""
    ranker_train: dict[str, Any] = {}
    """Overrides for this model's neural rankers (`[model.ranker_train]`). By default they use the settings of `[model.train]`, except `max_epochs = 100`, `patience = 10`, `batch_size = 32` (lists), `learning_rate = 0.001` and `weight_decay = 0`."""
    tune: bool | dict[str, Any] = {}
    """What is searched of this model (`[model.tune]`), as in an experiment that recommends. `tune = false` keeps all settings."""

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        """Accept one component where a list is expected."""
        return as_lists(value, ("featurizer", "rankers"))

    @property
    def name(self) -> str:
        """The label, or the last ranker's name."""
        return self.label or self.rankers[-1].name


class RankExperiment(ExperimentFile):
    """An experiment file with `task = "rank"`."""

    task: Literal["rank"]
    """The task: compare rankers on judged lists."""
    data: JudgedData
    split: ListSplit = GivenLists()
    """How the lists are split; `policy` selects the method, `given` by default."""
    evaluate: RankEvaluateSettings = RankEvaluateSettings()
    tune: TuneSettings | None = Field(None, json_schema_extra=table_only)
    model: list[RankModel] = Field(min_length=1)
