"""The monitored validation metric: one metric over a sample of the validation queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.data.queries import Queries
from zoo.errors import ConfigError
from zoo.evaluation.evaluator import Evaluator
from zoo.evaluation.metric import Facts, Metric
from zoo.stages.candidates import Candidates
from zoo.stages.ranks import gather_state, own_share


class Validation:
    """Evaluates the recommendations for the validation queries by one metric.

    Each rank of a distributed training evaluates its share of the queries; the metric is reduced over all ranks.
    """

    def __init__(self, metric: Metric[Any], facts: Facts, queries: Queries, most: int) -> None:
        """Sample the queries.

        Args:
            metric: The monitored metric; higher must be better.
            facts: The facts about the items for the metric.
            queries: The queries of the `validate` part.
            most: The maximum number of queries, sampled at even steps.

        Raises:
            ConfigError: Higher values of the metric are not better, or the task lacks a fact that it needs.
        """
        if metric.higher_is_better is not True:
            raise ConfigError(
                f"train.monitor: early stopping needs a metric for which higher is better, which {metric.name!r} is not. "
                "Choose a metric such as 'ndcg@10'."
            )
        self.metric, self.evaluator = metric, Evaluator([metric], facts)
        sample = np.zeros(len(queries), np.bool_)
        sample[np.linspace(0, len(queries) - 1, min(most, len(queries))).astype(np.int64)] = True
        self.queries = queries.where(sample).compact()  # other processes do not need the rest of the log

    def __call__(self, recommend: Callable[[Queries, int], Candidates]) -> float:
        """Return the metric of the lists that `recommend(queries, k)` gives."""
        mine = np.zeros(len(self.queries), np.bool_)
        mine[own_share()] = True
        queries = self.queries.where(mine)
        lists = recommend(queries, self.evaluator.k)
        self.metric.reset()
        self.metric.update(self.evaluator.judge(lists, queries.answers(), queries))
        with self.metric.sync_context(dist_sync_fn=gather_state):
            return float(self.metric.compute())
