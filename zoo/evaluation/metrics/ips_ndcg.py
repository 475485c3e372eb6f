"""IPS-NDCG: NDCG with targets weighted by the inverse of their propensity to be seen."""

import torch
from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.evaluation.metrics.ndcg import ideal
from zoo.metric_params import PropensityParams
from zoo.nn.lists import discounts


def ips_ndcg(judged: EvaluatedLists, weights: Tensor) -> Tensor:
    """Return the weighted discounted gain of a list divided by the ideal of plain NDCG, `[Q]` float64; it can exceed 1.

    A target at rank r has the gain w / log2(r + 1).

    Args:
        judged: Lists of k slots.
        weights: The weight w of each item, `[I]` float64.

    Example:
        One target, at rank 3, with the weight 1.8: 1.8 * 0.5 = 0.9.
    """
    gains = weights[judged.items].where(judged.hits, 0.0)
    return (gains @ discounts(judged.k)) / ideal(judged.n_targets, judged.k)


def propensity_weights(counts: Tensor, power: float) -> Tensor:
    """Return the weight of each item, proportional to 1 / n^power for n training events, `[I]` float64.

    The mean over the training events is 1. An item without events counts as if it had one.
    """
    n = counts.clamp(min=1).double()
    inverse = n.pow(-power)
    inverse[0] = 0.0
    events = counts.double()
    mean = (inverse * events).sum() / events.sum() if events.sum() > 0 else torch.ones(())
    return inverse / mean


class IPSNDCG(QueryMetric[PropensityParams]):
    """NDCG with inverse propensity weights: rare items count more, because popular ones are seen and logged more often.

    The propensity of an item with n training events is proportional to n^power (Saito et al., WSDM 2020, with power 0.5). What
    differs from their estimate: weights are divided by a constant of the training log, not by their sum over the test
    targets (self-normalised), so that each query has a value of its own.
    """

    title = "ips-ndcg"

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return ips_ndcg(judged, propensity_weights(facts.counts, self.params.power))
