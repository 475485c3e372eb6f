"""What a ranker reads besides the candidates: the item features and the declared columns, as copies of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from zoo.data.catalogue import Catalogue
from zoo.data.user_table import UserTable
from zoo.spec import Capabilities
from zoo.stages.candidates import CandidateLists
from zoo.stages.item_columns import ItemColumns
from zoo.stages.item_features import GuardedItemFeatures, ItemFeatures
from zoo.stages.ranking_data import ROWS, RankingData
from zoo.stages.user_columns import UserColumns


@dataclass(frozen=True, eq=False)
class RankerInputs:
    """The inputs of one ranker. What it writes into them reaches no other stage and no other model.

    Attributes:
        vectors: The item features of the pipeline, or None.
        item_columns: The catalogue columns that it declares.
        user_columns: The columns of the user table that it declares.
        queries: Whether it gets the queries: it declares that it reads their histories or the columns of their users.
    """

    vectors: ItemFeatures | None
    item_columns: ItemColumns
    user_columns: UserColumns
    queries: bool

    @classmethod
    def of(
        cls,
        capabilities: Capabilities,
        features: ItemFeatures | None,
        catalogue: Catalogue | None = None,
        users: UserTable | None = None,
    ) -> RankerInputs:
        """Return the inputs of a ranker with these capabilities."""
        columns = ItemColumns.of(catalogue or Catalogue.bare(0), capabilities.columns)
        vectors = None if features is None else GuardedItemFeatures.of(features)
        of_users = UserColumns.of(users, capabilities.user_columns)
        return cls(vectors, columns, of_users, reads_queries(capabilities))

    def lists(self, lists: CandidateLists) -> CandidateLists:
        """Return a copy of lists with these inputs and without labels."""
        return replace(
            lists,
            items=lists.items.clone(),
            scores=lists.scores.clone(),
            features=lists.features.clone(),
            labels=None,
            vectors=self.vectors,
            queries=lists.queries if self.queries else None,
            item_columns=self.item_columns,
            user_columns=self.user_columns,
        )

    def data(self, data: RankingData) -> RankingData:
        """Return a copy of training data with these inputs."""
        copied = replace(
            data,
            **{name: getattr(data, name).clone() for name in ROWS},
            offsets=data.offsets.copy(),
            labelled=data.labelled.copy(),
            validation=None if data.validation is None else self.data(data.validation),
        )
        return self.attach(copied)

    def attach(self, data: RankingData) -> RankingData:
        """Return training data with these inputs, which shares the memory of lists that nobody else reads."""
        return replace(
            data,
            vectors=self.vectors,
            queries=data.queries if self.queries else None,
            item_columns=self.item_columns,
            user_columns=self.user_columns,
        )


def reads_queries(capabilities: Capabilities) -> bool:
    """Return whether a ranker with these capabilities gets the queries of its lists."""
    return capabilities.histories or bool(capabilities.user_columns)
