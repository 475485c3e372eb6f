"""The features that rankers get for each candidate: `[model.candidate_features]`."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from zoo.params import Params

Group = Literal["score", "popularity", "trend", "history", "item", "categories", "price", "similarity", "vectors"]
GROUPS: tuple[Group, ...] = get_args(Group)


class CandidateFeatureSettings(Params):
    """The features that the core computes for each candidate."""

    groups: list[Group] | None = Field(None, min_length=1)
    """The groups of features; by default all groups that the data support."""
    categories: list[str] | None = None
    """Item columns whose values group the items; by default `category`, if the data have that column."""
    vectors: int = Field(8, ge=1, le=65_536)
    """Number of columns to which the item features of a `featurizer` are reduced."""
    decay: float = Field(0.9, gt=0, le=1)
    """Factor by which the weight of an event falls with each later event of the user, in the features called recent."""
