"""The table: means over seeds, what is marked, failures, and what the reader is told."""

import numpy as np
import pyarrow as pa
import pytest

from zoo.benchmark.report import cold_table, main_table, markdown
from zoo.benchmark.store import Manifest, Row, Store

EXPERIMENT = {
    "split": {"policy": "leave-last-out"},
    "evaluate": {"exclude_seen": ["purchase"]},
    "train": {"refit": False},
}
MACHINE = {"processor": "p", "cores": 2, "memory_mib": 1, "threads": 2, "gpu": None, "system": "s"}


@pytest.fixture
def store(tmp_path):
    rng = np.random.default_rng(0)
    good = rng.random(400)
    values = {
        ("a", None): good,
        ("b", None): good + rng.normal(0, 0.01, 400),  # not to be told apart from a
        ("c", None): good - 0.2,
        ("d", 0): good - 0.1,  # one seed is no test, however clear it looks
    }
    runs = [{"label": label, "seed": seed, "key": f"{label}{seed}"} for label, seed in values]
    runs.append({"label": "e", "seed": None, "key": "e"})
    store = Store(tmp_path)
    store.open(Manifest("t", {}, {"events": 7}, {"ndcg@10": True, "novelty@10": None}, EXPERIMENT, runs))
    for (label, seed), v in values.items():
        cold = {"queries": 5, "items": 9, "metrics": {"ndcg@10": [0.25, 0.0, 1.0]}, "floor": {"ndcg@10": 0.125}}
        metrics = {"ndcg@10": [float(v.mean()), 0.0, 1.0], "novelty@10": [None, None, None]}
        store.add(
            Row(f"{label}{seed}", label, seed, {}, metrics=metrics, slices={"cold": cold}, machine=MACHINE),
            pa.table({"ndcg@10": v, "novelty@10": v}),
        )
    store.add(Row("e", "e", None, {}, error="ScoreError: no", machine=MACHINE), None)
    return store


def test_the_best_is_marked_and_what_cannot_be_told_apart_from_it(store):
    cells = {row[0].text: row[1] for row in main_table(store).rows}
    assert cells["a"].verdict in ("best", "same")
    assert {cells["a"].verdict, cells["b"].verdict} == {"best", "same"}
    assert cells["c"].verdict == "worse"
    assert cells["d"].verdict == "not tested"
    assert cells["e"].text == "failed"


def test_a_metric_that_is_neither_good_nor_bad_is_not_marked_and_a_missing_value_is_a_dash(store):
    table = main_table(store)
    column = table.headers.index("novelty@10")
    assert [row[column].verdict for row in table.rows[:4]] == [None] * 4
    assert [row[column].text for row in table.rows[:4]] == ["–"] * 4


def test_the_report_says_what_must_be_known_before_a_figure_is_compared(store):
    text = markdown(store)
    assert "split `leave-last-out` (leaks across time)" in text
    assert "items seen by purchase excluded" in text
    assert "no refit" in text
    assert "- **e**: ScoreError: no" in text
    assert "- events: 7" in text


def test_the_floor_of_chance_stands_above_the_cold_slice(store):
    table = cold_table(store)
    assert table.rows[0][0].text.startswith("random lists")
    assert table.rows[0][1].text == "0.1250"
    assert table.rows[1][1].text == "0.2500"


def test_runs_that_are_still_to_be_made_are_counted(store):
    (store.folder / "runs" / "cNone.json").unlink()
    assert "1 of 5 runs are still to be made" in markdown(store)
