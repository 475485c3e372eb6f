"""Ranking features from columns of the user table, counted on the training log.

| column | features | values |
| --- | --- | --- |
| of numbers | `user-COLUMN` | the value of the user, the mean over the users of training if it is missing |
| | `user-COLUMN-gap` | its difference to the mean over the users of the item in training; 0 if it is missing |
| of categories | `user-COLUMN=VALUE` | 1 if the user has the value, else 0, for each of the most frequent values |
| | `user-COLUMN-lift` | the log of how much more often users with this value have an event with the item; 0 if it is missing |

Both counts of an item are smoothed by `SMOOTHING` users of the average kind, so that an item with few events has a gap and a lift
like that of all items together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.interactions import Interactions
from zoo.errors import DataError
from zoo.stages.candidate_values import Columns
from zoo.stages.stage import State
from zoo.stages.user_columns import UserColumns

MOST_VALUES, SMOOTHING = 20, 10.0
SCHEMA: dict[str, Any] = {
    "user-means*": dict[str, float],
    "user-categories*": dict[str, list[str]],
    "user-gaps-*": "float32 [I]",
    "user-lifts-*": "float32 [I, *]",
}
"""The form of the entries of a state; a model without user columns has none of them."""


@dataclass(frozen=True, eq=False)
class UserFeatures:
    """What the features need besides the values of a query's user.

    Attributes:
        means: The mean of each column of numbers over the users of training.
        item_means: The mean over the users of each item, `[I]` float32 for each column of numbers.
        categories: The values of each column of categories that have a feature.
        lifts: The lift of each item and value, `[I, C]` float32 for each column of categories.
    """

    means: dict[str, float]
    item_means: dict[str, Tensor]
    categories: dict[str, list[str]]
    lifts: dict[str, Tensor]

    @classmethod
    def fit(cls, log: Interactions, columns: UserColumns, names: Sequence[str]) -> UserFeatures:
        """Count the users of each item by the values of their columns.

        Args:
            log: The training log.
            columns: The columns of the users.
            names: The columns to read: numbers, texts of which all are numbers, or categories.

        Raises:
            DataError: No user of training has a value, or a column holds neither numbers nor categories.
        """
        taken, found = log.matrix(binary=True), cls({}, {}, {}, {})
        for name in names:
            numbers = _numbers(columns, name)
            if numbers is not None:
                found.means[name], found.item_means[name] = _item_means(taken, numbers[1:], name)
            else:
                found.categories[name], found.lifts[name] = _lifts(taken, columns, name)
        return found

    def of(self, users: NDArray[np.int64], items: NDArray[np.int64], columns: UserColumns) -> Columns:
        """Return the features of candidates.

        Args:
            users: The user numbers of the queries, `[B]`; 0 for an unknown user.
            items: The item numbers of their candidates, `[B, K]`.
            columns: The columns of the users.
        """
        found: Columns = {}
        for name, mean in self.means.items():
            values = columns.numbers(name).numpy()[users].astype(np.float32)[:, None]
            missing = ~np.isfinite(values)
            found[f"user-{name}"] = np.where(missing, np.float32(mean), values)
            found[f"user-{name}-gap"] = np.where(missing, np.float32(0), values - self.item_means[name].numpy()[items])
        for name, values_of in self.categories.items():
            has = _membership(columns, name, values_of, users)
            for at, value in enumerate(values_of):
                found[f"user-{name}={value}"] = has[:, at, None]
            total = np.einsum("bkc,bc->bk", self.lifts[name].numpy()[items], has)
            found[f"user-{name}-lift"] = total / np.maximum(has.sum(1), 1)[:, None]
        return found

    def followed_by(self, n_new: int) -> UserFeatures:
        """Return the features of a catalogue with new items, which have no users yet."""
        gaps = {name: torch.cat([old, torch.full((n_new,), self.means[name])]) for name, old in self.item_means.items()}
        lifts = {name: torch.cat([old, torch.zeros(n_new, old.shape[1])]) for name, old in self.lifts.items()}
        return UserFeatures(self.means, gaps, self.categories, lifts)

    def state(self) -> State:
        """Return the entries of a state."""
        tensors = {f"user-gaps-{at}": values for at, values in enumerate(self.item_means.values())}
        tensors |= {f"user-lifts-{at}": values for at, values in enumerate(self.lifts.values())}
        return State(tensors, {"user-means": self.means, "user-categories": self.categories})

    @classmethod
    def of_state(cls, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> UserFeatures:
        """Return what `state` returned.

        Raises:
            ValueError: The lifts have another number of values than the categories.
        """
        means, categories = values["user-means"], values["user-categories"]
        lifts = {name: tensors[f"user-lifts-{at}"] for at, name in enumerate(categories)}
        for name, found in lifts.items():
            if found.shape[1] != len(categories[name]):
                raise ValueError(f"lifts of {name!r}: expected {len(categories[name])} columns, found {found.shape[1]}")
        return cls(means, {name: tensors[f"user-gaps-{at}"] for at, name in enumerate(means)}, categories, lifts)


def _numbers(columns: UserColumns, name: str) -> NDArray[np.float64] | None:
    """Return a column of numbers, `[U + 1]`, also one of texts that are numbers, as CSV files have; None for another one."""
    try:
        numbers: NDArray[np.float64] = columns.numbers(name).numpy()
    except DataError:
        return None
    kind = columns.users.column(name).type
    return None if str(kind) == "bool" else numbers


def _item_means(taken: scipy.sparse.csr_matrix, values: NDArray[np.float64], name: str) -> tuple[float, Tensor]:
    """Return the mean over users and over those of each item, `[I]`, given who took what, `[U, I]`."""
    known = np.isfinite(values) & (np.diff(taken.indptr) > 0)
    if not known.any():
        raise _without_values(name)
    mean, of_known = float(values[known].mean()), taken[known]
    total = np.asarray(values[known] @ of_known).ravel() + SMOOTHING * mean
    return mean, torch.from_numpy((total / (np.asarray(of_known.sum(0)).ravel() + SMOOTHING)).astype(np.float32))


def _lifts(taken: scipy.sparse.csr_matrix, columns: UserColumns, name: str) -> tuple[list[str], Tensor]:
    """Return the most frequent values of the users of training, and the lift of each item and value, `[I, C]`."""
    shares = columns.shares(name)
    has = (shares.sparse()[1:] > 0).astype(np.float64)
    trained = np.flatnonzero(np.diff(taken.indptr) > 0)
    counts = np.asarray(has[trained].sum(0)).ravel()
    order = sorted(np.flatnonzero(counts), key=lambda at: (-counts[at], shares.names[at]))[:MOST_VALUES]
    if not order:
        raise _without_values(name)
    kept = sorted(order, key=lambda at: shares.names[at])
    pairs = (taken.T @ has[:, kept]).toarray()  # [I, C]
    base = pairs.sum(0) / pairs.sum()
    lifts = np.log(pairs + SMOOTHING * base) - np.log(pairs.sum(1, keepdims=True) + SMOOTHING) - np.log(base)
    return [shares.names[at] for at in kept], torch.from_numpy(lifts.astype(np.float32))


def _membership(
    columns: UserColumns, name: str, values: Sequence[str], users: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return which of the values the users have, `[B, C]` 0 or 1."""
    shares = columns.shares(name)
    place = {value: at for at, value in enumerate(shares.names)}
    at = [place[value] for value in values if value in place]
    has = np.zeros((len(users), len(values)), np.float32)
    there = [column for column, value in enumerate(values) if value in place]
    has[:, there] = shares.sparse()[users][:, at].toarray() > 0
    return has


def _without_values(name: str) -> DataError:
    """Return the error for a column that is empty for all users of training."""
    return DataError(
        f"candidate_features.user_columns: the user table's column {name!r} has no value for any user with an event in training. "
        "Leave the column out, or correct the users file."
    )
