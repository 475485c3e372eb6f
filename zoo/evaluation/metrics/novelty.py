"""Novelty: the self-information of the items in a list."""

from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.metric_params import CutoffParams


def novelty(judged: EvaluatedLists, counts: Tensor) -> Tensor:
    """Return the mean of -log2 p(item) over the items of a list, `[Q]` float64, NaN for an empty list.

    p is the item's share of the training events. An item without events counts as if it had one.

    Args:
        judged: Lists of k slots.
        counts: The number of training events of each item, `[I]`.

    Example:
        A list of two items with 1/2 and 1/8 of the events: (1 + 3) / 2 = 2 bits.
    """
    information = (counts.sum().clamp(min=1) / counts.clamp(min=1).double()).log2()
    information[0] = 0.0
    return information[judged.items].sum(1) / (judged.items > 0).sum(1)


class Novelty(QueryMetric[CutoffParams]):
    """Mean self-information of the items shown, in bits (Zhou et al., PNAS 2010)."""

    title = "novelty"
    higher_is_better = None

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return novelty(judged, facts.counts)
