"""Random scores as a hash of the query and the item, independent of the batch and of earlier calls."""

from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopzoo_baselines.params import RandomParams
from zoo.api import Field, Fitted, Predictor, Queries, RunContext, TrainingData


class Random(Predictor[RandomParams]):
    """Scores each item uniformly in [0, 1), by a hash of the run's seed, the user, the history and the item."""

    fitted = Fitted(key=Annotated[int, Field(ge=0, lt=2**32)])
    key: int

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Draw the key of the hash from the run's seed."""
        self.key = int(context.rng("random").integers(2**32))

    def score(self, queries: Queries) -> Tensor:
        """Return the scores `[B, I]`."""
        cells = _mixed(self._query_keys(queries)[:, None] ^ np.arange(queries.log.n_items + 1, dtype=np.uint32))
        return torch.from_numpy((cells >> np.uint32(8)).astype(np.float32)).mul_(2.0**-24)

    def _query_keys(self, queries: Queries) -> NDArray[np.uint32]:
        """Return a hash of each query's user and of the items of its history in order, `[B]`."""
        h = queries.histories
        place = np.arange(len(h.items)) - h.offsets[h.rows]
        words = _mixed(_mixed(place.astype(np.uint32)) ^ h.items.astype(np.uint32))
        before = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words, dtype=np.uint64)])
        history = (before[h.offsets[1:]] - before[h.offsets[:-1]]).astype(np.uint32)
        return _mixed(_mixed(queries.users.astype(np.uint32) ^ np.uint32(self.key)) + history)


def _mixed(x: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Hash 32-bit numbers one to one (`lowbias32` of Wellons' hash-prospector)."""
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x735A2D97)
    return x ^ (x >> np.uint32(15))
