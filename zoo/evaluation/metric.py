"""What a metric is: a pure function of judged lists and of facts about the items, and the sums that its mean needs.

A metric of one's own takes a function and five lines:

    class FirstHit(QueryMetric[CutoffParams]):
        \"\"\"Share of the lists that begin with a target.\"\"\"

        title = "first-hit"

        def values(self, judged: Judged, facts: Facts) -> Tensor:
            return judged.hits[:, 0].double()
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, TypeVar

import numpy as np
import torch
import torchmetrics
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.errors import ConfigError
from zoo.evaluation.judged import Judged
from zoo.evaluation.params import CutoffParams
from zoo.stages.item_features import ItemFeatures

__all__ = ["CatalogueMetric", "Facts", "Judged", "Metric", "QueryMetric"]

P = TypeVar("P", bound=CutoffParams)


@dataclass(frozen=True, eq=False)
class Facts:
    """What metrics may know of the items. It belongs to the task, so that all models are measured alike.

    Attributes:
        counts: How often each item occurs in training, `[I]` int64.
        eligible: Which items may be recommended, `[I]` bool; the padding is not.
        prices: `[I]` float64, NaN where an item has none; or None where no item has one.
        features: The item features that `diversity` compares, or None.
    """

    counts: Tensor
    eligible: Tensor
    prices: Tensor | None = None
    features: ItemFeatures | None = None

    @classmethod
    def of(
        cls,
        training: Interactions,
        catalogue: Catalogue | None = None,
        eligible: NDArray[np.bool_] | None = None,
        features: ItemFeatures | None = None,
    ) -> Facts:
        """Return the facts of a training log, prices from the numeric catalogue column `price` where there is one."""
        allowed = np.ones(training.n_items + 1, np.bool_) if eligible is None else eligible.copy()
        allowed[0] = False
        prices = None
        if catalogue is not None and catalogue.has_numbers("price"):
            prices = torch.from_numpy(catalogue.numbers("price").copy())
        return cls(torch.from_numpy(training.counts()), torch.from_numpy(allowed), prices, features)

    @property
    def n_items(self) -> int:
        """Return the number of items, the padding not among them."""
        return len(self.counts) - 1


class Metric(torchmetrics.Metric, Generic[P]):
    """The base of all metrics: states are sums over queries, so that blocks and processes add up.

    `compute` is about the queries that this process saw; who wants those of all ranks uses `sync_context()`.

    Subclass `QueryMetric`, or `CatalogueMetric` where a value belongs to all lists together.

    Attributes:
        title: The name in tables, before the cutoff.
        needs: Which of the facts must be there.
        higher_is_better: Whether a table may mark the best value; None where a value is neither good nor bad.
    """

    title: ClassVar[str]
    needs: ClassVar[tuple[Literal["prices", "features"], ...]] = ()
    higher_is_better: bool | None = True
    is_differentiable = False
    full_state_update = False

    facts: Facts

    def __init__(self, params: P) -> None:
        super().__init__(sync_on_compute=False)
        self.params = params

    @property
    def k(self) -> int:
        """Return the length at which lists are cut."""
        return self.params.k

    @property
    def name(self) -> str:
        """Return the name in tables, such as `ndcg@10`."""
        return f"{self.title}@{self.k}"

    def bind(self, facts: Facts) -> None:
        """Take the facts of the task that is measured; once, before the first update.

        Raises:
            ConfigError: The metric needs a fact that the task does not have.
        """
        remedies = {
            "prices": "the catalogue has no numeric column 'price': map one in data.item_columns",
            "features": "the task has no item features: name a featurizer",
        }
        for fact in self.needs:
            if getattr(facts, fact) is None:
                raise ConfigError(f"metric {self.name!r} needs {fact}, and {remedies[fact]}, or leave the metric out.")
        self.facts = facts

    def chance(self, n_candidates: Tensor, n_targets: Tensor) -> Tensor | None:
        """Return what random lists reach in the mean, `[Q]`, or None where that has no closed form.

        Args:
            n_candidates: How many items each query's list is drawn from, `[Q]` float64.
            n_targets: How many of them are targets, `[Q]` float64.
        """
        return None


class QueryMetric(Metric[P]):
    """A mean over queries of a value that each query has for itself."""

    total: Tensor
    count: Tensor

    def __init__(self, params: P) -> None:
        super().__init__(params)
        self.latest = torch.zeros(0, dtype=torch.float64)
        """The values of the last update, `[Q]`: kept so that an evaluator need not compute them twice."""
        for state in ("total", "count"):
            self.add_state(state, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    @abstractmethod
    def values(self, judged: Judged, facts: Facts) -> Tensor:
        """Return each query's value, `[Q]`, of lists cut at k; NaN where it has none, which leaves the query out."""

    def update(self, judged: Judged) -> None:
        """Add the queries of a block; their lists may be longer than k."""
        self.latest = self.values(judged.at(self.k), self.facts).double()
        defined = ~self.latest.isnan()
        self.total += self.latest.where(defined, 0.0).sum()
        self.count += defined.sum()

    def compute(self) -> Tensor:
        """Return the mean over all queries so far, a scalar; NaN where there is none."""
        return self.total / self.count


class CatalogueMetric(Metric[P]):
    """A value of all lists together, made from how often each item is shown. It has no value for one query."""

    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    """What the value can be at least and at most; its interval is cut there."""
    higher_is_better = None
    exposure: Tensor

    def bind(self, facts: Facts) -> None:
        """Take the facts; only now is it known how many items there are."""
        super().bind(facts)
        self.add_state("exposure", torch.zeros(facts.n_items + 1, dtype=torch.int64), dist_reduce_fx="sum")

    @abstractmethod
    def value(self, exposure: Tensor, facts: Facts) -> Tensor:
        """Return the value, a scalar, from the number of lists that show each item, `[I]` int64, 0 for the padding."""

    def update(self, judged: Judged) -> None:
        """Add the lists of a block; they may be longer than k."""
        shown = torch.bincount(judged.items[:, : self.k].reshape(-1), minlength=len(self.exposure))
        shown[0] = 0
        self.exposure += shown

    def compute(self) -> Tensor:
        """Return the value over all lists so far, a scalar."""
        return self.value(self.exposure, self.facts).double()

    def of_exposure(self, exposure: NDArray[np.int64]) -> float:
        """Return the value of an exposure other than the one seen, `[I]`: that of resampled lists."""
        return float(self.value(torch.from_numpy(exposure), self.facts))
