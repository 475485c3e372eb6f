"""What a ranker reads besides the candidates: the item features and the declared columns, as copies of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from zoo.data.catalogue import Catalogue
from zoo.spec import Capabilities
from zoo.stages.candidates import CandidateLists
from zoo.stages.item_columns import ItemColumns
from zoo.stages.item_features import GuardedItemFeatures, ItemFeatures
from zoo.stages.ranking_data import ROWS, RankingData


@dataclass(frozen=True, eq=False)
class RankerInputs:
    """The inputs of one ranker. What it writes into them reaches no other stage and no other model.

    Attributes:
        vectors: The item features of the pipeline, or None.
        item_columns: The catalogue columns that it declares.
        histories: Whether it declares that it reads the histories of the queries.
    """

    vectors: ItemFeatures | None
    item_columns: ItemColumns
    histories: bool

    @classmethod
    def of(
        cls, capabilities: Capabilities, features: ItemFeatures | None, catalogue: Catalogue | None = None
    ) -> RankerInputs:
        """Return the inputs of a ranker with these capabilities."""
        columns = ItemColumns.of(catalogue or Catalogue.bare(0), capabilities.columns)
        vectors = None if features is None else GuardedItemFeatures.of(features)
        return cls(vectors, columns, capabilities.histories)

    def lists(self, lists: CandidateLists) -> CandidateLists:
        """Return a copy of lists with these inputs and without labels."""
        return replace(
            lists,
            items=lists.items.clone(),
            scores=lists.scores.clone(),
            features=lists.features.clone(),
            labels=None,
            vectors=self.vectors,
            queries=lists.queries if self.histories else None,
            item_columns=self.item_columns,
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
            queries=data.queries if self.histories else None,
            item_columns=self.item_columns,
        )
