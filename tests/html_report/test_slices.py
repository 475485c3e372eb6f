"""Metrics by slice, against means that are computed one by one."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from zoo.html_report.measured import MeasuredMetric
from zoo.html_report.slices import divisions, slice_tables

GROUPED = {
    "history": ["no events", "no events", "1 to 4 events", "1 to 4 events", "1 to 4 events", "50 events or more"],
    "user": ["new", "new", "known", "known", "known", "known"],
}


def facts(**columns):
    n = 6
    start = datetime(2024, 3, 30, tzinfo=UTC)
    usual = {
        "user_id": [str(i) for i in range(n)],
        "now": pa.array([start + timedelta(days=i) for i in range(n)], pa.timestamp("ms", "UTC")),
        **GROUPED,
    }
    order = {"history": ["no events", "1 to 4 events", "50 events or more"], "user": ["known", "new"]}
    return pa.table({**usual, **columns}).replace_schema_metadata({"groups": json.dumps(order)})


def groups(table):
    return {d.title: {g.label: g.places.tolist() for g in d.groups} for d in divisions(table)}


def test_queries_are_divided_by_each_fact():
    found = groups(facts(category=["a", "b", "a", None, "a", "b"]))
    assert found == {
        "Length of the history": {"no events": [0, 1], "1 to 4 events": [2, 3, 4], "50 events or more": [5]},
        "Users": {"known": [2, 3, 4, 5], "new": [0, 1]},
        "Category of the targets": {"a": [0, 2, 4], "b": [1, 5]},
        "Time of the query": {
            f"2024-{day}": [at] for at, day in enumerate(["03-30", "03-31", "04-01", "04-02", "04-03", "04-04"])
        },
    }
    assert list(found["Length of the history"]) == ["no events", "1 to 4 events", "50 events or more"]


def test_what_does_not_divide_the_queries_is_left_out():
    assert list(groups(facts(user=["new"] * 6, now=pa.array(range(6))))) == ["Length of the history"]


def test_many_categories_are_summed_up_and_long_windows_have_long_periods():
    names = [c for c in "abcdefghij" for _ in range(ord("k") - ord(c))]
    n = len(names)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    many = pa.table({
        "now": pa.array([start + timedelta(days=5 * i) for i in range(n)], pa.timestamp("ms", "UTC")),
        "category": names,
    })  # fmt: skip
    found = groups(many)
    assert list(found["Category of the targets"]) == [*"abcdefgh", "other"]
    assert len(found["Category of the targets"]["other"]) == 3
    assert list(found["Time of the query"])[:2] == ["2024-01", "2024-02"]


def test_the_cells_are_means_over_the_queries_of_the_group():
    values = {"x": np.array([1, 0, 0.5, np.nan, 1, 0.0]), "y": np.array([0, 0, 1.0, 1, 1, 0.5])}
    metric = MeasuredMetric("ndcg@5", True, {}, values)
    (table,) = [
        t for t in slice_tables(divisions(facts()), metric, ["y", "x", "z"]) if t.title == "Length of the history"
    ]
    assert table.headings == [("no events", "2", True), ("1 to 4 events", "3", True), ("50 events or more", "1", True)]
    assert [label for label, _ in table.rows] == ["y", "x"]
    assert [[cell.text for cell in cells] for _, cells in table.rows] == [
        ["0.0000", "1.0000", "0.5000"],
        ["0.5000", "0.7500", "0.0000"],
    ]
    assert [[cell.best for cell in cells] for _, cells in table.rows] == [[False, True, True], [True, False, False]]


@pytest.mark.parametrize("higher", [False, None])
def test_the_best_is_the_lowest_where_lower_is_better_and_none_where_neither_is(higher):
    metric = MeasuredMetric("m", higher, {}, {"x": np.arange(6.0), "y": np.arange(6.0) + 1})
    for table in slice_tables(divisions(facts()), metric, ["x", "y"]):
        assert {cell.best for cell in table.rows[0][1]} == {higher is False}
        assert {cell.best for cell in table.rows[1][1]} == {False}


def test_a_metric_of_all_lists_together_has_no_slices():
    assert slice_tables(divisions(facts()), MeasuredMetric("coverage@5", True, {}, {}), ["x"]) == []
