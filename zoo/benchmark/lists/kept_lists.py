"""The lists of a results folder evaluated again: from the item ids and the queries of the task, without running a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from zoo.benchmark.comparison import Reevaluation
from zoo.benchmark.lists.slots import Slots
from zoo.evaluation.evaluator import Evaluation
from zoo.stages.candidates import Candidates

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.benchmark.rank import RankComparison
    from zoo.benchmark.recommend import RecommendComparison


def query_columns(comparison: RecommendComparison) -> dict[str, pa.Array]:
    """Return the columns of a table of lists that identify the queries, in their order."""
    task, queries = comparison.task, comparison.queries
    return {"user_id": task.user_ids.take(pa.array(queries.row)), "now": pa.array(queries.now)}


def evaluate_slots(slots: Slots, comparison: RecommendComparison) -> Evaluation:
    """Evaluate lists; a slot that the rules do not allow counts as a miss."""
    items = slots.allowed
    scores = torch.where(items > 0, 0.0, -torch.inf)
    lists = Candidates(items, scores, torch.zeros(len(items), dtype=torch.bool))
    return comparison.evaluator.evaluate(lists, comparison.queries.answers(), comparison.queries)


def match_slots(lists: pa.Table, comparison: RecommendComparison) -> Slots:
    """Match the column `items` of a table with one row for each query."""
    items = _combine(lists["items"])
    return Slots.of(items, comparison.k, comparison.task.catalogue.ids, comparison.queries, comparison.rules)


def reevaluate_lists(lists: pa.Table, comparison: RecommendComparison) -> Reevaluation:
    """Evaluate the stored lists of recommendations again."""
    for name, expected in query_columns(comparison).items():
        if problem := _other_queries(lists, name, expected):
            return Reevaluation(None, [problem])
    if not all(name in lists.column_names and _is_list(lists[name]) for name in ("items", "scores")):
        return Reevaluation(None, ["they have no lists in the columns `items` and `scores`"])
    slots = match_slots(lists, comparison)
    filled = _combine(lists["scores"]).flatten().null_count / max(slots.items.numel(), 1)
    return Reevaluation(evaluate_slots(slots, comparison), list(_impossible(slots, lists)), filled)


def _impossible(slots: Slots, lists: pa.Table) -> Iterator[str]:
    """Yield what a list of the zoo never has, with the first example."""
    values = _combine(lists["items"]).flatten()
    kinds = {
        "an item that is not in the data": slots.unknown,
        "an item twice": slots.repeated,
        "an item that is not eligible": slots.ineligible,
        "an item that its user has seen": slots.seen,
    }
    for what, found in kinds.items():
        rows = found.any(1).nonzero().squeeze(1)
        if len(rows):
            row = int(rows[0])
            slot = int(found[row].nonzero()[0])
            item = values[int(slots.entry[row, slot])].as_py()
            yield f"{len(rows):,} of {len(lists):,} have {what}, the first is that in row {row + 1}: {item!r}"
    lengths = pc.list_value_length(lists["items"]).to_numpy()
    if len(lengths) and lengths.max(initial=0) > slots.items.shape[1]:
        yield f"they are longer than {slots.items.shape[1]} items"


def reevaluate_judged(lists: pa.Table, comparison: RankComparison) -> Reevaluation:
    """Evaluate the stored orders of judged lists again; documents and labels are compared with the data."""
    judged = comparison.lists
    tested = np.flatnonzero(np.logical_or.reduce([fold.test for fold in comparison.folds]))
    if problem := _other_queries(lists, "query_id", judged.query_ids.take(pa.array(tested))):
        return Reevaluation(None, [problem])
    if not all(name in lists.column_names and _is_list(lists[name]) for name in ("items", "labels")):
        return Reevaluation(None, ["they have no lists in the columns `items` and `labels`"])
    lengths = pc.list_value_length(lists["items"]).fill_null(0).to_numpy().astype(np.int64)
    ids, labels = (_combine(lists[name]).flatten() for name in ("items", "labels"))
    numbers = pc.index_in(ids, value_set=judged.catalogue.ids.slice(1)).fill_null(-1).to_numpy() + 1
    expected = np.concatenate([np.arange(judged.offsets[q], judged.offsets[q + 1]) for q in tested])
    grades = labels.to_numpy(zero_copy_only=False)
    pairs = (np.repeat(np.arange(len(tested)), lengths), numbers, grades)
    wanted = (judged.list_of[expected], judged.documents[expected], judged.labels[expected])
    if len(grades) != len(numbers) or not _same_rows(pairs, (np.searchsorted(tested, wanted[0]), *wanted[1:])):
        return Reevaluation(None, ["their documents or labels are not those of the data"])
    width = int(lengths.max(initial=1))
    return Reevaluation(
        comparison.evaluator.evaluate(_padded(numbers, lengths, width), _padded(grades, lengths, width))
    )


def _padded(values: np.ndarray, lengths: np.ndarray, width: int) -> Tensor:
    """Return ragged values as a tensor `[Q, width]`, 0 where padded."""
    padded = np.zeros((len(lengths), width), values.dtype)
    padded[np.arange(width) < lengths[:, None]] = values
    return torch.from_numpy(padded)


def _same_rows(found: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...]) -> bool:
    """Return whether two tables of equal columns have the same rows, in any order."""
    if len(found[0]) != len(expected[0]):
        return False
    orders = [np.lexsort(columns[::-1]) for columns in (found, expected)]
    return all(np.array_equal(a[orders[0]], b[orders[1]]) for a, b in zip(found, expected, strict=True))


def _other_queries(lists: pa.Table, name: str, expected: pa.Array) -> str:
    """Return that a column is not that of the queries; an empty string if it is."""
    if name not in lists.column_names:
        return f"they have no column {name!r}"
    found = _combine(lists[name])
    if len(found) != len(expected):
        return f"they are {len(found):,} lists, and the task has {len(expected):,} queries"
    if found.type == expected.type and found.equals(expected):
        return ""
    row = next((at for at, (a, b) in enumerate(zip(found, expected, strict=True)) if a.as_py() != b.as_py()), None)
    if row is None:
        return ""
    return f"row {row + 1} has {name} {found[row].as_py()!r}, and the query there has {expected[row].as_py()!r}"


def _is_list(column: pa.ChunkedArray) -> bool:
    """Return whether a column holds lists."""
    return bool(pa.types.is_list(column.type) or pa.types.is_large_list(column.type))


def _combine(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    found = column.combine_chunks()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
