"""Ranking features of candidates, computed from the training log and the user's history before the query.

| group | columns | values |
| --- | --- | --- |
| `score` | `score`, `rank` | the predictor's score, standardised within the list, and the rank by that score, from 1 |
| `popularity` | `popularity` | log(1 + n) for n events of the item in training |
| `trend` | `trend` | log((1 + m) / (1 + n / 10)) for m of these n events in the last tenth of the time; needs timestamps |
| `history` | `history` | log(1 + events of the user) |
| `item` | `item-events`, `item-recent` | log(1 + events of the user with the item); `recent` decays each event by its age |
| `categories` | `COLUMN-events`, `COLUMN-recent` | the same for items of the same category, summed over several categories |
| `price` | `price`, `price-ratio` | log(1 + price), the median if missing; the difference to the mean over the history |
| `similarity` | `similarity` | the cosine between the item features and those of the recent history |
| `vectors` | `vector-1`, ... | the item features, projected onto their main directions |

With `user_columns`, there are also the features of `zoo.stages.user_features`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.candidate_groups import GROUP_NAMES, Group
from zoo.config.candidate_settings import CandidateFeatureSettings
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import csr
from zoo.data.queries import Queries
from zoo.errors import ConfigError
from zoo.nn.reduction import main_directions
from zoo.nn.sparse import csr_tensor, scipy_matrix
from zoo.stages.candidate_values import (
    Columns,
    binary_matrix,
    candidate_entries,
    candidate_products,
    history_cosines,
    history_means,
    log_prices,
    membership,
    score_columns,
    trends,
)
from zoo.stages.candidates import Candidates
from zoo.stages.item_columns import ItemColumns
from zoo.stages.item_features import ItemFeatures
from zoo.stages.plugin_features import features_of_plugin
from zoo.stages.stage import Stage, State, TrainingData
from zoo.stages.user_columns import UserColumns
from zoo.stages.user_features import SCHEMA, UserFeatures


class CandidateFeatures(Stage[CandidateFeatureSettings]):
    """Computes the ranking features of a pipeline's candidates."""

    groups: list[Group]
    columns: list[str]
    """The names of the columns of `table`."""
    table: Tensor
    """Item features that do not depend on the query, `[I, S]` float32."""
    categories: dict[str, list[str]]
    """The distinct values of each category column."""
    members: dict[str, scipy.sparse.csr_matrix]
    """The categories of each item as a 0/1 matrix, `[I, C]` for each category column."""
    directions: Tensor
    """The projection of item features onto their main directions, `[D, S]`."""
    norms: Tensor
    """The Euclidean norm of each item's features, `[I]`."""
    of_users: UserFeatures | None = None
    """What the features of `user_columns` need; None without them."""

    def fit(self, data: TrainingData) -> None:
        """Compute statistics of items and users from the training log, and read prices and categories from the catalogue.

        Raises:
            ConfigError: The parameters name a group that these data do not support.
            DataError: A category column is missing or does not hold categories.
        """
        catalogue, features = data.catalogue, data.features
        self.groups = self._groups(data)
        self.categories, self.members = {}, {}
        for name in self._category_columns(catalogue) if "categories" in self.groups else ():
            self._read_categories(catalogue, name)
        self.directions, self.norms = torch.zeros(0, 0), torch.zeros(0)
        if "similarity" in self.groups and features is not None:
            self.norms = features.norms()
        if "vectors" in self.groups and features is not None:
            self.directions = main_directions(features.values, self.params.vectors)
        table = {}
        if "popularity" in self.groups:
            table["popularity"] = np.log1p(data.interactions.counts())
        if "trend" in self.groups:
            table["trend"] = trends(data.interactions)
        if "price" in self.groups:
            table["price"] = log_prices(catalogue)
        self._set_table(table, features, len(catalogue))
        if self.params.user_columns:
            self.of_users = UserFeatures.fit(data.interactions, data.user_columns, self.params.user_columns)

    def add_items(self, catalogue: Catalogue, features: ItemFeatures) -> None:
        """Add N new items without events, numbered after all others.

        Args:
            catalogue: The catalogue of the new items; row 0 is padding.
            features: Their item features, `[N, D]`, without a padding row.
        """
        old, n = self.table, len(catalogue) - 1
        table = {name: np.zeros(n) for name in self.columns if name in ("popularity", "trend")}
        if "price" in self.columns:
            known = old[1:, self.columns.index("price")]
            table["price"] = log_prices(catalogue, float(known.median()))[1:]
        self._set_table(table, features, n)
        self.table = torch.cat([old, self.table])
        if len(self.norms):
            self.norms = torch.cat([self.norms, features.norms()])
        if self.of_users is not None:
            self.of_users = self.of_users.followed_by(n)
        for name, values in self.categories.items():
            items, found = catalogue.categories(name)
            new = membership(values, items, found.to_pylist(), len(catalogue))[1:]
            self.members[name] = scipy.sparse.vstack([self.members[name], new], format="csr")

    def update_items(self, catalogue: Catalogue, changed: Collection[str]) -> None:
        """Read the changed columns of all items again: prices and categories.

        Args:
            catalogue: All items, with their new values.
            changed: The names of the changed columns.

        Raises:
            DataError: A category column does not hold categories any more.
        """
        self.categories, self.members = dict(self.categories), dict(self.members)
        for name in set(self.categories) & set(changed):
            self._read_categories(catalogue, name)
        if "price" in changed and "price" in self.columns:
            at, table = self.columns.index("price"), self.table.clone()
            table[:, at] = torch.from_numpy(log_prices(catalogue, float(table[1:, at].median())))
            self.table = table

    def of(
        self,
        queries: Queries,
        found: Candidates,
        vectors: ItemFeatures | None,
        item_columns: ItemColumns | None = None,
        user_columns: UserColumns | None = None,
    ) -> tuple[Tensor, tuple[str, ...]]:
        """Return the features of candidates, `[B, K, F]` float32, 0 in empty slots, and their names, `[F]`.

        Args:
            queries: The queries of the candidates; each history ends before the event to predict.
            found: The predictor's candidates.
            vectors: The item features of the pipeline, the same as in `fit`.
            item_columns: The catalogue columns that groups of plugins declare.
            user_columns: The columns of the users that the parameters name.

        Raises:
            ScoreError: A group of a plugin returns features of another shape or type, or NaN.
        """
        items, h = found.items.numpy(), queries.histories
        ends = np.repeat(h.offsets[1:], np.diff(h.offsets))
        age = ends - 1 - np.arange(len(h.items))
        profiles = {
            "events": csr(h.offsets, h.items, np.ones(len(age), np.float32), queries.log.n_items),
            "recent": csr(h.offsets, h.items, (self.params.decay**age).astype(np.float32), queries.log.n_items),
        }
        table = self.table.numpy()
        columns: Columns = {}
        if "score" in self.groups:
            columns.update(score_columns(found))
        if "history" in self.groups:
            columns["history"] = np.log1p(queries.lengths)[:, None]
        if "item" in self.groups:
            columns.update({f"item-{name}": np.log1p(candidate_entries(p, items)) for name, p in profiles.items()})
        for column, members in self.members.items():
            taken = {name: profile @ members for name, profile in profiles.items()}
            columns.update(
                {f"{column}-{name}": np.log1p(candidate_products(t, members, items)) for name, t in taken.items()}
            )
        if "price" in self.groups:
            price = table[:, self.columns.index("price")]
            columns["price-ratio"] = price[items] - history_means(profiles["events"], price)
        if "similarity" in self.groups and vectors is not None:
            columns["similarity"] = history_cosines(profiles["recent"], vectors, self.norms.numpy(), items)
        if self.of_users is not None:
            columns.update(self.of_users.of(queries.users, items, user_columns or UserColumns.none()))
        for group in self.params.plugin_groups:
            columns.update(
                features_of_plugin(group, queries, found.items, item_columns or ItemColumns.of(Catalogue.bare(0), ()))
            )
        own = (
            np.stack([np.broadcast_to(v, items.shape) for v in columns.values()], -1)
            if columns
            else table[items][..., :0]
        )
        features = np.concatenate([own.astype(np.float32), table[items]], axis=-1)
        return torch.from_numpy(features).masked_fill_((found.items == 0)[..., None], 0.0), (*columns, *self.columns)

    def state(self) -> State:
        """Return the table, the category matrices, the norms and the directions."""
        tensors = {"table": self.table, "directions": self.directions, "norms": self.norms}
        for number, members in enumerate(self.members.values()):
            tensors[f"members-{number}"] = csr_tensor(members)
        values = {"groups": self.groups, "columns": self.columns, "categories": self.categories}
        own = State({}, {}) if self.of_users is None else self.of_users.state()
        return State(tensors | own.tensors, values | own.values)

    def state_schema(self) -> dict[str, Any]:
        """Return the form of the entries."""
        return {
            "table": "float32 [I, S]", "directions": "float32 [D, *]", "norms": "float32 [I] | float32 [0]",
            "members-*": "csr float32 [I, *]", "groups": list[Group], "columns": Annotated[list[str], "S"],
            "categories": dict[str, list[str]], **SCHEMA,
        }  # fmt: skip

    def load_state(self, state: State) -> None:
        """Restore what `state` returned."""
        self.groups, self.columns, self.categories = (state.values[n] for n in ("groups", "columns", "categories"))
        self.table, self.directions, self.norms = (state.tensors[n] for n in ("table", "directions", "norms"))
        self.members = {}
        for number, (name, values) in enumerate(self.categories.items()):
            members, shape = state.tensors[f"members-{number}"], (len(self.table), len(values))
            if tuple(members.shape) != shape:
                raise ValueError(f"members of {name!r}: expected {list(shape)}, found {list(members.shape)}")
            self.members[name] = scipy_matrix(members)
        if self.params.user_columns:
            self.of_users = UserFeatures.of_state(state.tensors, state.values)

    def migrate(self, state: State) -> State:
        """Convert category members that an earlier version saved as (item, category) pairs to matrices."""
        tensors = dict(state.tensors)
        for number, values in enumerate(state.values["categories"].values()):
            name = f"members-{number}"
            if tensors[name].layout == torch.strided:
                rows, codes = tensors[name].numpy()
                tensors[name] = csr_tensor(binary_matrix(rows, codes, len(tensors["table"]), len(values)))
        return State(tensors, state.values)

    def _read_categories(self, catalogue: Catalogue, name: str) -> None:
        """Set the distinct values of a category column, and the categories of each item."""
        items, values = catalogue.categories(name)
        self.categories[name] = values.unique().to_pylist()
        self.members[name] = membership(self.categories[name], items, values.to_pylist(), len(catalogue))

    def _set_table(self, table: dict[str, NDArray[Any]], features: ItemFeatures | None, rows: int) -> None:
        """Set `table` and `columns` from the given columns and the projected item features."""
        parts = [torch.from_numpy(values.astype(np.float32))[:, None] for values in table.values()]
        if features is not None and self.directions.numel():
            parts.append((features.values @ self.directions).float())
        self.columns = [*table, *(f"vector-{i}" for i in range(1, self.directions.shape[1] + 1))]
        self.table = torch.cat(parts, dim=1) if parts else torch.zeros(rows, 0)

    def _groups(self, data: TrainingData) -> list[Group]:
        """Return the groups to compute: those of the parameters, or all that the data support.

        Raises:
            ConfigError: The parameters name a group that these data do not support.
        """
        lacking: dict[Group, str] = {}
        if data.interactions.clock != "timestamp":
            lacking["trend"] = f"needs timestamps, and the events are ordered by {data.interactions.clock} only"
        if not data.catalogue.has_numbers("price"):
            lacking["price"] = "needs a numeric item column 'price': map one in data.item_columns"
        if not self._category_columns(data.catalogue):
            lacking["categories"] = "needs a category column: name one in `categories`"
        if data.features is None:
            lacking["similarity"] = lacking["vectors"] = "needs item features: give the model a `featurizer`"
        named = [group for group in self.params.names or GROUP_NAMES if group in GROUP_NAMES]
        for group in named if self.params.names else ():
            if group in lacking:
                raise ConfigError(f"candidate_features.groups: {group!r} {lacking[group]}, or leave it out.")
        return [group for group in named if group not in lacking]

    def _category_columns(self, catalogue: Catalogue) -> list[str]:
        if self.params.categories is None:
            return ["category"] if "category" in catalogue.columns else []
        return self.params.categories
