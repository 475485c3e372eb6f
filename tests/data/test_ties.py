"""No order of rows in a file reaches a figure: not the log, not the lists, not the table."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo.api import Facts
from zoo.config.experiment import EvaluateSettings

START = 1_700_000_000_000


def contents(data):
    """Return everything that reading gives, apart from the place of the rows in the file."""
    log = data.log
    arrays = {name: getattr(log, name).tolist() for name in ("offsets", "items", "times", "events", "event_weights")}
    return arrays, log.event_names, log.clock, data.catalogue.ids.to_pylist(), data.user_ids.to_pylist(), data.notes


def write(rows, file):
    """Write rows of (user, item, time, event, basket) to a file."""
    names = ("user_id", "item_id", "timestamp", "event", "basket_id")
    if file.suffix == ".csv":
        with file.open("w", newline="") as text:
            csv.writer(text).writerows([names, *rows])
    else:
        columns = zip(*rows, strict=True)
        pq.write_table(pa.table({n: list(c) for n, c in zip(names, columns, strict=True)}), file)
    return file


def shop_rows(n_users=60, n_items=40, seed=0):
    """Return rows with several events of a user at one moment, several types, and exact copies."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        taste = rng.integers(0, 4)
        for moment in range(int(rng.integers(3, 8))):
            for _ in range(int(rng.integers(1, 5))):
                item = int(rng.integers(0, n_items // 4)) * 4 + int(taste if rng.random() < 0.9 else rng.integers(0, 4))
                event = "buy" if rng.random() < 0.4 else "view"
                rows.append((f"u{user}", f"i{item}", START + moment * 1000, event, f"b{user}-{rng.integers(0, 9)}"))
    return rows + rows[::17]


orders = st.permutations(shop_rows(6, 6))


@given(orders, st.sampled_from(["keep", "drop-exact", "first", "last"]), st.sampled_from([1, 2]))
@settings(max_examples=15)
def test_the_log_is_the_same_for_any_order_of_rows(tmp_path_factory, rows, duplicates, k_core):
    folder = tmp_path_factory.mktemp("rows")
    read = [
        zoo.read_log(write(order, folder / f"{name}.parquet"), duplicates=duplicates, k_core=k_core)
        for name, order in (("given", sorted(rows)), ("shuffled", rows))
    ]
    assert contents(read[0]) == contents(read[1])
    baskets = [data.log.column("basket_id").to_pylist() for data in read]
    if duplicates != "keep":
        assert baskets[0] == baskets[1]


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_shuffled_file_gives_the_same_log(tmp_path, format):
    rows = shop_rows()
    read = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(rows))
        file = write([rows[i] for i in order], tmp_path / f"{seed}.{format}")
        read.append(zoo.read_log(file, duplicates="drop-exact", event_weights={"buy": 5}))
        assert read[-1].log.ties == "together"
    assert contents(read[0]) == contents(read[1]) == contents(read[2])
    in_file_order = [zoo.read_log(tmp_path / f"{seed}.{format}", ties="file").log for seed in range(2)]
    assert in_file_order[0].items.tolist() != in_file_order[1].items.tolist()


@pytest.mark.parametrize("split", [{"policy": "leave-last-out"}, {"cuts": [0.6, 0.8], "unit": "basket"}])
def test_lists_are_the_same_for_any_order_of_rows(tmp_path, split):
    rows, lists = shop_rows(), []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(rows))
        file = write([rows[i] for i in order], tmp_path / f"{seed}.csv")
        experiment = {
            "data": {"source": {"name": "files", "interactions": str(file)}},
            "split": split,
            "evaluate": {"metrics": ["ndcg@5"], "exclude_seen": ["buy"]},
            "train": {"max_epochs": 2, "device": "cpu"},
            "model": [
                {"predictor": "popular"},
                {"predictor": "item-knn"},
                {"predictor": {"name": "als", "factors": 4, "iterations": 2}},
                {"predictor": {"name": "sasrec", "dim": 8, "length": 10}},
            ],
        }
        store = zoo.bench(experiment, out=tmp_path / f"run-{seed}")
        assert not [row.error for row in store.rows() if row.error]
        lists.append({row.label: store.lists(row).to_pylist() for row in store.rows()})
    assert len(lists[0]) == 4
    assert lists[0] == lists[1] == lists[2]


