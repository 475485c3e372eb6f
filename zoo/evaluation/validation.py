"""The one figure that a training watches: a metric over some of the validation queries."""

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
    """Asks a way to recommend the validation queries, and says how good the lists are.

    Each rank of a distributed training asks its share of the queries; the metric is that of all.
    """

    def __init__(self, metric: Metric[Any], facts: Facts, queries: Queries, most: int) -> None:
        """Choose the queries.

        Args:
            metric: What is watched; higher is better.
            facts: What the metric may know of the items.
            queries: The queries of the `validate` part.
            most: The most queries to ask; these are evenly drawn.

        Raises:
            ConfigError: The metric is not one of which more is better, or the task lacks what it needs.
        """
        if metric.higher_is_better is not True:
            raise ConfigError(
                f"train.monitor: a training stops where the metric no longer rises, and more of {metric.name!r} is not "
                "better. Choose one such as 'ndcg@10'."
            )
        self.metric, self.evaluator = metric, Evaluator([metric], facts)
        asked = np.zeros(len(queries), np.bool_)
        asked[np.linspace(0, len(queries) - 1, min(most, len(queries))).astype(np.int64)] = True
        self.queries = queries.where(asked).compact()  # sent to other processes, without the rest of the log

    def __call__(self, recommend: Callable[[Queries, int], Candidates]) -> float:
        """Return the metric of the lists that `recommend(queries, k)` gives."""
        mine = np.zeros(len(self.queries), np.bool_)
        mine[own_share()] = True
        queries = self.queries.where(mine)
        lists = recommend(queries, self.evaluator.k)
        self.metric.reset()
        self.metric.update(self.evaluator.judge(lists, queries.answers()))
        with self.metric.sync_context(dist_sync_fn=gather_state):
            return float(self.metric.compute())
