"""The predictor stage: histories become scores for every item."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from zoo.data.queries import Queries
from zoo.errors import ArtifactError, ScoreError
from zoo.stages.candidates import Candidates, Exclusions
from zoo.stages.context import RunContext
from zoo.stages.item_features import ItemFeatures
from zoo.stages.stage import P, Stage, TrainingData


class Predictor(Stage[P]):
    """Predicts what a user will do next. `fit` and `score` are all that a simple one needs."""

    @abstractmethod
    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Learn from the training data."""

    @abstractmethod
    def score(self, queries: Queries) -> Tensor:
        """Return a score for every item, `[B, I]` float32; higher is better. The core may write into the result."""

    def grow(self, features: ItemFeatures) -> None:
        """Take new items after fitting, numbered after all others. Override where their features are enough to score them.

        Args:
            features: Of the N new items alone, `[N, D]`, as wide as those of the fit; no row is padding.

        Raises:
            ArtifactError: The predictor takes none.
        """
        raise ArtifactError(
            f"{type(self).__name__} takes no new items: its plugin does not say how (`grow`). Fit the model again with them."
        )

    def score_items(self, queries: Queries, items: Tensor) -> Tensor:
        """Return the scores of the given items only, `[B, K]`, for item numbers `[B, K]`. Override where that is cheaper."""
        return self.score(queries).gather(1, items)

    def recommend(self, queries: Queries, k: int, exclusions: Exclusions) -> Candidates:
        """Return the K best items a query that the exclusions leave. Override where not every item needs a score.

        Raises:
            ScoreError: The scores are not `[B, I]`, or one of them is NaN.
        """
        scores = self.score(queries)
        expected = (len(queries), queries.log.n_items + 1)
        if scores.shape != expected:
            raise ScoreError(
                f"{type(self).__name__} returned scores of shape {tuple(scores.shape)}, expected {expected} (queries, items and padding)"
            )
        best = Candidates.best(exclusions.apply_(scores.contiguous()), k)
        nan = best.scores.isnan().any(1)
        if nan.any():
            at = int(nan.nonzero()[0])
            raise ScoreError(
                f"{type(self).__name__} returned a NaN score for the query of user {int(queries.users[at])} "
                f"(number {at} of its block, {int(queries.lengths[at])} events of history): its order would be meaningless"
            )
        return best
