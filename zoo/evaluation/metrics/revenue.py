"""Revenue: the total price of the targets in a list."""

from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.metric_params import CutoffParams


def revenue(judged: EvaluatedLists, prices: Tensor) -> Tensor:
    """Return the summed price of the targets among the k slots, `[Q]` float64; a target without a price adds nothing.

    Args:
        judged: Lists of k slots.
        prices: `[I]` float64, NaN for an item without a price.

    Example:
        Two hits with prices 4.50 and 10: 14.5.
    """
    return (prices.nan_to_num(0.0)[judged.items] * judged.hits).sum(1)


class Revenue(QueryMetric[CutoffParams]):
    """Total price of the targets in a list, from the catalogue's column `price`, in its currency."""

    title = "revenue"
    needs = ("prices",)

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        assert facts.prices is not None  # `bind` has checked `needs`
        return revenue(judged, facts.prices)
