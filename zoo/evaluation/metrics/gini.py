"""Gini: the inequality of item exposure."""

import torch
from torch import Tensor

from zoo.evaluation.metric import CatalogueMetric, Facts
from zoo.metric_params import CutoffParams


def gini(exposure: Tensor, eligible: Tensor) -> Tensor:
    """Return the Gini coefficient of the exposure of the eligible items; NaN if no item is shown.

    With n exposures x in ascending order it is `sum((2 i - n - 1) x_i) / (n sum(x))`: 0 if all items are shown equally
    often, and (n - 1) / n if only one item is shown.

    Args:
        exposure: The number of lists that show each item, `[I]`.
        eligible: The items that may be shown, `[I]` bool.

    Example:
        Four eligible items, and every list shows the same one: 0.75.
    """
    x = exposure[eligible].sort().values.double()
    n = len(x)
    return ((2 * torch.arange(n) - (n - 1)) * x).sum() / (n * x.sum())


class Gini(CatalogueMetric[CutoffParams]):
    """Inequality of the exposure of eligible items: 0 if all are shown equally often, near 1 if only a few are shown."""

    title = "gini"
    bounds = (0.0, 1.0)

    def value(self, exposure: Tensor, facts: Facts) -> Tensor:
        """Return the coefficient, a scalar."""
        return gini(exposure, facts.eligible)
