"""Filters that keep the highest-scored items of a factorisation, as candidates for a slower predictor."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import torch
from torch import Tensor

from shopzoo_mf.als import ALS
from shopzoo_mf.item_item_mf import ItemItemMF
from shopzoo_mf.params import ItemItemMFFilterParams, UserItemMFParams
from zoo.api import Filter, Fitted, Predictor, Queries, RunContext, State, TrainingData
from zoo.nn import top_k

P = TypeVar("P", UserItemMFParams, ItemItemMFFilterParams)


class KeepBest(Filter[P]):
    """Keeps the items that a predictor scores highest for the query; subclasses set the predictor.

    Only items that occur in training are kept, and all of them for a query without a history, for which the predictor has no
    order. Items of the history count towards `n`, since this filter does not know whether they may be recommended again; choose
    `n` accordingly.
    """

    predictor: Predictor
    fitted = Fitted(known="bool [I]")
    known: Tensor
    """Marks the items that occur in training, `[I]` bool."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Fit the predictor."""
        self.known = torch.from_numpy(data.known).to(context.device)
        self.predictor.fit(data, context)

    def keep(self, queries: Queries) -> Tensor:
        """Return the best items of each query, `[B, I]` bool; ties go to the lower item number."""
        n_known = int(self.known.sum())
        n = min(self.params.n, n_known) if self.params.n else math.ceil(self.params.share * n_known)
        best = top_k(self.predictor.score(queries).masked_fill_(~self.known, -torch.inf), n)
        kept = torch.zeros(len(queries), len(self.known), dtype=torch.bool, device=self.known.device)
        kept.scatter_(1, best.columns, True)
        new = torch.from_numpy(queries.lengths == 0).to(kept.device)
        return kept | (new[:, None] & self.known)

    def state(self) -> State:
        """Return the state of the predictor, and the known items."""
        own, inner = super().state(), self.predictor.state()
        return State({**own.tensors, **inner.tensors}, {**own.values, **inner.values})

    def state_schema(self) -> dict[str, Any]:
        """Return the form of the entries."""
        return {**super().state_schema(), **self.predictor.state_schema()}

    def load_state(self, state: State) -> None:
        """Restore what `state` returned."""
        self.known = state.tensors["known"]
        rest = {name: tensor for name, tensor in state.tensors.items() if name != "known"}
        self.predictor.load_state(State(rest, state.values))


class UserItemMF(KeepBest[UserItemMFParams]):
    """Keeps the items that `als` scores highest; see there."""

    def __init__(self, params: UserItemMFParams) -> None:
        super().__init__(params)
        self.predictor = ALS(params)


class ItemItemMFFilter(KeepBest[ItemItemMFFilterParams]):
    """Keeps the items that the predictor `item-item-mf` scores highest; see there."""

    def __init__(self, params: ItemItemMFFilterParams) -> None:
        super().__init__(params)
        self.predictor = ItemItemMF(params)
