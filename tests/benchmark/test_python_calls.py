"""`zoo.bench` and `zoo.fit` with models and a log in Python: the figures of an experiment file, and errors that say what to pass."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

import zoo
from zoo.benchmark.progress import Progress
from zoo.errors import ConfigError, ResultsError, SplitError
from zoo.folder_lock import lock_folder

SHOP = {"customers": 60, "items": 40, "events": 2000}
SPLIT = {"policy": "temporal", "cuts": [0.7, 0.85]}
METRICS = ["ndcg@5", "coverage@5"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    tables = zoo.load("synthetic-shop", **SHOP).read()
    for table, name in ((tables.interactions, "events"), (tables.items, "items")):
        pq.write_table(table.select(table.column_names), folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def log(files):
    events, items = (
        pd.read_parquet(files / "events.parquet"),
        pd.read_parquet(files / "items.parquet", dtype_backend="pyarrow"),
    )
    return zoo.read_log(events, items)


def raw(files, *models, **sections):
    """Return the content of an experiment file on the same data."""
    source = {"name": "files", "interactions": str(files / "events.parquet"), "items": str(files / "items.parquet")}
    return {
        "data": {"source": source},
        "split": SPLIT,
        "evaluate": {"metrics": METRICS, "bootstrap": 100},
        "references": False,
        "model": list(models),
        **sections,
    }


def test_a_bench_in_python_has_the_rows_of_an_experiment_file(files, log, tmp_path):
    affordable = {"predictor": zoo.load("als", factors=8), "filters": [zoo.load("price-band", max=50.0)]}
    models = {
        "popular": "popular",
        "als": zoo.load("als", factors=8),
        "cheap": affordable,
        "knn": zoo.Pipeline.of("item-knn", k=5),
    }
    result = zoo.bench(
        models,
        log,
        split=zoo.Temporal(cuts=SPLIT["cuts"]),
        metrics=METRICS,
        evaluate={"bootstrap": 100},
        references=False,
        out=tmp_path / "a",
    )
    als = {"name": "als", "factors": 8}
    written = zoo.bench(
        raw(
            files,
            {"predictor": "popular"},
            {"predictor": als},
            {"label": "cheap", "predictor": als, "filters": [{"name": "price-band", "max": 50.0}]},
            {"label": "knn", "predictor": {"name": "item-knn", "k": 5}},
        ),
        tmp_path / "b",
    )
    assert [(r.key, r.label, r.metrics, r.error) for r in result.rows()] == [
        (r.key, r.label, r.metrics, r.error) for r in written.rows()
    ]
    assert result.manifest().task == written.manifest().task
    assert result.manifest().experiment["data"]["source"] == {"name": "shopzoo/frame"}


def test_the_result_is_a_table(log, tmp_path):
    models = ["popular", {"label": "net", "predictor": {"name": "sasrec", "dim": 4}}, "ease"]
    result = zoo.bench(
        models, log, split=SPLIT, metrics=METRICS, train={"max_epochs": 1, "seeds": [0, 1]}, references=False
    )
    frame = result.to_pandas().set_index("model")
    rows = result.rows()
    net = [row.metrics["ndcg@5"][0] for row in rows if row.label == "net"]
    assert frame.loc["net", "ndcg@5"] == pytest.approx(np.mean(net))
    assert frame.loc["net", "seeds"] == 2
    value, low, high = next(row.metrics["ndcg@5"] for row in rows if row.label == "ease")
    assert frame.loc["ease", ["ndcg@5", "ndcg@5_low", "ndcg@5_high"]].tolist() == pytest.approx([value, low, high])
    assert frame["error"].isna().all()
    assert not frame["reference"].any()
    lines = repr(result).splitlines()
    assert lines[0].split()[:2] == ["model", "ndcg@5"]
    assert [line.split()[0] for line in lines[1:4]] == ["popular", "net", "ease"]
    assert any(f"{value:.4f}" in line for line in lines)
    assert f"{value:.4f}" in result._repr_html_()


def test_a_model_that_fails_is_a_row_with_its_error(log):
    result = zoo.bench(
        {"a": zoo.load("ease", l2=1e-30), "b": "popular"}, log, split=SPLIT, metrics=METRICS, references=False
    )
    frame = result.to_pandas().set_index("model")
    failed = frame.loc["a", "error"]
    assert isinstance(failed, str) or frame.loc["a", "ndcg@5"] > 0
    assert frame.loc["b", "ndcg@5"] >= 0


def test_results_without_a_folder_are_removed_with_the_object(log):
    result = zoo.bench("popular", log, split=SPLIT, metrics="ndcg@5", references=False)
    folder = Path(result.folder)
    assert (folder / "report.md").exists()
    del result
    assert not folder.exists()


def test_references_are_added_unless_they_are_left_out(log, monkeypatch):
    monkeypatch.setattr("zoo.benchmark.references.REFERENCES", ("item-knn",))
    assert len(zoo.bench(["popular"], log, split=SPLIT, metrics=METRICS, references=False).rows()) == 1
    result = zoo.bench(["popular"], log, split=SPLIT, metrics=METRICS)
    assert "item-knn" in [row.label for row in result.rows() if row.reference]
    assert "item-knn (reference)" in repr(result)


def test_an_experiment_file_has_the_same_result(files, tmp_path):
    result = zoo.bench(raw(files, {"predictor": "popular"}), tmp_path / "out")
    assert result.to_arrow()["model"].to_pylist() == ["popular"]
    assert result.folder == tmp_path / "out"


# ---- fit


def test_a_fit_with_a_split_is_the_fit_of_an_experiment(files, log):
    expected = zoo.fit(raw(files, {"predictor": "ease"}))
    found = zoo.fit("ease", log, split=SPLIT)
    users = expected.user_ids.to_pylist()
    assert found.recommend(users, k=5) == expected.recommend(users, k=5)
    everything = zoo.fit("ease", log)
    assert len(everything.histories) == len(log.log) > len(found.histories)
    assert everything.recommend(users, k=5) == zoo.fit("ease", log, split=SPLIT, all_events=True).recommend(users, k=5)
    assert everything.data["split"] == {"policy": "none"}


def test_a_network_chooses_its_epochs_before_it_learns_from_all_events(log):
    shop = zoo.fit(zoo.load("sasrec", dim=4), log, train={"max_epochs": 2})
    assert len(shop.histories) == len(log.log)
    assert shop.data["all_events"]
    assert 1 <= shop.pipeline.predictor.trained.epochs <= 2


def test_rules_of_the_evaluation_are_those_of_the_artifact(log):
    shop = zoo.fit("popular", log, evaluate={"exclude_seen": False, "fallback": "none"})
    assert shop.rules.exclude_seen is False
    assert shop.rules.fallback == "none"
    user = log.user_ids[0].as_py()
    bought = {log.catalogue.ids[int(i)].as_py() for i in log.log.items[: log.log.offsets[1]]}
    assert bought & {item.item_id for item in shop.recommend(user, k=40)}


def test_a_log_too_small_to_split_can_be_learned_from(tmp_path):
    tiny = zoo.read_log({"user_id": [1, 1, 2], "item_id": ["a", "b", "a"], "timestamp": [10**9, 10**9 + 5, 10**9 + 7]})
    shop = zoo.fit("item-knn", tiny, out=tmp_path / "tiny")
    assert [item.item_id for item in shop.recommend(2, k=2)] == ["b"]
    assert zoo.load_artifact(tmp_path / "tiny").recommend(2, k=2) == shop.recommend(2, k=2)
    with pytest.raises(SplitError):
        zoo.fit("item-knn", tiny, split=SPLIT)


def test_a_log_without_times_can_be_learned_from():
    rows = {"user_id": np.repeat(np.arange(30), 6), "item_id": np.arange(180) % 7 + np.repeat(np.arange(30), 6) % 3}
    log = zoo.read_log(rows, time="file-order")
    assert len(zoo.fit("ease", log).recommend(3, k=2)) == 2
    assert zoo.fit(zoo.load("sasrec", dim=4), log, train={"max_epochs": 1}).data["split"]["policy"] == "leave-last-out"


def test_a_fit_on_a_whole_log_has_the_options_of_a_fit_of_an_experiment(log, tmp_path):
    used, out = [], tmp_path / "shop"

    class Started(Progress):
        def started(self, label, seed, *, again):
            used.append(torch.get_num_threads())

    before = torch.get_num_threads()
    shop = zoo.fit("popular", log, out=out, train={"threads": before + 1}, progress=Started())
    assert (used, torch.get_num_threads()) == ([before + 1], before)
    assert shop.data["split"] == zoo.load_artifact(out).data["split"] == {"policy": "none"}
    assert list(tmp_path.iterdir()) == [out]
    with pytest.raises(ConfigError, match="seed: expected a whole number between"):
        zoo.fit("popular", log, seed=2**64)
    with lock_folder(tmp_path / "shop.training"), pytest.raises(ResultsError):
        zoo.fit("popular", log, out=out)


# ---- errors


class Own:
    params = None


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda log: zoo.bench({"a": Own()}, log), r"models\['a'\]: found Own, expected a name \(\"als\"\), a component"),
        (lambda log: zoo.bench([type(zoo.load("ease"))], log), r"models\[0\]: found the class EASE, not an instance"),
        (lambda log: zoo.bench({"a": zoo.load("mmr")}, log), r"models\['a'\] is a ranker, and a model needs a predictor"),
        (lambda log: zoo.bench({"a": {"predictor": "als", "filter": "available"}}, log), r"model\[1\]\.filter: unknown key\. Did you mean 'filters'"),
        (lambda log: zoo.bench(["alss"], log), r"model\[1\]\.predictor: no predictor named 'alss'\. Did you mean 'als'"),
        (lambda log: zoo.bench(["als", "als"], log), r"model\[1\] and model\[2\] are both named 'als'"),
        (lambda log: zoo.bench(["als"], log, metrics=["ndgc@10"]), r"no metric named 'ndgc'\. Did you mean 'ndcg'"),
        (lambda log: zoo.bench(["als"], log, split={"policy": "temporl"}), r"found 'temporl'\. Did you mean 'temporal'"),
        (lambda log: zoo.bench(["als"], {"user_id": [1]}), r"bench: the log is a dict, expected what zoo\.read_log returned"),
        (lambda log: zoo.bench("e.toml", log), "bench: found an experiment and a log"),
        (lambda log: zoo.bench("e.toml", "a", out="b"), r"bench: found two folders for the results, 'a' and out='b'\. Pass one"),
        (lambda log: zoo.bench("e.toml", metrics=["ndcg@5"]), "bench: metrics belong to a call with a log, and no log was given"),
        (lambda log: zoo.fit(["als", "ease"], log), r"fit: found 2 models, expected one\. zoo\.bench compares several"),
        (lambda log: zoo.fit("ease", log.log), r"fit: the log is .*expected what zoo\.read_log returned"),
        (lambda log: zoo.bench("als", log, overrides=["split.cuts=[0.5]"]), "bench: found overrides, which change an experiment file, and a log"),
    ],
)  # fmt: skip
def test_a_call_that_means_something_else_is_refused(log, call, said):
    with pytest.raises(ConfigError, match=said):
        call(log)
