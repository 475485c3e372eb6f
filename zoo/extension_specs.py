"""What plugins add to a task besides components: split policies and groups of candidate features; torch-free."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from zoo.params import Params


def check_spec(what: str, name: str, target: str, params: Any) -> None:
    """Check the fields that all specs share.

    Raises:
        ValueError: A field is malformed; the registry turns it into a report of a broken plugin.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"{what} name {name!r}: use lower-case letters and digits, words joined by hyphens")
    if not re.fullmatch(r"[\w.]+:\w+", target):
        raise ValueError(f"{what} {name!r}: target {target!r} is not of the form 'package.module:function'")
    if not (isinstance(params, type) and issubclass(params, BaseModel)):
        raise ValueError(f"{what} {name!r}: params must be a class, found {params!r}")


@dataclass(frozen=True)
class SplitSpec:
    """A split policy.

    Attributes:
        name: The value of `policy` in `[split]`.
        target: `"package.module:function"`, imported at first use. It is called with the event log and the params, and returns a
            Boolean mask `[N]` for each part that it holds out, such as `{"test": mask}`; all other events are for training.
        params: The keys of `[split]`, a subclass of `zoo.api.SplitParams`.
        summary: One sentence.
    """

    name: str
    target: str
    params: type[BaseModel]
    summary: str = ""

    def __post_init__(self) -> None:
        """Check what can be checked without importing the target.

        Raises:
            ValueError: A field is malformed.
        """
        check_spec("split", self.name, self.target, self.params)


@dataclass(frozen=True)
class CandidateFeatureSpec:
    """A group of ranking features.

    Attributes:
        name: The entry of `groups` in `[model.candidate_features]`.
        target: `"package.module:function"`, imported at first use. It is called with the queries, the item numbers of their
            candidates `[B, K]`, the `ItemColumns` and the params, and returns the features by name, each `[B, K]` or `[B, 1]`.
        params: The class of its parameters.
        summary: One sentence.
        columns: The catalogue columns that it reads, also as a function of the parameters.
    """

    name: str
    target: str
    params: type[Params] = Params
    summary: str = ""
    columns: tuple[str, ...] | Callable[[Any], tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Check what can be checked without importing the target.

        Raises:
            ValueError: A field is malformed.
        """
        check_spec("candidate features", self.name, self.target, self.params)

    def columns_for(self, params: Params) -> tuple[str, ...]:
        """Return the catalogue columns that it reads with these parameters."""
        return self.columns if isinstance(self.columns, tuple) else self.columns(params)
