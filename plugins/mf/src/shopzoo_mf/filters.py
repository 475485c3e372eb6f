"""Filters that keep what a factorisation scores highest: candidates for a dearer predictor behind them."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import Tensor

from shopzoo_mf.als import ALS
from shopzoo_mf.item_item_mf import ItemItemMF
from shopzoo_mf.params import ItemItemMFFilterParams, UserItemMFParams
from zoo.api import Filter, Predictor, Queries, RunContext, State, TrainingData
from zoo.nn import top_k

P = TypeVar("P", UserItemMFParams, ItemItemMFFilterParams)


class KeepBest(Filter[P]):
    """Keeps the items that a predictor scores highest for the query; a subclass says which predictor.

    Only items that occur in training are kept. Those of the history count, since whether they may be recommended
    again is no matter of this filter: leave room for them in `n`.
    """

    predictor: Predictor
    fitted = ("known",)
    known: Tensor
    """Which items occur in training, `[I]` bool."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Fit the predictor."""
        self.known = torch.from_numpy(data.known).to(context.device)
        self.predictor.fit(data, context)

    def keep(self, queries: Queries) -> Tensor:
        """Return the best items of each query, `[B, I]` bool; equal scores by item number."""
        n_known = int(self.known.sum())
        n = min(self.params.n, n_known) if self.params.n else math.ceil(self.params.share * n_known)
        best = top_k(self.predictor.score(queries).masked_fill_(~self.known, -torch.inf), n)
        return torch.zeros(len(queries), len(self.known), dtype=torch.bool, device=self.known.device).scatter_(
            1, best.columns, True
        )

    def state(self) -> State:
        """Return what the predictor learned and which items are known."""
        own, inner = super().state(), self.predictor.state()
        return State({**own.tensors, **inner.tensors}, {**own.values, **inner.values})

    def load_state(self, state: State) -> None:
        """Take back what `state` returned."""
        self.known = state.tensors["known"]
        rest = {name: tensor for name, tensor in state.tensors.items() if name != "known"}
        self.predictor.load_state(State(rest, state.values))


class UserItemMF(KeepBest[UserItemMFParams]):
    """Keeps what `als` scores highest; see there."""

    def __init__(self, params: UserItemMFParams) -> None:
        super().__init__(params)
        self.predictor = ALS(params)


class ItemItemMFFilter(KeepBest[ItemItemMFFilterParams]):
    """Keeps what `item-item-mf` scores highest; see there."""

    def __init__(self, params: ItemItemMFFilterParams) -> None:
        super().__init__(params)
        self.predictor = ItemItemMF(params)
