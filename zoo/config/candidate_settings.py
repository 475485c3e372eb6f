"""What rankers are told of each candidate: `[model.candidate_features]`."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from zoo.params import Params

Group = Literal["score", "popularity", "trend", "history", "item", "categories", "price", "similarity", "vectors"]
GROUPS: tuple[Group, ...] = get_args(Group)


class CandidateFeatureSettings(Params):
    """Which features the core makes of each candidate."""

    groups: list[Group] | None = Field(None, min_length=1)
    """The groups of features; all that the data allow by default."""
    categories: list[str] | None = None
    """Item columns of which each value is a group of items; `category` by default, where there is one."""
    vectors: int = Field(8, ge=1)
    """Columns to which the item features of a `featurizer` are reduced."""
    decay: float = Field(0.9, gt=0, le=1)
    """What an event of the user's counts less for each later one, in the features that are called recent."""
