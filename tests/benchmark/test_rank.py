"""Whole benchmarks of rankers on judged lists: small files, real rankers, and one that would cheat if it could."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.errors import ConfigError

N = 60


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """Write 60 lists of 2 to 9 documents, graded by the negative of a feature, with ten queries to a part; return the file."""
    rng = np.random.default_rng(0)
    query = np.repeat(np.arange(N), rng.integers(2, 10, N))
    x = rng.normal(size=len(query))
    label = np.digitize(-x, [0.0, 1.0])
    colours = np.array(["red", "green", "blue"])
    table = pa.table({
        "query_id": query, "label": label, "x": x, "noise": rng.normal(size=len(query)), "part": query // 10,
        "query": colours[query % 3], "title": [f"{colours[(q + (0 if good else 1)) % 3]} thing" for q, good in zip(query, label, strict=True)],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "judged.parquet")
    return tmp_path / "judged.parquet"


def experiment(file: Path, *models: Any, **sections: Any) -> dict[str, Any]:
    return {
        "task": "rank",
        "data": {"source": {"name": "files", "interactions": str(file)}, "features": ["x", "noise"]},
        "split": {"policy": "folds", "column": "part"},
        "evaluate": {"metrics": ["ndcg@5", "mrr@3"], "empty": "zero", "bootstrap": 100},
        "model": list(models),
        **sections,
    }


def value(store: Any, label: str, metric: str = "ndcg@5") -> float:
    (row,) = [r for r in store.rows() if r.label == label]
    assert row.error is None, row.error
    return float(row.metrics[metric][0])


def test_rankers_are_fitted_fold_by_fold_and_every_list_tests_once(
    lists: Path, tmp_path: Path, training_seed: int, assert_learned: Callable[..., None]
) -> None:
    neural = {"name": "neural-ranker", "dim": 16, "blocks": 1}
    store = zoo.bench(
        experiment(
            lists,
            {"label": "by x", "rankers": [{"name": "borda", "columns": ["-x"]}]},
            {"label": "by noise", "rankers": [{"name": "borda", "columns": ["noise"]}]},
            {"label": "learned", "rankers": [neural], "ranker_train": {"max_epochs": 15, "learning_rate": 0.01}},
            train={"seeds": [training_seed]},
        ),
        tmp_path / "out",
    )  # fmt: skip

    judged = pq.read_table(lists)
    empty = sum(max(judged.filter(pa.compute.field("query_id") == q)["label"].to_pylist()) == 0 for q in range(N))
    assert value(store, "by x") == pytest.approx(1 - empty / N, abs=1e-9)
    assert value(store, "by noise") < 0.8
    assert_learned(value(store, "learned") / value(store, "by x"), above=0.95)
    table = store.lists(store.rows()[2])
    assert sorted(table["query_id"].to_pylist(), key=int) == [str(q) for q in range(N)]
    counts = judged.group_by("query_id").aggregate([("label", "sum"), ("label", "count")]).to_pylist()
    found = dict(zip(table["query_id"].to_pylist(), table["labels"].to_pylist(), strict=True))
    assert all(sum(found[str(c["query_id"])]) == c["label_sum"] for c in counts)
    assert all(len(found[str(c["query_id"])]) == c["label_count"] for c in counts)
    report = (tmp_path / "out" / "report.md").read_text()
    assert (
        "6 folds; the queries of all folds are pooled; 60 lists; a list without a relevant document counts zero"
        in report
    )
    assert f"| learned, seed {training_seed} | neural-ranker |" in report


def test_no_ranker_sees_a_label(lists: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "cheat.py"
    plugin.write_text(
        textwrap.dedent("""
        from zoo.api import Capabilities, ComponentSpec, Params, Ranker, hookimpl

        class Cheat(Ranker[Params]):
            def score(self, lists):
                return lists.labels

        @hookimpl
        def zoo_components():
            return [ComponentSpec("cheat", "ranker", "cheat:Cheat", Params, "Looks.", Capabilities(learns=False), api=1)]
        """)
    )
    store = zoo.bench(experiment(lists, {"rankers": ["cheat"]}), tmp_path / "out", plugins=[plugin])
    assert "NoneType" in (store.rows()[0].error or "")


def test_texts_are_matched_with_the_query(lists: Path, tmp_path: Path) -> None:
    data = {"source": {"name": "files", "interactions": str(lists)}, "text": ["title"]}
    models = [
        {"label": "bm25", "rankers": [{"name": "borda", "columns": ["bm25"]}]},
        {"label": "cosine", "featurizer": "tf-idf", "rankers": [{"name": "borda", "columns": ["cosine-tf-idf"]}]},
    ]  # fmt: skip
    store = zoo.bench(experiment(lists, *models, data=data), tmp_path / "out")

    best = value(store, "bm25", "mrr@3")
    assert best > 0.6
    assert value(store, "cosine", "mrr@3") == best


def test_files_that_come_split(lists: Path, tmp_path: Path) -> None:
    whole = pq.read_table(lists).drop_columns(["part"])
    parts = {"train": slice(0, 200), "test": slice(200, None)}
    files = {}
    for part, rows in parts.items():
        files[part] = str(tmp_path / f"{part}.parquet")
        pq.write_table(whole[rows], files[part])
    data = {"source": {"name": "judged-files", **files}, "features": ["x"]}
    ranker = {"rankers": [{"name": "borda", "columns": ["-x"]}]}
    store = zoo.bench(experiment(lists, ranker, data=data, split={"policy": "given"}), tmp_path / "out")

    assert store.rows()[0].queries == len(set(whole["query_id"].to_pylist()[200:]))


def test_what_does_not_fit_is_told_before_anything_is_read(lists: Path, tmp_path: Path) -> None:
    wrong = experiment(
        lists, {"rankers": ["bordo"], "featurizer": "tf-idf"}, {"rankers": ["borda"], "predictor": "als"}
    )
    with pytest.raises(ConfigError, match=r"model\[2\].predictor: unknown key"):
        zoo.bench(wrong, tmp_path / "out")
    wrong["model"] = wrong["model"][:1]
    with pytest.raises(ConfigError, match=r"model\[1\].rankers\[1\]: no ranker named 'bordo'.*Did you mean 'borda'"):
        zoo.bench(wrong, tmp_path / "out")
    wrong["model"] = [{"rankers": ["borda"], "featurizer": "tf-idf"}]
    with pytest.raises(ConfigError, match=r"model\[1\].featurizer: there is no text to compare"):
        zoo.bench(wrong, tmp_path / "out")
    with pytest.raises(ConfigError, match="--keep-artifacts saves models that recommend to users"):
        zoo.bench(experiment(lists, {"rankers": ["borda"]}), tmp_path / "out", keep_artifacts=True)
    assert not (tmp_path / "out").exists()


def test_rankers_are_tuned_on_the_validation_lists_without_the_test_lists(lists: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="optuna is not installed")
    split = {"policy": "given", "column": "part", "train": ["0", "1", "2", "3"], "validate": ["4"], "test": ["5"]}
    model = {"rankers": [{"name": "lambdamart", "trees": 5, "min_data": 2}]}
    store = zoo.bench(experiment(lists, model, split=split, tune={"trials": 3}), tmp_path / "out")
    (row,) = store.rows()
    assert (row.error, row.settings) == (None, "tuned (3 trials)")
    assert row.tuning["metric"] == "ndcg@5"
    assert "rankers.lambdamart.leaves" in row.tuning["params"]
    table = pq.read_table(lists)
    test = np.array(table["part"].to_pylist()) == 5
    labels = np.where(test, 2 - np.array(table["label"].to_pylist()), table["label"].to_numpy())
    pq.write_table(table.set_column(table.column_names.index("label"), "label", pa.array(labels)), lists)
    other = zoo.bench(experiment(lists, model, split=split, tune={"trials": 3}), tmp_path / "other")
    assert other.rows()[0].tuning["params"] == row.tuning["params"]
    assert other.rows()[0].tuning["value"] == row.tuning["value"]
    assert other.rows()[0].metrics != row.metrics


def test_folds_and_missing_validation_lists_cannot_be_tuned_on(lists: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="optuna is not installed")
    model, given = {"rankers": ["lambdamart"]}, {"policy": "given", "column": "part", "train": ["0"], "test": ["5"]}
    for split, message in (
        (
            {"policy": "folds", "column": "part"},
            "tune: the split has 6 folds, and the validation lists of one are test",
        ),
        ({**given, "validate": ["none"]}, "tune: models are tuned on the validation lists, and the split has none."),
    ):
        with pytest.raises(ConfigError, match=message):
            zoo.bench(experiment(lists, model, split=split, tune={"trials": 3}), tmp_path / "out")
