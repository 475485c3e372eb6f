"""Price bands: fixed, or derived from the prices in the user's history."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopzoo_rules.params import PriceBandParams
from zoo.api import Catalogue, Filter, Fitted, Queries, RunContext, TrainingData


class PriceBand(Filter[PriceBandParams]):
    """Keeps prices in `[min, max]` and between two quantiles of the prices in the query's history, bounds included.

    The prices are those of the catalogue, and each event of the history counts once. A query whose history has no price gets
    only the fixed band.
    """

    fitted = Fitted(prices="float64 [I] or nan", kept="bool [I]")
    prices: Tensor
    kept: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Read the prices."""
        self.prices, self.kept = self._read(data.catalogue)

    def add_items(self, catalogue: Catalogue) -> None:
        """Read the prices of new items."""
        prices, kept = self._read(catalogue)
        self.prices, self.kept = torch.cat([self.prices, prices[1:]]), torch.cat([self.kept, kept[1:]])

    def update_items(self, catalogue: Catalogue) -> None:
        """Read the prices again."""
        self.prices, self.kept = self._read(catalogue)

    def _read(self, catalogue: Catalogue) -> tuple[Tensor, Tensor]:
        """Return the prices of the items, and a mask of those in the fixed band, each `[I]`."""
        low = -np.inf if self.params.min is None else self.params.min
        high = np.inf if self.params.max is None else self.params.max
        prices = catalogue.numbers(self.params.column).copy()  # arrow's memory is read-only
        kept = (prices >= low) & (prices <= high) | self._unpriced(prices)
        return torch.from_numpy(prices), torch.from_numpy(kept)

    def keep(self, queries: Queries) -> Tensor:
        """Return a mask of the items in the bands, `[B, I]`; `[1, I]` if it does not depend on the history."""
        if self.params.quantiles is None:
            return self.kept[None]
        h = queries.histories
        paid = self.prices.numpy()[h.items]
        priced = np.isfinite(paid)
        counts = np.bincount(h.rows[priced], minlength=len(queries))
        low, high = (ragged_quantile(paid[priced], h.rows[priced], counts, q) for q in self.params.quantiles)
        slack = self.params.slack
        ends = np.where(counts > 0, low / slack, -np.inf), np.where(counts > 0, high * slack, np.inf)
        lowest, highest = (torch.from_numpy(end)[:, None] for end in ends)
        within = (self.prices >= lowest) & (self.prices <= highest)
        return self.kept & (within | torch.from_numpy(self._unpriced(self.prices.numpy())))

    def _unpriced(self, prices: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return a mask of the items to keep although they have no price, `[I]`."""
        missing = np.isnan(prices)
        return missing if self.params.unpriced == "keep" else np.zeros_like(missing)


def ragged_quantile(
    values: NDArray[np.float64], rows: NDArray[np.int64], counts: NDArray[np.int64], q: float
) -> NDArray[np.float64]:
    """Return a quantile of each row's values, with linear interpolation as in numpy, `[B]`; NaN for an empty row.

    Args:
        values: `[M]`.
        rows: The row of each value, `[M]`, ascending.
        counts: The number of values of each row, `[B]`.
        q: Between 0 and 1.
    """
    if not len(values):
        return np.full(len(counts), np.nan)
    ordered = values[np.lexsort((values, rows))]
    starts = np.cumsum(counts) - counts
    place = q * (np.maximum(counts, 1) - 1)
    below = np.floor(place).astype(np.int64)
    a = ordered[np.minimum(starts + below, len(ordered) - 1)]
    b = ordered[np.minimum(starts + np.minimum(below + 1, np.maximum(counts, 1) - 1), len(ordered) - 1)]
    return np.where(counts > 0, a + (b - a) * (place - below), np.nan)
