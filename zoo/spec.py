"""Specifications of components: what a plugin declares without importing the implementation."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from operator import attrgetter
from typing import Any, Literal, TypeVar, get_args

from zoo.neural_params import NeuralParams
from zoo.params import Params
from zoo.search_space import spaces_of

API_VERSION = 2
"""The current version of the plugin API."""
OLDEST_API = 0
"""The oldest version of the plugin API that still works, with a warning."""

StageName = Literal["dataset", "cleaner", "featurizer", "predictor", "filter", "ranker", "metric"]
_NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
STAGES: tuple[StageName, ...] = get_args(StageName)
MODEL_KEYS: dict[StageName, str] = {
    "predictor": "predictor",
    "featurizer": "featurizer",
    "filter": "filters",
    "ranker": "rankers",
}
"""The key of a `[[model]]` table for each of its stages."""
C = TypeVar("C")


RENAMED = {"validates": "trains_in_epochs", "learns": "trainable"}
"""Field names of plugin API 1 and the current names."""


def _accept_names_of_api_1(cls: type[C]) -> type[C]:
    """Add the field names of plugin API 1 to a dataclass, as keyword arguments and as properties."""
    plain = cls.__init__

    @wraps(plain)
    def init(self: C, *args: Any, **kwargs: Any) -> None:
        renamed = {RENAMED[name]: kwargs.pop(name) for name in RENAMED if name in kwargs}
        plain(self, *args, **{**kwargs, **renamed})

    setattr(cls, "__init__", init)  # noqa: B010 (mypy takes the plain assignment for an error)
    for old, name in RENAMED.items():
        setattr(cls, old, property(attrgetter(name), doc=f"`{name}`; for plugins of API 1."))
    return cls


@_accept_names_of_api_1
@dataclass(frozen=True)
class Capabilities:
    """What a component supports and requires; read by the core and tested by the conformance kit."""

    cold_items: bool | Literal["by features"] = False
    """Scores items that did not occur in training; `"by features"` if the model has a featurizer."""
    cold_users: bool = True
    """Serves users who did not occur in training, from their history."""
    features: Literal["none", "optional", "required"] = "none"
    """Whether the component reads item features."""
    needs_time: bool = False
    """Needs timestamps; positions or file order are not enough."""
    deterministic: bool = True
    """The scores do not depend on the seed."""
    trains_in_epochs: bool = False
    """Trains in epochs with the settings of `[train]`, uses early stopping, and sets `trained` in `fit`."""
    trainable: bool = True
    """Learns in `fit` (a trainable ranker needs a `rank` part of the split)."""
    collaborative: bool = True
    """For predictors: learns item relations from the histories of other users."""
    needs_history: bool = True
    """For predictors: has no answer for a query without a history (with `cold_users=False`, for a user without a vector). The core
    then replaces its list by the fallback of the experiment. False for a predictor that orders the items by itself."""
    products: bool = False
    """For predictors: the score of an item is the product of a vector of the query and a vector of the item, which `query_vectors` and
    `item_vectors` return. `zoo index` builds an index of such vectors."""
    histories: bool = False
    """For rankers and metrics: reads the histories of the queries (`lists.queries`)."""
    columns: tuple[str, ...] = ()
    """For rankers and metrics: the catalogue columns that it reads (`item_columns`). A missing one is an error before the first fit."""
    user_columns: tuple[str, ...] = ()
    """For predictors and rankers: the columns of the user table that it reads (`user_columns`). A missing one is an error before the
    first fit. Users of the table count as known to such a predictor even if they have no event in training."""


def neural_capabilities(params: NeuralParams) -> Capabilities:
    """Return the capabilities of a `NeuralPredictor`; it requires item features if `ids` is false."""
    features: Literal["optional", "required"] = "optional" if params.ids else "required"
    return Capabilities(
        cold_items="by features", features=features, deterministic=False, trains_in_epochs=True, products=True
    )


@dataclass(frozen=True)
class Figure:
    """A published figure and the value that the zoo measured.

    Attributes:
        metric: The metric with its cutoff, such as `ndcg@10`.
        value: The published value.
        tolerance: How far a run may fall below the published value.
        source: The publication.
        measured: The value that the zoo measured, the mean over `seeds` seeds; None if not measured.
        seeds: The number of seeds.
    """

    metric: str
    value: float
    tolerance: float
    source: str
    measured: float | None = None
    seeds: int = 1

    @property
    def missed(self) -> bool:
        """Whether the zoo fell short of the published figure by more than the tolerance."""
        return self.measured is not None and self.measured < self.value - self.tolerance

    def format_measured(self) -> str:
        """Return the measured value, the number of seeds and whether it falls short; empty if not measured."""
        if self.measured is None:
            return ""
        remarks = [f"{self.seeds} seeds"] * (self.seeds > 1) + ["not reached"] * self.missed
        return f"{self.measured:g}" + (f" ({', '.join(remarks)})" if remarks else "")


@dataclass(frozen=True)
class Recipe:
    """An experiment that reproduces published figures; settings that are not listed have their defaults.

    Attributes:
        name: Lower-case words joined by hyphens, the data set first.
        dataset: The folder of the data, which contains `interactions.parquet`.
        figures: The figures to reproduce.
        params: Parameters of the component.
        train: Keys of `[train]`.
        split: The `[split]` table.
        data: Keys of `[data]` beside the source.
        evaluate: Keys of `[evaluate]` beside the metrics, which are those of the figures.
        note: Further remarks, such as how the parameters were chosen.
    """

    name: str
    dataset: str
    figures: tuple[Figure, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    evaluate: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def experiment(self, predictor: str) -> dict[str, Any]:
        """Return the tables of the experiment file; data paths start with `${ZOO_DATA}`."""
        source = {"name": "files", "interactions": f"${{ZOO_DATA}}/{self.dataset}/interactions.parquet"}
        tables: dict[str, Any] = {
            "data": {"source": source, **self.data},
            "split": dict(self.split),
            "evaluate": {"metrics": [figure.metric for figure in self.figures], **self.evaluate},
            "train": dict(self.train),
            "model": [{"predictor": {"name": predictor, **self.params} if self.params else predictor}],
        }
        return {"references": False, **{name: table for name, table in tables.items() if table}}


@dataclass(frozen=True)
class ComponentSpec:
    """A component's entry in the registry.

    Attributes:
        name: Lower-case words joined by hyphens; the paper's name if there is one.
        stage: The interface that the class implements.
        target: `"package.module:Class"`, imported at first use.
        params: The class of its parameters; importing it must not import torch.
        summary: One sentence.
        citation: The work it follows, or an empty string.
        capabilities: As a value, or as a torch-free function of the parameters.
        tiny: Parameters small enough for a test.
        aliases: Alternative names.
        api: The version of the plugin API it was written for; 1, the first published version, by default.
        reproduces: Experiments that reproduce published figures; for predictors only.
        expected_failures: Ids of conformance checks that the component fails, each with the reason.
    """

    name: str
    stage: StageName
    target: str
    params: type[Params]
    summary: str
    citation: str = ""
    capabilities: Capabilities | Callable[[Any], Capabilities] = Capabilities()
    tiny: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    api: int = 1  # not API_VERSION: a newer core must not change the version of an old plugin
    reproduces: tuple[Recipe, ...] = ()
    expected_failures: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what can be checked without importing the target.

        Raises:
            ValueError: A field is malformed; the registry turns it into a report of a broken plugin.
        """
        for name in (self.name, *self.aliases):
            if not re.fullmatch(_NAME, name):
                raise ValueError(f"component name {name!r}: use lower-case letters and digits, words joined by hyphens")
        if self.stage not in STAGES:
            raise ValueError(f"component {self.name!r}: stage {self.stage!r} is none of {', '.join(STAGES)}")
        if not re.fullmatch(r"[\w.]+:\w+", self.target):
            raise ValueError(
                f"component {self.name!r}: target {self.target!r} is not of the form 'package.module:Class'"
            )
        if not (isinstance(self.params, type) and issubclass(self.params, Params)):
            raise ValueError(f"component {self.name!r}: params must be a subclass of zoo.api.Params")
        spaces_of(self.params)
        self._check_recipes()

    def _check_recipes(self) -> None:
        """Check the names of the recipes, and that the component is a predictor.

        Raises:
            ValueError: A name is malformed or not unique, or the component is not a predictor.
        """
        if self.reproduces and self.stage != "predictor":
            raise ValueError(f"component {self.name!r}: reproduces is for predictors, which can be run alone")
        names = [recipe.name for recipe in self.reproduces]
        for name in names:
            if not re.fullmatch(_NAME, name) or names.count(name) > 1:
                raise ValueError(
                    f"component {self.name!r}: recipe name {name!r}: use lower-case letters and digits, words joined by "
                    "hyphens, each name once"
                )

    def capabilities_for(self, params: Params) -> Capabilities:
        """Return the capabilities under the given parameters."""
        return self.capabilities if isinstance(self.capabilities, Capabilities) else self.capabilities(params)
