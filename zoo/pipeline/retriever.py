"""Lists from an index of item vectors: more items than a list has are fetched, scored again, and checked against rules and filters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from zoo.data.queries import Queries
from zoo.pipeline.vector_index import VectorIndex
from zoo.stages.answers import check_ranked
from zoo.stages.candidates import Candidates, Exclusions
from zoo.stages.predictor import Predictor

SPARE, MOST = 1.25, 4096
"""How many times as many items are fetched as are expected to be needed, and the most: beyond, scoring all items takes less time."""


@dataclass(frozen=True, eq=False)
class Retriever:
    """An index with the vectors that it was built of.

    Attributes:
        index: Finds candidates.
        vectors: The item vectors, `[I, D]` float32.
    """

    index: VectorIndex
    vectors: Tensor

    def recommend(self, predictor: Predictor[Any], queries: Queries, k: int, excluded: Exclusions) -> Candidates:
        """Return the K best items per query among those that the index finds and that are not excluded.

        A query for which fewer than K of the found items may be recommended is answered by the predictor, from all items.
        """
        vectors = predictor.query_vectors(queries).float().cpu()
        found = self._found(vectors, k, excluded)
        short = (found.items[:, -1] == 0).nonzero().squeeze(1)
        if not len(short):
            check_ranked(found, queries)
            return found
        rows = torch.zeros(len(queries), dtype=torch.bool).index_fill_(0, short, True)
        exact = predictor.recommend(queries.where(rows.numpy()).compact(), k, excluded.at(short, len(queries))).cpu()
        items, scores, tied = found.items, found.scores, found.tied
        items[short], scores[short], tied[short] = exact.items, exact.scores, exact.tied
        return Candidates(items, scores, tied)

    def _count(self, k: int, excluded: Exclusions) -> int:
        """Return how many items to fetch, so that K of them are likely to be allowed."""
        allowed = self._indexed.clone() if excluded.allowed is None else self._indexed & excluded.allowed.any(0).cpu()
        share = int(allowed.index_fill_(0, excluded.always, False).sum()) / len(self.index)
        seen = int(torch.bincount(excluded.rows).max()) if len(excluded.rows) else 0
        return min(int(SPARE * k / max(share, SPARE * k / MOST)) + 1 + seen, MOST)

    @cached_property
    def _indexed(self) -> Tensor:
        """Which items are in the index, `[I]` bool."""
        return self.vectors.any(dim=1)

    def _found(self, vectors: Tensor, k: int, excluded: Exclusions) -> Candidates:
        """Return the best items that the index finds, `[B, K]`; equal scores are ordered by item number."""
        items = torch.from_numpy(self.index.search(vectors.numpy(), self._count(k, excluded))).sort(dim=1).values
        scores = (self.vectors[items] @ vectors[:, :, None]).squeeze(2)
        scores.masked_fill_((items == 0) | excluded.violated(items), -torch.inf)
        order = scores.sort(dim=1, descending=True, stable=True)
        best, items = order.values, items.gather(1, order.indices)
        if best.shape[1] <= k:
            best = torch.nn.functional.pad(best, (0, k + 1 - best.shape[1]), value=-torch.inf)
            items = torch.nn.functional.pad(items, (0, k + 1 - items.shape[1]))
        tied = (best[:, k - 1] == best[:, k]) & (best[:, k] > -torch.inf)
        items = items.masked_fill(best == -torch.inf, 0)
        return Candidates(items[:, :k].clone(), best[:, :k].clone(), tied)
