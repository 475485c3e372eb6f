"""What a plugin says of a component before anything of it is imported."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from operator import attrgetter
from typing import Any, Literal, TypeVar, get_args

from zoo.neural_params import NeuralParams
from zoo.params import Params

API_VERSION = 2
"""The plugin API that this core speaks."""
OLDEST_API = 0
"""The oldest plugin API that still works, with a warning."""

StageName = Literal["dataset", "featurizer", "predictor", "filter", "ranker", "metric"]
_NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
STAGES: tuple[StageName, ...] = get_args(StageName)
C = TypeVar("C")


RENAMED = {"validates": "trains_in_epochs", "learns": "trainable"}
"""Names of plugin API 1 to those of today."""


def _accept_names_of_api_1(cls: type[C]) -> type[C]:
    """Let a dataclass be built, and read, by the names that its fields had in plugin API 1."""
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
    """What a component can do and what it needs: declared as data, read by the core, tested by the kit."""

    cold_items: bool | Literal["by features"] = False
    """Scores items that did not occur in training; `"by features"` where the model has a featurizer."""
    cold_users: bool = True
    """Serves users who did not occur in training, from their history."""
    features: Literal["none", "optional", "required"] = "none"
    """Whether item features are read."""
    needs_time: bool = False
    """Needs a real clock: positions and file order will not do."""
    deterministic: bool = True
    """The same data give the same scores whatever the seed."""
    trains_in_epochs: bool = False
    """Trains in epochs by `[train]`, chooses their number on validation data, and sets `trained` in `fit`."""
    trainable: bool = True
    """Has something to fit (a trainable ranker needs a `rank` part of the split)."""
    collaborative: bool = True
    """Of a predictor: learns from the histories of others which items go together."""


def neural_capabilities(params: NeuralParams) -> Capabilities:
    """Return what every `NeuralPredictor` can do: item features join its item vectors, or stand for them."""
    features: Literal["optional", "required"] = "optional" if params.ids else "required"
    return Capabilities(cold_items="by features", features=features, deterministic=False, trains_in_epochs=True)


@dataclass(frozen=True)
class Figure:
    """A published figure, and what the zoo reached.

    Attributes:
        metric: Its name with the cutoff: `ndcg@10`.
        value: As it is published.
        tolerance: How far below it a run may come.
        source: Who published it.
        measured: What the zoo reached, the mean of `seeds` seeds; None where that is not known.
        seeds: How many seeds were run.
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
        """Return what was measured, the number of seeds, and whether it falls short; empty where nothing was measured."""
        if self.measured is None:
            return ""
        remarks = [f"{self.seeds} seeds"] * (self.seeds > 1) + ["not reached"] * self.missed
        return f"{self.measured:g}" + (f" ({', '.join(remarks)})" if remarks else "")


@dataclass(frozen=True)
class Recipe:
    """An experiment that reproduces published figures: what is to be set, and all else at its default.

    Attributes:
        name: What it is asked for by: lower-case words joined by hyphens, the data set first.
        dataset: The folder of the data, with `interactions.parquet` in it.
        figures: What it is to reach.
        params: Parameters of the component.
        train: Keys of `[train]`.
        split: The `[split]` table.
        data: Keys of `[data]` beside the source.
        evaluate: Keys of `[evaluate]` beside the metrics, which are those of the figures.
        note: What else must be known, such as how the parameters were chosen.
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
        """Return the experiment as a file has it; the data are looked for below `${ZOO_DATA}`."""
        source = {"name": "files", "interactions": f"${{ZOO_DATA}}/{self.dataset}/interactions.parquet"}
        tables = {
            "data": {"source": source, **self.data},
            "split": dict(self.split),
            "evaluate": {"metrics": [figure.metric for figure in self.figures], **self.evaluate},
            "train": dict(self.train),
            "model": [{"predictor": {"name": predictor, **self.params} if self.params else predictor}],
        }
        return {name: table for name, table in tables.items() if table}


@dataclass(frozen=True)
class ComponentSpec:
    """A component's entry in the registry.

    Attributes:
        name: Lower-case words joined by hyphens; the paper's name where there is one.
        stage: The interface that the class implements.
        target: `"package.module:Class"`, imported at first use.
        params: The class of its parameters; importing it must not import torch.
        summary: One sentence.
        citation: The work it follows, or an empty string.
        capabilities: As a value, or as a torch-free function of the parameters.
        tiny: Parameters small enough for a test.
        aliases: Other names it answers to.
        api: The plugin API it was written for; 1, the first that was published, where a plugin does not say.
        reproduces: Experiments that reproduce published figures; for predictors.
        expected_failures: Checks of the conformance kit that it does not pass, by their ids, and why that is right.
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
    api: int = 1  # not API_VERSION: a plugin does not become a newer one by a newer core
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
        self._check_recipes()

    def _check_recipes(self) -> None:
        """Check that each recipe can be asked for and run.

        Raises:
            ValueError: One is called like another, or is no predictor's.
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
