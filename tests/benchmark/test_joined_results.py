"""Folders of one task as one table: which rows are one, what they are called, and what is not joined."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from zoo.benchmark.results_folder.joined_results import format_joined, format_not_joined, join_folders
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.snapshot import StoreSnapshot
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.benchmark.results_folder.user_sample import read_sample
from zoo.benchmark.tables.comparison_tables import main_table
from zoo.html_report.measured import MeasuredBenchmark
from zoo.html_report.page import benchmark_page

QUERIES = 400
TRAIN = {"refit": True, "device": "cpu", "seeds": [0], "max_epochs": 1}


def run(label, key=None, seed=None, level=0.5, reference=False, versions=None, fields=None, **params):
    """Return a row with the values of its queries, which are around a level."""
    values = np.clip(np.random.default_rng(len(label)).normal(level, 0.1, QUERIES), 0, 1).astype(np.float32)
    lists = pa.table({"items": [[label]] * QUERIES, "ndcg@10": values})
    key = key or f"{label}-{seed}-{'-'.join(map(str, params.values()))}"
    row = Row(
        key, label, seed, {"predictor": {"name": f"own/{label}", **params}}, metrics={"ndcg@10": [float(values.mean()), 0.1, 0.9]},
        queries=QUERIES, recommend_per_second=1.0, versions=versions or {"shopzoo": "1"}, machine={"processor": "x", "threads": 1},
        reference=reference,
    )  # fmt: skip
    return replace(row, **(fields or {})), lists


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes a folder of runs."""

    def write(name, *runs, task="task", split="temporal"):
        rows = [row for row, _ in runs]
        models = {row.label: {"label": row.label, **row.model, "train": TRAIN} for row in rows if not row.reference}
        experiment = {
            "data": {"source": {"name": "shopzoo/files"}},
            "split": {"policy": "leave-last-out"},
            "evaluate": {"exclude_seen": True, "target_events": None},
            "train": TRAIN,
            "model": list(models.values()),
        }
        entries = [
            {"label": r.label, "seed": r.seed, "key": r.key, **({"reference": True} if r.reference else {})}
            for r in rows
        ]
        store = Store(tmp_path / name)
        description = {"data": "d", "split": {"policy": split}}
        store.open(BenchmarkManifest(task, description, {}, {"ndcg@10": True}, experiment, entries))
        for row, lists in runs:
            store.add(row, lists)
        return store

    return write


def join(*stores):
    return join_folders([StoreSnapshot(store.folder) for store in stores])


def table_of(store):
    return {row[0].text: row[1] for row in main_table(store).rows}


def test_models_of_two_folders_are_compared_in_one_table(folder):
    one, two = folder("one", run("low", level=0.3), run("middle")), folder("two", run("high", level=0.8))
    (joined,) = join(one, two)
    table = table_of(joined)
    assert list(table) == ["low", "middle", "high"]
    assert [cell.verdict for cell in table.values()] == ["worse", "worse", "best"]
    assert table_of(one)["middle"].verdict == "best"
    assert format_joined(joined) == "Rows of 2 folders with the same data, split and evaluation: one, two."
    assert [model["label"] for model in joined.manifest().experiment["model"]] == ["low", "middle", "high"]
    assert joined.lists(joined.rows()[2])["items"][0].as_py() == ["high"]


def test_a_run_that_both_folders_have_is_there_once_and_a_model_before_a_reference(folder):
    shared, reference = run("shared", key="k"), run("shared", key="k", reference=True)
    (joined,) = join(folder("one", run("a"), reference), folder("two", run("b"), shared))
    assert [(row.label, row.reference) for row in joined.rows()] == [("a", False), ("shared", False), ("b", False)]
    (joined,) = join(folder("three", run("a"), reference), folder("four", run("b"), reference))
    assert [(row.label, row.reference) for row in joined.rows()] == [("a", False), ("b", False), ("shared", True)]


def test_seeds_of_one_model_in_two_folders_are_one_model(folder):
    one = folder("one", run("net", seed=0), run("a"))
    two = folder("two", run("net", seed=1), run("net", seed=2))
    (joined,) = join(one, two)
    assert [(row.label, row.seed) for row in joined.rows()] == [("net", 0), ("net", 1), ("net", 2), ("a", None)]
    assert [len(model.runs) for model in MeasuredBenchmark.of(joined).models] == [3, 1]


@pytest.mark.parametrize("other", [{"dim": 8}, {"versions": {"shopzoo": "2"}}], ids=["settings", "versions"])
def test_one_label_for_two_models_gets_the_names_of_the_folders(folder, other):
    two = run("net", key="two", seed=0, **{"dim": 4, **other})
    (joined,) = join(folder("one", run("net", key="one", seed=0, dim=4)), folder("two", two))
    assert [row.label for row in joined.rows()] == ["net (one)", "net (two)"]
    assert [model["label"] for model in joined.manifest().experiment["model"]] == ["net (one)", "net (two)"]


def test_a_seed_that_two_folders_measured_differently_is_not_two_seeds(folder):
    """The key of a run depends on the number of threads, for example; its model does not."""
    one, two = (
        folder(name, run("net", f"{name}0", 0), run("net", f"{name}1", 1), run("ease", f"{name}-ease")) for name in ("one", "two")
    )  # fmt: skip
    (joined,) = join(one, two)
    models = MeasuredBenchmark.of(joined).models
    assert {m.label: [r.seed for r in m.runs] for m in models} == {
        "net (one)": [0, 1], "ease (one)": [None], "net (two)": [0, 1], "ease (two)": [None],
    }  # fmt: skip
    assert joined.lists(joined.rows()[-1])["items"][0].as_py() == ["ease"]


