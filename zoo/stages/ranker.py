"""The ranker stage: a short list is put in a better order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from torch import Tensor

from zoo.stages.candidates import CandidateLists
from zoo.stages.context import RunContext
from zoo.stages.ranking import RankingData
from zoo.stages.stage import P, Stage


class Ranker(Stage[P]):
    """Re-orders the candidates of a predictor. Only the order of its scores matters."""

    ignored: Sequence[str] = ()
    """Ranking features that it does not use since they never varied in the fit."""

    def fit(self, data: RankingData, context: RunContext) -> None:
        """Learn from labelled lists. A ranker whose capabilities say `trainable = False` is never fitted."""

    @abstractmethod
    def score(self, lists: CandidateLists) -> Tensor:
        """Return a score for each candidate, `[B, K]` float32; what padded slots get is ignored."""
