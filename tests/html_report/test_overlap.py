"""The overlap of lists, against sets."""

import numpy as np
import pyarrow as pa
import pytest

from zoo.html_report.leaderboard import in_order
from zoo.html_report.measured import MeasuredBenchmark
from zoo.html_report.overlap import _common_items, cutoff, overlap_table


def test_common_items_are_those_of_the_sets():
    rng = np.random.default_rng(0)
    lists = [[[f"i{j}" for j in rng.permutation(9)[: rng.integers(0, 7)]] for _ in range(40)] for _ in range(3)]
    common = _common_items([pa.array(rows, pa.list_(pa.string())) for rows in lists], 4)
    for a in range(3):
        for b in range(3):
            assert common[a, b] == sum(len({*x[:4]} & {*y[:4]}) for x, y in zip(lists[a], lists[b], strict=True))


def test_the_table_is_symmetric_and_a_model_agrees_with_itself(results):
    benchmark = MeasuredBenchmark.of(results)
    models = in_order(benchmark, [benchmark.measure("ndcg@5")])
    table = overlap_table(benchmark, models)
    shares = np.array(table.shares)
    assert table.labels == [model.label for model in models]
    assert (shares == shares.T).all()
    assert (np.diag(shares) == 100).all()
    assert (table.k, table.omitted) == (5, 0)
    assert table.queries == results.rows()[0].queries


@pytest.mark.parametrize(("metric", "k"), [("ndcg@20", 20), ("mine", 10), (None, 10)])
def test_the_cutoff_is_that_of_the_metric(metric, k):
    assert cutoff(metric) == k
