"""The ranker stage: re-orders a short list of candidates."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import torch
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

    def contributions(self, lists: CandidateLists) -> Tensor:
        """Return what each ranking feature adds to the score of each candidate, `[B, K, F]` float32, in the order of `lists.columns`.

        By default it is how far the score falls if the feature has its mean over the list for all candidates, which takes one call per
        feature. Override if the ranker can tell them exactly.
        """
        scores, mask = self.score(lists), lists.mask[..., None]
        means = (lists.features * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp_min(1)
        falls = []
        for at in range(lists.features.shape[2]):
            features = lists.features.clone()
            features[..., at] = means[..., at]
            falls.append(scores - self.score(replace(lists, features=features)))
        return torch.stack(falls, 2) if falls else scores.new_zeros(*scores.shape, 0)
