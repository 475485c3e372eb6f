"""A predictor and a ranker that read the user table: what users of the same segment buy, and cheap items first for the young."""

import numpy as np
import torch
from torch import Tensor

from zoo.api import (
    CandidateLists,
    Capabilities,
    ComponentSpec,
    Field,
    Fitted,
    Params,
    Predictor,
    Queries,
    Ranker,
    RunContext,
    TrainingData,
    hookimpl,
)


class SegmentPopularParams(Params):
    """Parameters of `segment-popular`."""

    column: str = Field("segment", min_length=1)
    """The user column with the segments."""
    smoothing: float = Field(50.0, ge=0)
    """How many events of all users are added to those of a segment."""


class SegmentPopular(Predictor[SegmentPopularParams]):
    """The items with the most events of users of the same segment. A user without a segment gets those of all users."""

    fitted = Fitted(segments="int64 [*]", counts="float32 [*, I]")
    segments: Tensor
    """The segment of each user number, `[U + 1]`, 0 for none."""
    counts: Tensor
    """The events of each item in each segment, `[S + 1, I]`."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Count the events of each item in each segment."""
        self.segments = data.user_columns.codes(self.params.column)
        log, width = data.interactions, data.interactions.n_items + 1
        segments, n = self.segments.numpy()[log.users + 1], int(self.segments.max()) + 1
        counts = np.bincount(segments * width + log.items, log.weights, n * width).reshape(n, width)
        everyone = counts.sum(0)
        counts[0] = everyone
        counts += self.params.smoothing * everyone / everyone.sum()
        self.counts = torch.from_numpy(counts.astype(np.float32))

    def score(self, queries: Queries) -> Tensor:
        """Return a score for every item, `[B, I]`."""
        return self.counts[self.segments[queries.users]]


class ThriftyParams(Params):
    """Parameters of `thrifty`."""

    until: float = Field(30.0, gt=0)
    """The age up to which users get the cheap items first."""


class Thrifty(Ranker[ThriftyParams]):
    """Puts the cheap half of the candidates first for young users; the order of others, and of unknown users, stays."""

    def score(self, lists: CandidateLists) -> Tensor:
        """Return a score for each candidate, `[B, K]`."""
        ages = lists.user_columns.numbers("age")[lists.queries.users]  # [B], NaN for an unknown user
        prices = lists.item_columns.numbers("price")[lists.items].where(lists.items > 0, torch.nan)  # [B, K]
        cheap = prices <= prices.nanmedian(dim=1, keepdim=True).values
        place = torch.arange(lists.items.shape[1])
        return ((ages <= self.params.until)[:, None] & cheap).float() * len(place) - place


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the components of this file."""
    return [
        ComponentSpec(
            name="segment-popular",
            stage="predictor",
            target="segments:SegmentPopular",
            params=SegmentPopularParams,
            summary="The items with the most events of users of the same segment.",
            capabilities=lambda p: Capabilities(user_columns=(p.column,), cold_users=False, collaborative=False),
            api=2,
        ),
        ComponentSpec(
            name="thrifty",
            stage="ranker",
            target="segments:Thrifty",
            params=ThriftyParams,
            summary="Puts the cheap candidates first for young users.",
            capabilities=Capabilities(columns=("price",), user_columns=("age",), trainable=False, cold_items=True),
            api=2,
        ),
    ]
