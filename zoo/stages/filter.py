"""The filter stage: decides which items may be recommended for a query."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from zoo.data.catalogue import Catalogue
from zoo.data.queries import Queries
from zoo.errors import ArtifactError
from zoo.stages.context import RunContext
from zoo.stages.stage import P, Stage, TrainingData


class Filter(Stage[P]):
    """Removes items before the top K is taken, so that K allowed items remain."""

    @abstractmethod
    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Learn from the training data."""

    @abstractmethod
    def keep(self, queries: Queries) -> Tensor:
        """Return which items may be recommended, `[B, I]` bool, or `[1, I]` if it is the same for all queries."""

    def add_items(self, catalogue: Catalogue) -> None:
        """Add new items after fitting, numbered after all others. Override if their columns suffice to filter them.

        Args:
            catalogue: The N new items, from row 1; row 0 is padding.

        Raises:
            ArtifactError: The filter does not support new items.
        """
        raise ArtifactError(
            f"{type(self).__name__} does not support new items: it does not override `add_items`. Fit the model again "
            "with the new items."
        )

    def update_items(self, catalogue: Catalogue) -> None:
        """Read the columns of the items again, after stock, prices or other values changed. Override if `fit` reads columns.

        Args:
            catalogue: All I items, with the columns that the artifact keeps.

        Raises:
            ArtifactError: The filter does not support changed values.
        """
        raise ArtifactError(
            f"{type(self).__name__} does not support changed item columns: it does not override `update_items`. Fit the "
            "model again with the new values."
        )

    grow = add_items
    """The name of `add_items` in plugin API 1, for classes that extend it."""
