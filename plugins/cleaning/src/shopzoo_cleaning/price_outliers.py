"""Prices far from the usual price of the item, or of its category."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shopzoo_cleaning.numbers import read_numbers
from shopzoo_cleaning.params import PriceOutliersParams
from zoo.api import Cleaned, Cleaner, Flag, UncleanLog

NORMAL = 1.4826
"""The standard deviation of normal values is this multiple of their median absolute deviation."""


class PriceOutliers(Cleaner[PriceOutliersParams]):
    """Compares the logarithm of a price with the median of its item's prices before the cut, by their median deviation.

    An item with too few prices before the cut is compared with the prices of its category, if the catalogue has the column
    `category`. Prices that are missing, zero or negative are no outliers; those of zero or below are counted.
    """

    def clean(self, data: UncleanLog) -> Cleaned:
        """Return the events whose price is too high, and too low.

        Raises:
            DataError: The log has no column `price`, or it is no number.
        """
        log, price = data.log, read_numbers(data, "price", "price-outliers")
        positive = price > 0
        value = np.log(np.where(positive, price, 1.0))
        learned = positive & data.before
        middle, spread, known = self._usual(log.items, value, learned, log.n_items + 1)
        middle, spread, known = middle[log.items], spread[log.items], known[log.items]
        least = np.full(len(log), np.log(self.params.factor))
        categories = _categories(data)
        if categories is not None:
            of = categories[log.items]
            wide = self._usual(of, value, learned & (of > 0), int(categories.max()) + 1)
            other = ~known & (of > 0)
            middle, spread = np.where(other, wide[0][of], middle), np.where(other, wide[1][of], spread)
            known = known | (other & wide[2][of])
            least[other] *= 2  # the articles of a category differ among themselves
        limit = np.maximum(self.params.deviations * spread, least)
        judged = positive & known
        flags = (
            Flag(judged & (value - middle > limit), "price far above the usual"),
            Flag(judged & (middle - value > limit), "price far below the usual"),
        )
        return Cleaned(flags, remarks={"prices of zero or below": int(np.count_nonzero(price <= 0))})

    def _usual(
        self, groups: NDArray[np.integer], values: NDArray[np.float64], learned: NDArray[np.bool_], n: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Return the median of each group, the robust standard deviation, and whether it has enough values, each `[n]`."""
        of, own = groups[learned], values[learned]
        middle = _medians(of, own, n)
        spread = NORMAL * _medians(of, np.abs(own - middle[of]), n)
        return middle, spread, np.bincount(of, minlength=n) >= self.params.prices


def _medians(groups: NDArray[np.integer], values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the median of the values of each group, `[n]`; 0 for a group without values."""
    ordered = np.append(values[np.lexsort((values, groups))], 0.0)
    count = np.bincount(groups, minlength=n)
    start = np.cumsum(count) - count
    high, low = start + count // 2, start + np.maximum(count - 1, 0) // 2
    return np.where(count > 0, (ordered[low] + ordered[high]) / 2, 0.0)


def _categories(data: UncleanLog) -> NDArray[np.int64] | None:
    """Return a number for the category of each item, `[I]`, 0 without one; None if the catalogue has no such column."""
    if "category" not in data.catalogue.columns:
        return None
    column = data.catalogue.column("category")
    try:
        codes = column.cast(pa.string()).combine_chunks().dictionary_encode().indices
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None  # a list of categories has no usual price
    return np.asarray(pc.fill_null(codes, -1).to_numpy(), np.int64) + 1
