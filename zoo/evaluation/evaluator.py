"""The evaluator: match lists with targets once, at the longest cutoff, and compute every metric from the result."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.data.queries import Queries, Targets
from zoo.errors import ConfigError
from zoo.evaluation.bootstrap import catalogue_interval
from zoo.evaluation.intervals import Interval, query_intervals
from zoo.evaluation.metric import CatalogueMetric, EvaluatedLists, Facts, Metric, QueryMetric
from zoo.registry.plugin import describe_error
from zoo.stages.candidates import Candidates
from zoo.tracebacks import show_traceback

NO_INTERVAL = (math.nan, math.nan)
"""The interval of a metric that failed."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The values of metrics for a set of lists.

    Attributes:
        values: Metric name to value; NaN if no query has a value.
        per_query: Metric name to the value of each query, `[Q]` float64, NaN without a value; `QueryMetric`s only.
        judged: The lists of the queries with targets.
        skipped: The number of queries without targets, which are not evaluated.
        tied: The share of lists whose last item has the same score as an item that was cut off.
        catalogue_metrics: The metrics that are defined only for all lists together.
        resamples: The number of bootstrap resamples for the intervals of catalogue metrics.
        failed: Metric name to the error of a metric that failed; its values are NaN, and the others are not affected.
        own_intervals: Metric name to the interval that the metric itself computes.
    """

    values: dict[str, float]
    per_query: dict[str, NDArray[np.float64]]
    judged: EvaluatedLists
    skipped: int
    tied: float
    catalogue_metrics: tuple[CatalogueMetric[Any], ...]
    resamples: int
    failed: dict[str, str] = field(default_factory=dict)
    own_intervals: dict[str, Interval] = field(default_factory=dict)

    @property
    def n_queries(self) -> int:
        """Return the number of evaluated queries."""
        return len(self.judged.items)

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """Return the 95 % interval over the queries for each metric, NaN if too few queries hit; computed at first access."""
        found = dict(self.own_intervals)
        measured = {name: values for name, values in self.per_query.items() if name not in self.failed}
        if measured:
            columns = np.stack(list(measured.values()), axis=1)
            found.update(zip(measured, query_intervals(columns), strict=True))
        for metric in self.catalogue_metrics:
            items = self.judged.at(metric.k).items.numpy()
            found[metric.name] = catalogue_interval(
                metric.of_exposure, items, metric.facts.n_items, self.resamples, bounds=metric.bounds
            )
        return {name: found.get(name, NO_INTERVAL) for name in self.values}

    def summary(self) -> dict[str, list[float | None]]:
        """Return the value of each metric and the ends of its interval for JSON, with None for NaN."""
        ends = {name: (value, *self.intervals[name]) for name, value in self.values.items()}
        return {name: [None if math.isnan(x) else x for x in figures] for name, figures in ends.items()}


class Evaluator:
    """Metrics bound to the facts of a task.

    Example:
        evaluator = Evaluator([NDCG(CutoffParams(k=10))], Facts.of(training))
        evaluator.evaluate(pipeline.recommend(queries, evaluator.k, rules), queries.targets).values
    """

    def __init__(self, metrics: Sequence[Metric[Any]], facts: Facts, *, resamples: int = 1000) -> None:
        """Bind metrics to the facts of a task.

        Args:
            metrics: The metrics to compute.
            facts: The facts about the items.
            resamples: The number of bootstrap resamples for the interval of each catalogue metric.

        Raises:
            ConfigError: Two metrics have the same name, or the task lacks a fact that a metric needs.
        """
        twice = [name for name, times in Counter(m.name for m in metrics).items() if times > 1]
        if twice:
            raise ConfigError(f"evaluate.metrics: {twice[0]!r} is listed more than once: remove one")
        for metric in metrics:
            metric.bind(facts)
        self.metrics, self.facts, self.resamples = tuple(metrics), facts, resamples

    @property
    def k(self) -> int:
        """Return the longest cutoff of the metrics."""
        return max(metric.k for metric in self.metrics)

    def evaluate(self, lists: Candidates, targets: Targets, queries: Queries | None = None) -> Evaluation:
        """Compute the metrics of lists, `[Q, any]`, given the targets of their queries.

        Args:
            lists: The lists.
            targets: The targets of each query; a query without targets is not evaluated.
            queries: The queries, for metrics that read histories.
        """
        has_targets, judged = targets.counts > 0, self.judge(lists, targets, queries)
        values, per_query, failed, own = {}, {}, dict[str, str](), dict[str, Interval]()
        for metric in self.metrics:
            if isinstance(metric, QueryMetric):
                per_query[metric.name] = np.full(len(has_targets), np.nan)
            try:
                metric.reset()
                metric.update(judged)
                values[metric.name] = float(metric.compute())
                interval = metric.interval()
            except (Exception, SystemExit) as error:  # a plugin may raise anything; the column is left empty
                values[metric.name], failed[metric.name] = math.nan, describe_error(error)
                show_traceback(error)
                continue
            if isinstance(metric, QueryMetric):
                per_query[metric.name][has_targets] = metric.latest.numpy()
            if interval is not None:
                own[metric.name] = interval
        catalogue = tuple(m for m in self.metrics if isinstance(m, CatalogueMetric) and m.name not in failed)
        skipped = int((~has_targets).sum())
        tied = self._tied_share(lists)
        return Evaluation(values, per_query, judged, skipped, tied, catalogue, self.resamples, failed, own)

    def judge(self, lists: Candidates, targets: Targets, queries: Queries | None = None) -> EvaluatedLists:
        """Match the lists of queries that have targets with these targets."""
        has_targets, items = targets.counts > 0, lists.items.cpu()
        if has_targets.all():
            return EvaluatedLists.of(items, targets, self.k, queries)
        some = None if queries is None else queries.blind().where(has_targets)
        return EvaluatedLists.of(items[torch.from_numpy(has_targets)], targets.of_queries(has_targets), self.k, some)

    def per_query_only(self) -> Evaluator:
        """Return an evaluator without catalogue metrics, for a subset of the queries."""
        metrics = [m for m in self.metrics if isinstance(m, QueryMetric)]
        return Evaluator(metrics, self.facts, resamples=self.resamples)

    def random_floor(self, targets: Targets, n_candidates: int | NDArray[np.int64]) -> dict[str, float]:
        """Return the expected value of random lists for each metric that has a closed form.

        Args:
            targets: The targets of each query; all of them are candidates.
            n_candidates: The number of items to draw from: one number, or one per query, `[Q]`.
        """
        counts = targets.counts
        has_targets = counts > 0
        candidates = torch.from_numpy(np.broadcast_to(n_candidates, counts.shape)[has_targets].astype(np.float64))
        wanted = torch.from_numpy(counts[has_targets].astype(np.float64))
        chances = {m.name: _chance(m, candidates, wanted) for m in self.metrics}
        return {name: float(chance.mean()) for name, chance in chances.items() if chance is not None}

    def _tied_share(self, lists: Candidates) -> float:
        """Return the share of lists with a tie at the longest cutoff."""
        if lists.items.shape[1] <= self.k:
            return float(lists.tied.float().mean())
        last, outside = lists.scores[:, self.k - 1], lists.scores[:, self.k]
        return float(((last == outside) & (outside > -torch.inf)).float().mean())


def _chance(metric: Metric[Any], n_candidates: torch.Tensor, n_targets: torch.Tensor) -> torch.Tensor | None:
    """Return the expected value of random lists, or None without a closed form or if the metric fails."""
    try:
        return metric.chance(n_candidates, n_targets)
    except (Exception, SystemExit):  # `evaluate` reports the metric
        return None
