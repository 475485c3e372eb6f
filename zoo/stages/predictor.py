"""The predictor stage: scores all items given a user's history."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from zoo.data.queries import Queries
from zoo.errors import ArtifactError
from zoo.stages.answers import check_ranked, check_scores
from zoo.stages.candidates import Candidates, Exclusions
from zoo.stages.context import RunContext
from zoo.stages.contributions import Contributions, leave_one_out
from zoo.stages.item_features import ItemFeatures
from zoo.stages.stage import P, Stage, TrainingData


class Predictor(Stage[P]):
    """Predicts the next items of a user. A simple predictor implements only `fit` and `score`."""

    @abstractmethod
    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Learn from the training data."""

    @abstractmethod
    def score(self, queries: Queries) -> Tensor:
        """Return a score for every item, `[B, I]` float32; higher is better. The core may write into the result."""

    def add_items(self, features: ItemFeatures) -> None:
        """Add new items after fitting, numbered after all others. Override if their features suffice to score them.

        Args:
            features: The features of the N new items, `[N, D]`, as wide as in the fit, without a padding row.

        Raises:
            ArtifactError: The predictor does not support new items.
        """
        raise ArtifactError(
            f"{type(self).__name__} does not support new items: it does not override `add_items`. Fit the model again "
            "with the new items."
        )

    grow = add_items
    """The name of `add_items` in plugin API 1, for classes that extend it."""

    def compare_items(self, items: Tensor, n_items: int) -> Tensor:
        """Return how similar every item is to each of some items, `[B, I]` float32. Override if the model compares items.

        A score of -inf means that the model cannot say. The core removes the item itself and everything that rules and filters
        exclude.

        Args:
            items: Item numbers, `[B]` int64.
            n_items: The number of items, so that I is `n_items + 1`.

        Raises:
            ArtifactError: The predictor does not compare items.
        """
        raise ArtifactError(
            f"{type(self).__name__} does not compare items, so it cannot say which are similar. Fit a model that does, such "
            "as item-knn, ease, als or content-knn."
        )

    def item_vectors(self) -> Tensor:
        """Return the vector of each item, `[I, D]` float32. Override together with `query_vectors`, and declare `products`.

        The row of padding, and of an item that is never recommended, is zero.

        Raises:
            ArtifactError: The scores are no products of vectors.
        """
        raise self._without_products()

    def query_vectors(self, queries: Queries) -> Tensor:
        """Return a vector for each query, `[B, D]` float32, whose products with the item vectors are the scores.

        A query that the predictor has no answer for may have any vector.

        Raises:
            ArtifactError: The scores are no products of vectors.
        """
        raise self._without_products()

    def _without_products(self) -> ArtifactError:
        return ArtifactError(
            f"the scores of {type(self).__name__} are no products of vectors, so there is no index for them. Fit a model whose scores "
            "are, such as als, bpr-mf or a network."
        )

    def score_items(self, queries: Queries, items: Tensor) -> Tensor:
        """Return the scores of item numbers `[B, K]`, `[B, K]`. Override if that is cheaper than scoring all items."""
        meaning = "queries, items and padding"
        return check_scores(self.score(queries), len(queries), queries.log.n_items + 1, meaning).gather(1, items)

    def contributions(self, queries: Queries, items: Tensor) -> Contributions:
        """Return what each event of the histories adds to the scores of some items.

        By default each event is left out alone, which takes one call per event. Override if the score is a sum over the events.

        Args:
            queries: Histories and moments.
            items: The items to explain, `[B, K]` int64.
        """
        return leave_one_out(self, queries, items)

    def recommend(self, queries: Queries, k: int, exclusions: Exclusions) -> Candidates:
        """Return the K best items per query that are not excluded. Override to avoid scoring every item.

        Raises:
            ScoreError: The scores are not `[B, I]`, or one of them is NaN or infinite.
        """
        scores = check_scores(self.score(queries), len(queries), queries.log.n_items + 1, "queries, items and padding")
        best = Candidates.best(exclusions.apply_(_writable(scores)), k)
        check_ranked(best, queries)
        return best


def _writable(scores: Tensor) -> Tensor:
    """Return contiguous scores that share no memory with the state of the predictor.

    A predictor that returns `self.scores[None]` for one query, or rows of a larger tensor, returns its own memory.
    """
    if len(scores) == 1 or scores.untyped_storage().nbytes() > scores.nbytes:
        return scores.clone(memory_format=torch.contiguous_format)
    return scores.contiguous()
