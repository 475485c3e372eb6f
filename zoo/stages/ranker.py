"""The ranker stage: re-orders a short list of candidates."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from torch import Tensor

from zoo.stages.candidates import CandidateLists
from zoo.stages.context import RunContext
from zoo.stages.ranking_data import RankingData
from zoo.stages.stage import P, Stage


class Ranker(Stage[P]):
    """Re-orders the candidates of a predictor. Only the order of its scores matters."""

    ignored: Sequence[str] = ()
    """Ranking features that the ranker does not use because they were constant in the fit."""

    def fit(self, data: RankingData, context: RunContext) -> None:
        """Learn from labelled lists. Not called for a ranker whose capabilities declare `trainable = False`."""

    @abstractmethod
    def score(self, lists: CandidateLists) -> Tensor:
        """Return a score for each candidate, `[B, K]` float32; the scores of padded slots are ignored."""
