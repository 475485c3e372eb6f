"""What a plugin says of a component before anything of it is imported."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from zoo.params import Params

API_VERSION = 1
"""The plugin API that this core speaks."""
OLDEST_API = 0
"""The oldest plugin API that still works, with a warning."""

StageName = Literal["dataset", "featurizer", "predictor", "filter", "ranker", "metric"]
STAGES: tuple[StageName, ...] = get_args(StageName)


@dataclass(frozen=True)
class Capabilities:
    """What a component can do and what it needs: declared as data, read by the core, tested by the kit."""

    cold_items: bool = False
    """Scores items that did not occur in training."""
    cold_users: bool = True
    """Serves users who did not occur in training, from their history."""
    features: Literal["none", "optional", "required"] = "none"
    """Whether item features are read."""
    needs_time: bool = False
    """Needs a real clock: positions and file order will not do."""
    deterministic: bool = True
    """The same data give the same scores whatever the seed."""
    validates: bool = False
    """Trains in epochs by `[train]`, picks their number by `context.validate`, and leaves it in `epochs` after `fit`."""
    learns: bool = True
    """Has something to fit (a ranker that learns needs a `rank` part of the split)."""


@dataclass(frozen=True)
class Figure:
    """A published figure that a component reproduces."""

    task: str
    metric: str
    value: float
    tolerance: float
    source: str
    config: Mapping[str, Any] = field(default_factory=dict)


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
        api: The plugin API it was written for.
        reproduces: Published figures it reproduces.
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
    api: int = API_VERSION
    reproduces: tuple[Figure, ...] = ()

    def __post_init__(self) -> None:
        """Check what can be checked without importing the target.

        Raises:
            ValueError: A field is malformed; the registry turns it into a report of a broken plugin.
        """
        for name in (self.name, *self.aliases):
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
                raise ValueError(f"component name {name!r}: use lower-case letters and digits, words joined by hyphens")
        if self.stage not in STAGES:
            raise ValueError(f"component {self.name!r}: stage {self.stage!r} is none of {', '.join(STAGES)}")
        if not re.fullmatch(r"[\w.]+:\w+", self.target):
            raise ValueError(
                f"component {self.name!r}: target {self.target!r} is not of the form 'package.module:Class'"
            )
        if not (isinstance(self.params, type) and issubclass(self.params, Params)):
            raise ValueError(f"component {self.name!r}: params must be a subclass of zoo.api.Params")

    def capabilities_for(self, params: Params) -> Capabilities:
        """Return the capabilities under the given parameters."""
        return self.capabilities if isinstance(self.capabilities, Capabilities) else self.capabilities(params)
