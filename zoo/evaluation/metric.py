"""The base classes of metrics: a pure function of evaluated lists and facts about the items, averaged over queries.

A custom metric takes a function and five lines:

    class FirstHit(QueryMetric[CutoffParams]):
        \"\"\"Share of the lists that begin with a target.\"\"\"

        title = "first-hit"

        def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
            return judged.hits[:, 0].double()
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import ClassVar, Generic, Literal, TypeVar

import numpy as np
import torch
import torchmetrics
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.errors import ConfigError
from zoo.evaluation.evaluated_lists import EvaluatedLists
from zoo.evaluation.intervals import Interval
from zoo.metric_params import CutoffParams
from zoo.spec import Capabilities
from zoo.stages.answers import check_values
from zoo.stages.item_columns import ItemColumns
from zoo.stages.item_features import ItemFeatures

__all__ = ["CatalogueMetric", "EvaluatedLists", "Facts", "Metric", "QueryMetric"]

P = TypeVar("P", bound=CutoffParams)


@dataclass(frozen=True, eq=False)
class Facts:
    """Facts about the items for metrics. They belong to the task, so that all models are evaluated equally.

    Attributes:
        counts: The number of training events of each item, `[I]` int64.
        eligible: The items that may be recommended, `[I]` bool; padding is not eligible.
        prices: `[I]` float64, NaN for an item without a price; None if there are no prices.
        features: The item features for `diversity`, or None.
        item_columns: The columns of the catalogue; a metric gets those that it declares.
    """

    counts: Tensor
    eligible: Tensor
    prices: Tensor | None = None
    features: ItemFeatures | None = None
    item_columns: ItemColumns = field(default_factory=lambda: ItemColumns(Catalogue.bare(0)))

    @classmethod
    def of(
        cls,
        training: Interactions,
        catalogue: Catalogue | None = None,
        eligible: NDArray[np.bool_] | None = None,
        features: ItemFeatures | None = None,
    ) -> Facts:
        """Return the facts of a training log, with prices from the catalogue's column `price` if it is numeric."""
        allowed = np.ones(training.n_items + 1, np.bool_) if eligible is None else eligible.copy()
        allowed[0] = False
        prices = None
        if catalogue is not None and catalogue.has_numbers("price"):
            prices = torch.from_numpy(catalogue.numbers("price").copy())
        columns = ItemColumns(Catalogue.bare(training.n_items) if catalogue is None else catalogue)
        return cls(torch.from_numpy(training.counts()), torch.from_numpy(allowed), prices, features, columns)

    @property
    def n_items(self) -> int:
        """Return the number of items without padding."""
        return len(self.counts) - 1


class Metric(torchmetrics.Metric, Generic[P]):
    """The base of all metrics. Its states are sums over queries, which add up over blocks and processes.

    `compute` covers the queries of this process; `sync_context()` reduces the states over all ranks.

    Subclass `QueryMetric`, or `CatalogueMetric` for a value that is defined only for all lists together.

    Attributes:
        title: The name in tables, before the cutoff.
        needs: The facts that the metric requires.
        higher_is_better: Whether higher values are better; None for a metric without a preferred direction.
        declared: The capabilities of its spec, if it was built by name: the metric gets only what it declares there.
    """

    title: ClassVar[str]
    needs: ClassVar[tuple[Literal["prices", "features"], ...]] = ()
    higher_is_better: bool | None = True
    is_differentiable = False
    full_state_update = False

    facts: Facts
    declared: Capabilities | None = None

    def __init__(self, params: P) -> None:
        super().__init__(sync_on_compute=False)
        self.params = params

    @property
    def k(self) -> int:
        """Return the cutoff, the length of the evaluated lists."""
        return self.params.k

    @property
    def name(self) -> str:
        """Return the name in tables, such as `ndcg@10`."""
        return f"{self.title}@{self.k}"

    def bind(self, facts: Facts) -> None:
        """Set the facts of the task; call once, before the first update.

        Raises:
            ConfigError: The task lacks a fact that the metric needs.
        """
        remedies = {
            "prices": "the catalogue has no numeric column 'price': map one in data.item_columns",
            "features": "the task has no item features: set a featurizer",
        }
        for fact in self.needs:
            if getattr(facts, fact) is None:
                raise ConfigError(f"metric {self.name!r} needs {fact}, and {remedies[fact]}, or remove the metric.")
        if self.declared is not None:
            facts = replace(facts, item_columns=ItemColumns.of(facts.item_columns.catalogue, self.declared.columns))
        self.facts = facts

    def readable(self, lists: EvaluatedLists) -> EvaluatedLists:
        """Return lists of length k with what the metric declares: the queries only if it declares `histories`."""
        lists = lists.at(self.k)
        hidden = self.declared is not None and not self.declared.histories and lists.queries is not None
        return replace(lists, queries=None) if hidden else lists

    def interval(self) -> Interval | None:
        """Return the 95 % interval of a value that is no mean over queries, from the states; None if the core computes it."""
        return None

    def chance(self, n_candidates: Tensor, n_targets: Tensor) -> Tensor | None:
        """Return the expected value of random lists, `[Q]`, or None without a closed form.

        Args:
            n_candidates: The number of items from which the list of each query is drawn, `[Q]` float64.
            n_targets: The number of targets among them, `[Q]` float64.
        """
        return None


class QueryMetric(Metric[P]):
    """The mean over queries of a value that is defined for each query."""

    total: Tensor
    count: Tensor

    def __init__(self, params: P) -> None:
        super().__init__(params)
        self.latest = torch.zeros(0, dtype=torch.float64)
        """The values of the last update, `[Q]`, so that the evaluator does not compute them twice."""
        for state in ("total", "count"):
            self.add_state(state, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    @abstractmethod
    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`, for lists of length k. A query with NaN is not averaged."""

    def update(self, judged: EvaluatedLists) -> None:
        """Add a block of queries; their lists may be longer than k."""
        self.latest = check_values(self.values(self.readable(judged), self.facts), len(judged.items))
        defined = ~self.latest.isnan()
        self.total += self.latest.where(defined, 0.0).sum()
        self.count += defined.sum()

    def compute(self) -> Tensor:
        """Return the mean over all queries so far, a scalar; NaN without queries."""
        return self.total / self.count


class CatalogueMetric(Metric[P]):
    """A value of all lists together, computed from item exposure. It is not defined for a single query."""

    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    """The minimum and the maximum of the value; the interval is clipped to them."""
    higher_is_better = None
    exposure: Tensor

    def bind(self, facts: Facts) -> None:
        """Set the facts and create the exposure state, which has one entry per item."""
        super().bind(facts)
        self.add_state("exposure", torch.zeros(facts.n_items + 1, dtype=torch.int64), dist_reduce_fx="sum")

    @abstractmethod
    def value(self, exposure: Tensor, facts: Facts) -> Tensor:
        """Return the value, a scalar, from the number of lists that show each item, `[I]` int64, 0 for padding."""

    def update(self, judged: EvaluatedLists) -> None:
        """Add a block of lists; they may be longer than k."""
        shown = torch.bincount(judged.items[:, : self.k].reshape(-1), minlength=len(self.exposure))
        shown[0] = 0
        self.exposure += shown

    def compute(self) -> Tensor:
        """Return the value over all lists so far, a scalar."""
        return self.value(self.exposure, self.facts).double()

    def of_exposure(self, exposure: NDArray[np.int64]) -> float:
        """Return the value of another exposure, `[I]`, for example that of resampled lists."""
        return float(self.value(torch.from_numpy(exposure), self.facts))
