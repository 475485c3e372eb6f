"""The models of an experiment file with `task = "rank"`: lists that judges have graded, and the rankers to compare on them."""
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
    MetricChoice,
    MetricChoices,
    ModelTable,
    RankerChoices,
    listed,
)
from zoo.params import Table


class JudgedData(DataTable):
    """`[data]` of `task = "rank"`: a row for each document that was judged for a query."""

    source: DatasetChoice
    """A `dataset` component: its first table has the judgements, its items the documents, where they have columns of their own."""
    columns: dict[str, str] = {}
    """Canonical name of a column of judgements (`query_id`, `label`, `query`, `item_id`) to the file's name."""
    item_columns: dict[str, str] = {}
    """Canonical name of a column of documents (`item_id`, ...) to the file's name."""
    features: list[str] = []
    """Numeric columns of the judgements that rankers get, by name or pattern (`"rank*"`). A null is a missing value."""
    text: list[str] = []
    """Text columns of the documents, or of the judgements, that are matched with the column `query`."""
    label_from: float = 0.0
    """The label that is worth nothing: it is subtracted from all (labels from 1 to 4: `label_from = 1`)."""
    salt: str = ""
    """Keys the hash that orders the documents of a list before any ranker, and so the order of tied ones."""


class Folds(Table):
    """Cross-validation by query: each part tests once, the part before it (of the first the last) validates, the others train."""

    policy: Literal["folds"]
    column: str | None = None
    """The column that tells a query's part; by default queries are dealt to parts at random."""
    folds: int = Field(5, ge=2)
    """How many parts, where no column tells."""
    validate_: bool = Field(True, alias="validate")
    """Whether a part validates; without, it trains as well."""
    seed: int = 0
    """Deals the queries."""

    model_config = ConfigDict(serialize_by_alias=True)


class GivenLists(Table):
    """The lists come split: a column says to which part each belongs."""

    policy: Literal["given"] = "given"
    column: str = "split"
    """The column; the dataset `judged-files` makes it."""
    train: list[str] = ["train"]
    """Its values for training."""
    validate_: list[str] = Field(["valid", "validate", "validation"], alias="validate")
    """Its values for validation; there need not be any."""
    test: list[str] = ["test"]
    """Its values for testing."""

    model_config = ConfigDict(serialize_by_alias=True)

    @model_validator(mode="after")
    def _each_of_one_part(self) -> GivenLists:
        """Refuse a value that both trains and tests."""
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
    """`"name@k"`; for all but `ndcg` a document counts if its label is above 0."""
    empty: Literal["skip", "zero", "one"] = "skip"
    """What a query without a relevant document counts: nothing, 0 or 1. Published figures differ in it by several points."""
    gain: Literal["exponential", "linear"] = "exponential"
    """What a label is worth in `ndcg`: 2 to its power less 1, or itself."""
    bootstrap: int = Field(1000, ge=100)
    """Resamples of the queries for each interval."""


class RankModel(ModelTable):
    """`[[model]]` of `task = "rank"`: rankers, one after the other."""

    label: str | None = None
    """Its name in tables; the last ranker's name by default."""
    featurizer: FeaturizerChoices = []
    """Featurizers that compare the query's text with the documents', each by the cosine of their vectors."""
    rankers: RankerChoices = Field(min_length=1)
    """Applied in turn to the lists."""
    train: dict[str, Any] = {}
    """Overrides of `[train]` for this model's featurizers that are networks (`[model.train]`)."""
    ranker_train: dict[str, Any] = {}
    """Overrides for the networks among its rankers (`[model.ranker_train]`), which otherwise train as `[model.train]` says, but for `max_epochs = 100`, `patience = 10`, `batch_size = 32` (lists), `learning_rate = 0.001` and `weight_decay = 0`."""

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        """Take one component where a list is expected."""
        return listed(value, ("featurizer", "rankers"))

    @property
    def name(self) -> str:
        """Return the label, or the last ranker's name."""
        return self.label or self.rankers[-1].name


class RankExperiment(ExperimentFile):
    """An experiment file with `task = "rank"`."""

    task: Literal["rank"]
    """What is compared: rankers on judged lists."""
    data: JudgedData
    split: ListSplit = GivenLists()
    """`policy` chooses how the lists are divided; `given` is the default."""
    evaluate: RankEvaluateSettings = RankEvaluateSettings()
    model: list[RankModel] = Field(min_length=1)
