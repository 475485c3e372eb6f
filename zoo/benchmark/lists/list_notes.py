"""Notes on a row whose lists say little: empty lists, equal scores, filters that keep nothing, metrics that failed."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from zoo.data.queries import Queries
from zoo.evaluation.evaluator import Evaluation
from zoo.pipeline import FittedPipeline, Rules
from zoo.stages.candidates import Candidates

SAMPLE = 1024
"""Number of queries for which the filters are examined."""
MOST = 0.5
"""Share of the queries above which a note is made."""


def notes_on_lists(pipeline: FittedPipeline, queries: Queries, rules: Rules, lists: Candidates) -> list[str]:
    """Return what a reader of the row must know about its lists.

    Args:
        pipeline: The fitted model.
        queries: The test queries.
        rules: What may be recommended.
        lists: The lists of the queries, with the slots that the fallback filled.
    """
    return [*_on_filters(pipeline, queries), *_on_scores(lists, rules)]


def notes_on_metrics(origins: Mapping[str, str], evaluation: Evaluation) -> list[str]:
    """Return a note for each metric that failed.

    Args:
        origins: Metric name to its component and plugin.
        evaluation: The evaluation of the lists.
    """
    return [
        f"{origins.get(name, 'metric')} failed, and {name} has no value here: {error}"
        for name, error in evaluation.failed.items()
    ]


def _on_filters(pipeline: FittedPipeline, queries: Queries) -> list[str]:
    """Return a note on queries for which the filters keep no item, in the first block of the queries."""
    if not pipeline.filters or not len(queries):
        return []
    block = queries[: min(SAMPLE, len(queries))].blind().compact()
    with torch.inference_mode():
        kept = pipeline.retrieval.filter_mask(block)
    assert kept is not None  # there are filters
    empty = int((~kept[:, 1:].any(1)).expand(len(block)).sum())
    if not empty:
        return []
    names = ", ".join(chosen.origin for chosen in pipeline.model.filters)
    return [f"the filters keep no item for {empty:,} of {len(block):,} queries: {names}"]


def _on_scores(lists: Candidates, rules: Rules) -> list[str]:
    """Return notes on lists that are empty without the fallback, and on lists whose scores are all equal."""
    own = (lists.items > 0) & ~lists.filled_slots()
    counts, n = own.sum(1), len(lists.items)
    if not n:
        return []
    notes = []
    empty = int((counts == 0).sum())
    if empty > MOST * n:
        instead = "popular items stand in their place" if rules.fallback != "none" else "they are empty"
        notes.append(
            f"{empty:,} of {n:,} lists have no item of the model (its scores are -inf, or everything is excluded): {instead}"
        )
    several = counts > 1
    lowest = lists.scores.masked_fill(~own, torch.inf).amin(1)
    highest = lists.scores.masked_fill(~own, -torch.inf).amax(1)
    equal = int((several & (lowest == highest)).sum())
    if several.any() and equal > MOST * int(several.sum()):
        notes.append(
            f"all scores are equal in {equal:,} of {int(several.sum()):,} lists: their order is that of the item numbers, "
            "which is random"
        )
    return notes
