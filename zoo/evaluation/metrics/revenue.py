"""Revenue: what the targets in a list cost."""

from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.evaluation.metric_params import CutoffParams


def revenue(judged: EvaluatedLists, prices: Tensor) -> Tensor:
    """Return the summed price of the targets among the k slots, `[Q]` float64; a target without a price adds nothing.

    Args:
        judged: Lists of k slots.
        prices: `[I]` float64, NaN where an item has none.

    Example:
        Two targets found, at 4.50 and 10: 14.5.
    """
    return (prices.nan_to_num(0.0)[judged.items] * judged.hits).sum(1)


class Revenue(QueryMetric[CutoffParams]):
    """Price of the targets in the list: what the catalogue's column `price` says, in its currency."""

    title = "revenue"
    needs = ("prices",)

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return each query's value, `[Q]`."""
        assert facts.prices is not None  # `needs` saw to it
        return revenue(judged, facts.prices)
