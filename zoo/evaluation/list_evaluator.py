"""The evaluator of judged lists: graded labels, and a rule for queries without a relevant document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from zoo.data.queries import Targets
from zoo.errors import ConfigError
from zoo.evaluation.evaluated_lists import EvaluatedLists
from zoo.evaluation.evaluator import Evaluation
from zoo.evaluation.metric import Facts, Metric, QueryMetric
from zoo.nn.lists import gains
from zoo.registry.plugin import describe_error
from zoo.stages.answers import check_values
from zoo.tracebacks import show_traceback

Empty = Literal["skip", "zero", "one"]
EMPTY: dict[Empty, float] = {"skip": float("nan"), "zero": 0.0, "one": 1.0}


class ListEvaluator:
    """Metrics of judged lists in the order of a ranker."""

    def __init__(
        self, metrics: Sequence[Metric[Any]], *, empty: Empty = "skip", gain: str = "exponential", resamples: int = 1000
    ) -> None:
        """Check the metrics and store the rules.

        Args:
            metrics: The metrics to compute. For all except `ndcg` a document is relevant if its label is above 0.
            empty: The value of a query without a relevant document; `"skip"` excludes it.
            gain: The gain of a label in `ndcg`: `"exponential"`, else the label itself.
            resamples: Not used: each metric of judged lists has an interval without resamples.

        Raises:
            ConfigError: A metric is not defined for a single list, or needs facts that judged lists do not have.
        """
        for metric in metrics:
            if not isinstance(metric, QueryMetric) or metric.needs:
                raise ConfigError(
                    f"evaluate.metrics: {metric.name} needs a catalogue, prices or item features, which judged lists do not "
                    "have. Choose from ndcg, map, mrr, precision, recall, hit."
                )
        self.metrics = [metric for metric in metrics if isinstance(metric, QueryMetric)]
        self.empty, self.gain, self.resamples = EMPTY[empty], gain, resamples

    @property
    def k(self) -> int:
        """Return the longest cutoff."""
        return max(metric.k for metric in self.metrics)

    def evaluate(self, items: Tensor, labels: Tensor) -> Evaluation:
        """Compute the metrics of lists.

        Args:
            items: Document numbers, best first, `[Q, K]`; 0 where padded.
            labels: Their grades, `[Q, K]`.
        """
        relevant = (labels > 0).sum(1)
        has_relevant = relevant > 0
        judged = self._match_targets(items[has_relevant], labels[has_relevant])
        facts = Facts(torch.zeros(1, dtype=torch.int64), torch.zeros(1, dtype=torch.bool))
        per_query, values, failed = {}, {}, dict[str, str]()
        for metric in self.metrics:
            found = np.full(len(items), self.empty)
            try:
                answer = metric.values(judged.at(metric.k), facts)
                found[has_relevant.numpy()] = check_values(answer, len(judged.items)).numpy()
            except (Exception, SystemExit) as error:  # a plugin may raise anything; the column is left empty
                found[:], failed[metric.name] = np.nan, describe_error(error)
                show_traceback(error)
            per_query[metric.name] = found
            values[metric.name] = float(np.nanmean(found)) if not np.isnan(found).all() else float("nan")
        skipped = int((~has_relevant).sum()) if np.isnan(self.empty) else 0
        return Evaluation(values, per_query, judged, skipped, 0.0, (), self.resamples, failed)

    def _match_targets(self, items: Tensor, labels: Tensor) -> EvaluatedLists:
        """Return the lists with their hits and gains; each list must have a relevant document."""
        relevant = labels > 0
        worth = (gains(labels) if self.gain == "exponential" else labels).double()
        counts = relevant.sum(1)
        offsets = np.concatenate([[0], np.cumsum(counts.numpy())])
        targets = Targets(offsets, items[relevant].int().numpy(), np.zeros(offsets[-1], np.bool_))
        k = max(self.k, items.shape[1])
        pad = (0, k - items.shape[1])
        items, relevant, worth = (torch.nn.functional.pad(v, pad) for v in (items, relevant, worth))
        best = worth.sort(dim=1, descending=True).values
        return EvaluatedLists(items, relevant, counts, targets, worth, best)