def popular_hit(data):
    """Return hit@10 of `popular` for each user's last event."""
    task = zoo.Task.of(data.log, zoo.LeaveLastOut(), EvaluateSettings(), data.catalogue, user_ids=data.user_ids)
    lists = zoo.Pipeline.of("popular").fit(task).recommend(task.queries("test"), 10, zoo.Rules(task.eligible, True))
    evaluator = zoo.Evaluator([zoo.load("hit", stage="metric", k=10)], Facts.of(task.training("test")), resamples=0)
    return evaluator.evaluate(lists, task.queries("test").answers()).values["hit@10"]


def test_on_movielens_100k_the_order_of_rows_of_one_second_decides_nothing(data_dir, tmp_path):
    table = pq.read_table(data_dir / "ml-100k" / "interactions.parquet")
    items = table["item_id"].to_numpy()
    frequency = np.bincount(items)[items]
    hits = {"together": [], "file": []}
    for name, order in (
        ("file", np.arange(len(items))), ("rare last", np.argsort(-frequency, kind="stable")), ("frequent last", np.argsort(frequency, kind="stable")),
    ):  # fmt: skip
        pq.write_table(table.take(pa.array(order)), tmp_path / f"{name}.parquet")
        for ties, found in hits.items():
            found.append(popular_hit(zoo.read_log(tmp_path / f"{name}.parquet", ties=ties)))
    assert hits["together"][0] == hits["together"][1] == hits["together"][2]
    assert max(hits["file"]) > 2 * min(hits["file"])


def grocery_rows(n_users=150, n_orders=6, seed=0):
    """Return orders of a grocery: staples of the customer, and a recipe of the day that says nothing about the next day.

    The rows of an order are minutes apart, as scans at a till are, and share an order number.
    """
    rng = np.random.default_rng(seed)
    recipes = np.arange(240).reshape(40, 6)
    rows = []
    for user in range(n_users):
        staples = 1000 + rng.choice(60, 4, replace=False)
        for order in range(n_orders):
            items = [*rng.permutation(recipes[rng.integers(0, 40)]), *rng.permutation(staples)[:2]]
            for at, item in enumerate(rng.permutation(items)):
                time = START + order * 86_400_000 + at * 60_000
                rows.append((f"u{user}", f"i{item}", time, "buy", f"o{user * n_orders + order}"))
    return rows


def test_basket_mates_in_the_history_name_a_false_winner(tmp_path):
    data = zoo.read_log(write(grocery_rows(), tmp_path / "orders.csv"))
    recall = {}
    for unit in ("event", "basket"):
        rules = EvaluateSettings(exclude_seen=False)
        task = zoo.Task.of(data.log, zoo.LeaveLastOut(unit=unit), rules, data.catalogue, user_ids=data.user_ids)
        queries = task.queries("test")
        evaluator = zoo.Evaluator([zoo.load("recall", k=20)], Facts.of(task.training("test")), resamples=0)
        for name in ("transition-graph", "personal-popular"):
            lists = zoo.Pipeline.of(name).fit(task).recommend(queries, 20, zoo.Rules(task.eligible, False))
            recall[unit, name] = evaluator.evaluate(lists, queries.answers()).values["recall@20"]
    assert recall["event", "transition-graph"] > 2 * recall["basket", "transition-graph"]
    assert recall["event", "transition-graph"] > recall["event", "personal-popular"]
    assert recall["basket", "personal-popular"] > recall["basket", "transition-graph"]
