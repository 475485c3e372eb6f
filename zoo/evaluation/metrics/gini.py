"""Gini: how unequally items are shown."""

import torch
from torch import Tensor

from zoo.evaluation.metric import CatalogueMetric, Facts
from zoo.evaluation.metric_params import CutoffParams


def gini(exposure: Tensor, eligible: Tensor) -> Tensor:
    """Return the Gini coefficient of the exposure of the eligible items; NaN where nothing is shown.

    With the n exposures x sorted to rise, `sum((2 i - n - 1) x_i) / (n sum(x))`: 0 where all are shown alike, and
    (n - 1) / n where one item has it all.

    Args:
        exposure: How many lists show each item, `[I]`.
        eligible: Which items may be shown, `[I]` bool.

    Example:
        Four eligible items of which one is shown, in every list: 0.75.
    """
    x = exposure[eligible].sort().values.double()
    n = len(x)
    return ((2 * torch.arange(n) - (n - 1)) * x).sum() / (n * x.sum())


class Gini(CatalogueMetric[CutoffParams]):
    """Inequality of the eligible items' exposure: 0 where all are shown alike, towards 1 where few are."""

    title = "gini"
    bounds = (0.0, 1.0)

    def value(self, exposure: Tensor, facts: Facts) -> Tensor:
        """Return the coefficient, a scalar."""
        return gini(exposure, facts.eligible)
