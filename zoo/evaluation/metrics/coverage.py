"""Coverage: the share of the catalogue that is shown."""

from torch import Tensor

from zoo.evaluation.metric import CatalogueMetric, Facts
from zoo.metric_params import CutoffParams


def coverage(exposure: Tensor, eligible: Tensor) -> Tensor:
    """Return the share of the eligible items that occur in any list.

    Args:
        exposure: The number of lists that show each item, `[I]`.
        eligible: The items that may be shown, `[I]` bool.

    Example:
        The lists show three of four eligible items: 0.75.
    """
    return (exposure[eligible] > 0).double().mean()


class Coverage(CatalogueMetric[CutoffParams]):
    """Share of the eligible items that occur in any list. It grows with the number of queries."""

    title = "coverage"
    bounds = (0.0, 1.0)

    def value(self, exposure: Tensor, facts: Facts) -> Tensor:
        """Return the share, a scalar."""
        return coverage(exposure, facts.eligible)
