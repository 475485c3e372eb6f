"""The overlap of lists between models: which models recommend the same items."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse
from numpy.typing import NDArray

from zoo.html_report.measured import MeasuredBenchmark, MeasuredModel

MOST_MODELS = 30
MOST_QUERIES = 2000


@dataclass(frozen=True)
class OverlapTable:
    """The overlap of the lists of each pair of models.

    Attributes:
        labels: The models.
        shares: The overlap in percent, row by row.
        k: The number of items of each list that count.
        queries: The number of queries.
        omitted: The number of models that are left out.
    """

    labels: Sequence[str]
    shares: Sequence[Sequence[int]]
    k: int
    queries: int
    omitted: int


def overlap_table(benchmark: MeasuredBenchmark, models: Sequence[MeasuredModel]) -> OverlapTable | None:
    """Return the overlap of the first items of the lists: `2 |A and B| / (|A| + |B|)` over all queries together.

    Lists of the first seed count, of a sample of queries at even distances.

    Args:
        benchmark: The benchmark.
        models: The models in the order of the table, of which the first ones are compared.
    """
    k = cutoff(benchmark.main_metric)
    labels: list[str] = []
    lists: list[pa.ListArray] = []
    n_queries = 0
    for model in models:
        if len(labels) == MOST_MODELS:
            break
        table = benchmark.store.lists(model.runs[0], ["items"])
        if table is not None and table.num_columns and pa.types.is_list(table["items"].type):
            n_queries = n_queries or len(table)
            if len(table) == n_queries:
                labels.append(model.label)
                lists.append(table["items"].take(_sampled(n_queries)).combine_chunks())
    if len(labels) < 2:
        return None
    common = _common_items(lists, k)
    sizes = np.diag(common)
    shares = 200 * common / np.maximum(sizes[:, None] + sizes[None], 1)
    return OverlapTable(labels, np.rint(shares).astype(int).tolist(), k, len(lists[0]), len(models) - len(labels))


def cutoff(metric: str | None) -> int:
    """Return the cutoff of a metric: 10 of `ndcg@10`; 10 if it names none."""
    found = re.search(r"@(\d{1,4})\b", metric or "")
    return int(found[1]) if found else 10


def _sampled(n_queries: int) -> pa.Array:
    """Return positions of queries at even distances."""
    return pa.array(np.linspace(0, n_queries - 1, min(n_queries, MOST_QUERIES)).astype(np.int64))


def _common_items(lists: Sequence[pa.ListArray], k: int) -> NDArray[np.float64]:
    """Return the number of pairs of query and item that two models have in common, `[M, M]`."""
    queries, models, items = [], [], []
    for number, column in enumerate(lists):
        lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0).to_numpy(), np.int64)
        query = np.repeat(np.arange(len(lengths)), lengths)
        place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        first = place < k
        queries.append(query[first])
        items.append(pc.list_flatten(column).filter(pa.array(first)))
        models.append(np.full(int(first.sum()), number))
    coded = pa.chunked_array(items).combine_chunks().dictionary_encode()
    code = np.asarray(coded.indices.fill_null(0).to_numpy(), np.int64)
    pairs = np.concatenate(queries) * max(len(coded.dictionary), 1) + code
    distinct, column = np.unique(pairs, return_inverse=True)
    matrix = scipy.sparse.csr_matrix(
        (np.ones(len(column)), (np.concatenate(models), column)), shape=(len(lists), len(distinct))
    )
    matrix.data[:] = 1.0
    return np.asarray((matrix @ matrix.T).toarray(), np.float64)
