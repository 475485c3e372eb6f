"""Recall: the share of the targets in a list."""

from typing import Literal

from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.metric_params import RecallParams


def recall(judged: EvaluatedLists, normalise: Literal["targets", "min"] = "targets") -> Tensor:
    """Return the number of targets among the k slots, divided by |G| or by min(k, |G|), `[Q]` float64.

    Args:
        judged: Lists of k slots; each query has a target.
        normalise: `"targets"` divides by |G|; `"min"` divides by min(k, |G|), so that 1 is always attainable.

    Example:
        Two slots, three targets, one hit: 1/3 with `"targets"`, 1/2 with `"min"`.
    """
    most = judged.n_targets if normalise == "targets" else judged.n_targets.clamp(max=judged.k)
    return judged.hits.sum(1) / most.double()


class Recall(QueryMetric[RecallParams]):
    """Share of a query's targets that are in the list.

    By default the denominator is |G|, as in LightGCN. `normalise = "min"` divides by min(k, |G|), as in Mult-VAE (Liang
    et al., WWW 2018); its name in tables is `recall-min`.
    """

    @property
    def title(self) -> str:  # type: ignore[override]
        """Return the name in tables, which depends on the normalisation."""
        return "recall" if self.params.normalise == "targets" else "recall-min"

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return recall(judged, self.params.normalise)

    def chance(self, n_candidates: Tensor, n_targets: Tensor) -> Tensor:
        """Return the expected number of targets among k draws, divided by the metric's denominator."""
        most = n_targets if self.params.normalise == "targets" else n_targets.clamp(max=self.k)
        return n_candidates.clamp(max=self.k) / n_candidates * n_targets / most
