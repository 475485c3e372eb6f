"""A table that is too wide for the terminal comes in parts."""

import pyarrow as pa
import pytest

from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.benchmark.tables.comparison_tables import Cell, ComparisonTable
from zoo.cli.terminal_tables import GAP, print_results, split_columns

TABLE = ComparisonTable(
    ["model", "ndcg@10", "recall@10", "fit s"],
    [
        [Cell("popular"), Cell("0.0512", "same"), Cell("0.1000"), Cell("0.01")],
        [Cell("als"), Cell("0.0530", "best"), Cell("0.1100"), Cell("12.50")],
    ],
)
# what the columns need: popular 7, "0.0512 =" 8, recall@10 9, "fit s" 5


@pytest.mark.parametrize(("width", "groups"), [
    (35, [[0, 1, 2, 3]]),
    (34, [[0, 1, 2], [0, 3]]),
    (28, [[0, 1, 2], [0, 3]]),
    (27, [[0, 1], [0, 2, 3]]),
    (17, [[0, 1], [0, 2], [0, 3]]),
    (1, [[0, 1], [0, 2], [0, 3]]),
])  # fmt: skip
def test_columns_are_grouped_by_what_fits(width, groups):
    assert GAP == 2
    assert list(split_columns(TABLE, width)) == groups


def test_where_there_is_no_bold_the_best_needs_room_for_its_mark():
    assert list(split_columns(TABLE, 35, " *")) == [[0, 1, 2, 3]]  # "0.0530 *" is no wider than "0.0512 ="
    best = ComparisonTable(["model", "hit@5"], [[Cell("als"), Cell("0.5300", "best")]])
    assert list(split_columns(best, 13, " *")) == [[0, 1]]
    assert list(split_columns(best, 12, "")) == [[0, 1]]


def test_a_table_without_a_metric_is_one_column():
    assert list(split_columns(ComparisonTable(["model"], []), 80)) == [[0]]


def test_how_networks_were_trained_stands_below_the_table(tmp_path, capsys):
    experiment = {
        "split": {"policy": "leave-last-out"},
        "evaluate": {"exclude_seen": True, "target_events": None},
        "train": {"refit": False},
        "data": {"source": {"name": "files"}},
        "model": [],
    }
    store = Store(tmp_path)
    store.open(BenchmarkManifest("t", {}, {}, {"hit@1": True}, experiment, [{"label": "net", "seed": 0, "key": "k"}]))
    training = {"epochs": 3, "seconds": 12.0, "refits": []}
    row = Row("k", "net", 0, {}, metrics={"hit@1": [0.5, 0.4, 0.6]}, queries=1, training=training)
    store.add(row, pa.table({"hit@1": [0.5]}))
    print_results(store)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:2] == ["model", "hit@1"]
    assert lines[3:5] == [
        ["model", "epochs", "stopped", "by", "validation", "s", "to", "best", "s", "an", "epoch", "refit"],
        ["net", "3", "4.00"],
    ]