def test_a_deterministic_reference_of_equal_metrics_is_there_once(folder):
    one = folder("one", run("a"), run("popular", "p1", reference=True), run("random", "r1", 0, reference=True))
    two = folder("two", run("b"), run("popular", "p2", reference=True), run("random", "r2", 0, reference=True))
    (joined,) = join(one, two)
    assert [(row.label, row.key) for row in joined.rows() if row.reference] == [
        ("popular", "p1"), ("random (one)", "r1"), ("random (two)", "r2"),
    ]  # fmt: skip
    assert [entry["label"] for entry in joined.manifest().runs] == ["a", "b", "popular", "random (one)", "random (two)"]
    (joined,) = join(one, folder("three", run("b"), run("popular", "p3")))
    assert [(row.key, row.reference) for row in joined.rows() if row.label == "popular"] == [("p3", False)]
    (joined,) = join(one, folder("four", run("b"), run("popular", "p4", level=0.4, reference=True)))
    assert {row.label for row in joined.rows() if row.reference} == {"popular (one)", "popular (four)", "random"}


@pytest.mark.parametrize("seed", [0, 1], ids=["same seed", "other seed"])
def test_a_model_with_default_settings_and_one_whose_search_kept_them_are_two(folder, seed):
    tuned = {"settings": "tuned (5 trials)", "tuning": {"trials": 5, "best": 0, "seconds": 1.0}}
    one, two = folder("one", run("als", "o", 0)), folder("two", run("als", "t", seed, fields=tuned))
    (joined,) = join(one, two)
    assert [row.label for row in joined.rows()] == ["als (one)", "als (two)"]


def test_the_seconds_of_a_search_do_not_make_two_models(folder):
    found = [{"settings": "tuned (5 trials)", "tuning": {"trials": 5, "seconds": seconds}} for seconds in (1.0, 2.0)]
    one, two = (folder(f"f{i}", run("als", f"k{i}", i, fields=fields)) for i, fields in enumerate(found))
    (joined,) = join(one, two)
    assert [(row.label, row.seed) for row in joined.rows()] == [("als", 0), ("als", 1)]


@pytest.mark.parametrize("seed", [None, 3])
def test_two_external_lists_of_one_file_name_are_two_rows(folder, seed):
    fields = {"external": {"file": "theirs.parquet"}, "model": {}}
    stores = []
    for name, level in (("one", 0.3), ("two", 0.7)):
        store = folder(name, run(f"only-{name}"))
        row, lists = run("theirs", f"theirs-{name}", seed, level, fields=fields)
        manifest = store.manifest()
        entry = {"label": row.label, "seed": row.seed, "key": row.key, "external": True}
        store.open(replace(manifest, runs=[*manifest.runs, entry]))
        store.add(row, lists)
        stores.append(store)
    (joined,) = join(*stores)
    found = [(row.label, row.metrics["ndcg@10"][0]) for row in joined.rows() if row.external]
    assert found == [("theirs (one)", pytest.approx(0.3, abs=0.02)), ("theirs (two)", pytest.approx(0.7, abs=0.02))]


def test_folders_of_one_name_are_told_apart_by_their_paths(folder, tmp_path):
    one, two = folder("a/out", run("net", key="one", dim=4)), folder("b/out", run("net", key="two", dim=8))
    (joined,) = join(one, two)
    assert [row.label for row in joined.rows()] == [
        f"net ({tmp_path / 'a' / 'out'})",
        f"net ({tmp_path / 'b' / 'out'})",
    ]


def test_a_folder_that_is_named_twice_is_read_once(folder):
    one = folder("one", run("a"))
    (store,) = join(one, one)
    assert store.folder == one.folder
    assert format_joined(store) == ""


def test_other_tasks_are_not_joined_and_a_sentence_says_what_differs(folder):
    one, two = folder("one", run("a")), folder("two", run("b"), task="other", split="leave-last-out")
    stores = join(one, two, folder("three", run("c")))
    assert [store.title for store in stores] == ["one, three", "two"]
    assert format_not_joined(stores) == ["two is not compared with one, three: they differ in split.policy."]


def test_the_page_of_joined_folders_has_the_users_and_searches_of_both(folder):
    search = {"trials": 1, "failed": 0, "seconds": 1.0, "budget": {"trials": 1}, "metric": "ndcg@10", "best": 0, "value": 0.5, "first_value": 0.5, "params": {"dim": 4}}  # fmt: skip
    stores = []
    for name, dim in (("one", 4), ("two", 8)):
        row, lists = run("net", key=name, seed=0, dim=dim)
        store = folder(
            name, (Row(**{**vars(row), "tuning": search, "settings": "tuned (1 trial)"}), lists), run(f"only-{name}")
        )
        trial = {
            "label": "net",
            "search": "s",
            "number": 0,
            "params": {"dim": dim},
            "state": "complete",
            "value": 0.5,
            "seconds": 1.0,
        }
        (store.folder / "trials.jsonl").write_text(json.dumps(trial) + "\n")
        user = {"query": 0, "user": "u", "now": None, "history": [], "events": 0, "targets": [f"only-{name}"]}
        items = {f"only-{name}": {"title": f"Title {name}", "price": None, "category": None}}
        (store.folder / "sample_users.json").write_text(json.dumps({"users": [user], "items": items}))
        stores.append(store)
    (joined,) = join(*stores)
    assert {item: shown.title for item, shown in read_sample(joined).items.items()} == {
        "only-one": "Title one", "only-two": "Title two",
    }  # fmt: skip
    page = benchmark_page(joined, "b1", with_users=True)
    assert page.title == "one, two"
    assert page.remarks[0] == format_joined(joined)
    assert sorted(view.label for view in page.searches) == ["net (one)", "net (two)"]
    assert len(page.users["models"]) == 4
