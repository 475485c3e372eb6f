"""A results folder is what it says, or the finding says where it is not: rows, lists, composed files, settings, data, versions."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.tables.report import markdown
from zoo.config.resolved_base import digest
from zoo.data.fingerprint import fingerprint_table
from zoo.errors import ConfigError, ResultsError

SHOP = {"name": "synthetic-shop", "customers": 150, "items": 80}
EXPERIMENT = {
    "data": {"source": SHOP},
    "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
    "evaluate": {"metrics": ["ndcg@5", "recall@5", "coverage@5"], "bootstrap": 100},
    "train": {"seeds": [0, 1]},
    "model": [{"predictor": "transition-graph"}, {"predictor": {"name": "item-knn", "k": 20}}, {"predictor": "random"}],
}


@pytest.fixture(scope="module", autouse=True)
def _references():
    """Add one reference row to benchmarks, which other tests do without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.benchmark.references.REFERENCES", ("popular",))
        yield


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Return a folder with a reference, a model that depends on a seed, and external lists."""
    folder = tmp_path_factory.mktemp("verify") / "shop"
    store = zoo.bench(EXPERIMENT, folder)
    lists = store.lists(store.rows()[0]).select(["user_id", "items"]).to_pylist()
    lists[0]["items"][1:] = ["no such item", lists[0]["items"][0]]
    zoo.score(pa.Table.from_pylist(lists), EXPERIMENT, label="theirs", out=folder)
    return folder


@pytest.fixture
def folder(bench, tmp_path):
    """Return a copy of the folder, to be tampered with."""
    shutil.copytree(bench, tmp_path / "shop")
    return tmp_path / "shop"


def row_file(folder, label):
    row = next(row for row in Store(folder).rows() if row.label == label)
    return folder / "runs" / f"{row.key}.json"


def change_row(folder, label, change):
    """Change the JSON of a row."""
    file = row_file(folder, label)
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def change_lists(folder, label, change):
    """Change the lists of a row."""
    file = row_file(folder, label).with_suffix(".parquet")
    pq.write_table(change(pq.read_table(file)), file)


def found(folder, **more):
    """Return what is found, without the composed files."""
    return {(each.where, each.kind): each.text for each in zoo.verify(folder, **more).findings if each.kind != "file"}


def swap(table):
    """Return lists in which the first and the last item of each list have changed places."""
    items = [row[::-1] for row in table["items"].to_pylist()]
    return table.set_column(table.column_names.index("items"), "items", pa.array(items))


def test_an_honest_folder_is_one_line(bench):
    files = {p: p.read_bytes() for p in bench.rglob("*") if p.is_file()}
    verification = zoo.verify(bench)
    assert verification.ok
    n = len(Store(bench).rows())
    assert n > 5
    assert repr(verification) == f"{bench}: every metric of {n} rows is that of its lists."
    assert {p: p.read_bytes() for p in bench.rglob("*") if p.is_file()} == files
    assert verification.to_arrow().num_rows == 0


def test_all_rows_run_again_and_are_reproduced(bench):
    told = []
    verification = zoo.verify(bench, sample=100, tell=told.append)
    assert verification.ok, verification
    names = [run.name for run in verification.reruns]
    assert {"transition-graph", "item-knn", "random (seed 0)", "random (seed 1)", "popular"} <= set(names)
    assert "theirs" not in names
    assert told == [f"{name}: running again ..." for name in names]
    assert "; ran again and reproduced: transition-graph, item-knn, " in repr(verification)


def test_a_sample_has_the_number_of_rows_that_is_asked_for(bench):
    verification = zoo.verify(bench, sample=1)
    assert verification.ok
    assert [run.outcome for run in verification.reruns] == ["reproduced"]


def test_a_tampered_figure_is_found(folder):
    honest = Store(folder).rows()[1].metrics["ndcg@5"][0]

    def change(row):
        row["metrics"]["ndcg@5"][0] *= 1.1

    change_row(folder, "item-knn", change)
    text = found(folder)[("item-knn", "row")]
    assert f"expected {honest:.6f} (+10.00%)" in text or f"the mean over its lists is {honest:.6f}" in text
    assert found(folder).keys() == {("item-knn", "row")}


def test_a_tampered_interval_coverage_count_and_share_are_found(folder):
    def change(row):
        row["metrics"]["recall@5"][2] += 0.01
        row["metrics"]["coverage@5"][0] -= 0.05
        row["queries"] += 1
        row["filled"] += 0.25

    change_row(folder, "item-knn", change)
    texts = "\n".join(each.text for each in zoo.verify(folder).findings)
    for part in (
        "the interval of recall@5",
        "coverage@5 ",
        "it counts ",
        "its share of slots that the fallback filled is",
    ):
        assert part in texts


def test_a_tampered_list_is_found_by_its_hash_and_by_its_metrics(folder):
    change_lists(folder, "item-knn", swap)
    texts = [each.text for each in zoo.verify(folder).findings if each.where == "item-knn"]
    assert any("its hash differs" in text or "their hash differs" in text for text in texts)
    assert any("its lists give other figures: ndcg@5 " in text for text in texts)
    assert any("ndcg@5 of " in text and " queries is not that of their lists" in text for text in texts)


def test_a_tampered_list_with_a_new_hash_is_found_by_its_metrics(folder):
    change_lists(folder, "item-knn", swap)
    change_row(
        folder,
        "item-knn",
        lambda row: row.update(
            lists_hash=fingerprint_table(pq.read_table(row_file(folder, "item-knn").with_suffix(".parquet")))
        ),
    )
    assert any("its lists give other figures" in each.text for each in zoo.verify(folder).findings)


def test_lists_that_cheat_consistently_are_found_by_the_rules(folder):
    """Items that a user has seen, an item twice, an unknown item: figures, hash and queries agree, and no run makes such lists."""

    def change(table):
        items = table["items"].to_pylist()
        items[0][0], items[1][1] = "no such item", items[1][0]
        return table.set_column(table.column_names.index("items"), "items", pa.array(items))

    change_lists(folder, "item-knn", change)
    texts = "\n".join(each.text for each in zoo.verify(folder).findings)
    assert "its lists cannot be those of a run: 1 of " in texts
    assert "have an item that is not in the data, the first is that in row 1: 'no such item'" in texts
    assert "have an item twice, the first is that in row 2" in texts


def test_lists_of_other_queries_are_found(folder):
    change_lists(folder, "item-knn", lambda table: table.slice(1))
    assert any("and the task has" in each.text for each in zoo.verify(folder).findings if each.kind == "lists")
    change_lists(
        folder,
        "item-knn",
        lambda table: pa.concat_tables([table.slice(1), table.slice(0, 1), table.slice(0, 1)]).slice(0, len(table) + 1),
    )
    assert any("row 1 has user_id" in each.text for each in zoo.verify(folder).findings)


def test_missing_lists_are_found(folder):
    row_file(folder, "item-knn").with_suffix(".parquet").unlink()
    assert found(folder)[("item-knn", "lists")] == "its lists are missing in `runs/`, so nothing can be recomputed"


def test_changed_settings_are_found_by_the_key(folder):
    change_row(folder, "item-knn", lambda row: row["model"]["predictor"].update(k=21))
    assert found(folder) == {
        (
            "item-knn",
            "row",
        ): "its settings, versions or seed are not those that its key was made of: one of them was changed"
    }


def forge(folder, label, **params):
    """Present the row of a model as that of other settings, everywhere, with the key that such a run has."""
    file = row_file(folder, label)
    manifest, row = json.loads((folder / "manifest.json").read_text()), json.loads(file.read_text())
    (entry,) = [run for run in manifest["runs"] if run["label"] == label]
    (model,) = [model for model in manifest["experiment"]["model"] if model["label"] == label]
    for each in (row["model"], model):
        each["predictor"].update(params)
    libraries = ("python", "torch", "pytorch-lightning", "torchmetrics", "datasets", "numpy", "scipy", "pyarrow")
    row["key"] = entry["key"] = digest({
        "task": manifest["description"], "model": row["model"], "seed": row["seed"],
        "versions": {name: version for name, version in row["versions"].items() if name not in libraries},
        "bootstrap": 100, "device": "auto", "threads": row["machine"]["threads"],
    })  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "runs" / f"{row['key']}.json").write_text(json.dumps(row))
    shutil.move(file.with_suffix(".parquet"), folder / "runs" / f"{row['key']}.parquet")
    file.unlink()
    Store(folder).compose(markdown)


def test_a_row_whose_settings_do_not_give_its_figures_is_found_when_it_runs_again(folder):
    forge(folder, "item-knn", k=1)
    assert zoo.verify(folder).ok  # the lists are those of a real run, so only a new run tells
    verification = zoo.verify(folder, sample=100)
    (finding,) = verification.findings
    assert (finding.where, finding.kind) == ("item-knn", "drifted")
    assert "ndcg@5 0." in finding.text
    assert "lists differ" in finding.text
    assert ", expected 0." in finding.text
    assert "%)" in finding.text


def test_settings_that_are_not_those_of_the_experiment_do_not_run_again(folder):
    change_row(folder, "item-knn", lambda row: row["model"]["predictor"].update(k=21))
    assert (
        found(folder, sample=100)[("item-knn", "drifted")]
        == "its settings are not those of the experiment: predictor.k"
    )


def test_other_versions_make_it_impossible_to_run_again(folder):
    change_row(folder, "item-knn", lambda row: row["versions"].update({"torch": "0.1", "shopzoo-mf": "0.0.1"}))
    text = found(folder, sample=100)[("item-knn", "impossible")]
    assert text.startswith("it was measured with other versions: torch 0.1, here ")
    assert "shopzoo-mf 0.0.1, here " in text


def test_data_that_are_gone_or_changed_make_it_impossible(tmp_path):
    rng = np.random.default_rng(0)
    events = {
        "user_id": rng.integers(0, 30, 600),
        "item_id": rng.integers(0, 40, 600),
        "timestamp": rng.permutation(600) * 10_000 + 10**12,
    }
    file = tmp_path / "events.parquet"
    pq.write_table(pa.table(events), file)
    zoo.bench(
        {**EXPERIMENT, "data": {"source": {"name": "files", "interactions": str(file)}}, "references": False},
        tmp_path / "out",
    )
    assert zoo.verify(tmp_path / "out", sample=1).ok
    pq.write_table(pa.table(events).slice(1), file)
    verification = zoo.verify(tmp_path / "out", sample=1)
    assert [each.kind for each in verification.findings] == ["impossible", "impossible"]
    assert verification.findings[0].text.startswith(
        "metrics cannot be recomputed: the data or the rules are no longer those of the folder: they differ in data, events"
    )
    file.unlink()
    verification = zoo.verify(tmp_path / "out")
    assert (
        verification.findings[0].text
        == f"metrics cannot be recomputed: {file}: the file does not exist. Paths in an experiment file are relative to it."
    )
    assert verification.rows == 0
    change_row(tmp_path / "out", "item-knn", lambda row: row["metrics"]["ndcg@5"].__setitem__(0, 0.9))
    assert any("the mean over its lists is" in each.text for each in zoo.verify(tmp_path / "out").findings)


PLUGIN = """
from zoo.api import Capabilities, ComponentSpec, Params, Predictor, hookimpl

import torch


class Flat(Predictor[Params]):
    def fit(self, data, context):
        pass

    def score(self, queries):
        return torch.arange(queries.log.n_items + 1).float().repeat(len(queries), 1)


@hookimpl
def zoo_components():
    return [ComponentSpec("flat", "predictor", "{module}:Flat", Params, "Scores by number.", capabilities=Capabilities(deterministic=True))]
"""


def test_a_missing_plugin_makes_one_row_impossible_to_run_again(tmp_path):
    file = tmp_path / "flat_model_of_verify.py"
    file.write_text(PLUGIN.format(module=file.stem))
    experiment = {**EXPERIMENT, "references": False, "model": [{"predictor": "popular"}, {"predictor": "flat"}]}
    zoo.bench(experiment, tmp_path / "out", plugins=[file])
    assert zoo.verify(tmp_path / "out", sample=2, plugins=[file]).ok
    verification = zoo.verify(tmp_path / "out", sample=2)
    (finding,) = verification.findings
    assert (verification.rows, finding.where, finding.kind) == (2, "flat", "impossible")
    assert "flat" in finding.text


def test_a_folder_of_data_frames_is_impossible_to_recompute(tmp_path):
    import pandas as pd

    rng = np.random.default_rng(0)
    log = zoo.read_log(
        pd.DataFrame(
            {
                "user_id": rng.integers(0, 30, 600),
                "item_id": rng.integers(0, 40, 600),
                "timestamp": rng.permutation(600) * 10_000 + 10**12,
            }
        )
    )
    zoo.bench(["popular"], log, metrics=["ndcg@5"], references=False, out=tmp_path / "out")
    found = zoo.verify(tmp_path / "out")
    (finding,) = found.findings
    assert (finding.kind, found.ok) == ("impossible", False)
    assert "its data were data frames of a Python process, which are gone" in finding.text


def test_composed_files_that_are_not_what_the_runs_give_are_found(folder):
    results, report = folder / "results.jsonl", folder / "report.md"
    results.write_text(results.read_text().replace('"seed": 1', '"seed": 7', 1))
    report.write_text(report.read_text().replace("| item-knn |", "| item-knn, the best |", 1))
    table = pq.read_table(folder / "lists.parquet")
    changed = pc.if_else(pc.equal(table["model"], "theirs"), 1.0, table["ndcg@5"]).cast(pa.float32())
    pq.write_table(table.set_column(table.column_names.index("ndcg@5"), "ndcg@5", changed), folder / "lists.parquet")
    files = {each.where: each.text for each in zoo.verify(folder).findings}
    assert set(files) == {"results.jsonl", "lists.parquet", "report.md"}
    assert files["results.jsonl"].startswith("the rows random are not those in `runs/`: ")
    assert files["lists.parquet"].startswith("the lists of theirs are not those in `runs/`: ")
    Store(folder).compose(markdown)
    assert zoo.verify(folder).ok


def test_composed_files_that_cannot_be_read_are_found(folder):
    for name in ("results.jsonl", "lists.parquet"):
        (folder / name).unlink()
    (folder / "results.jsonl").mkdir()
    (folder / "lists.parquet").write_bytes(b"PAR1")
    (folder / "report.md").write_bytes(b"\xff")
    files = {each.where: each.text for each in zoo.verify(folder).findings}
    assert set(files) == {"results.jsonl", "lists.parquet", "report.md"}
    assert all(text.startswith("it cannot be read (") for text in files.values())


def test_a_changed_description_is_found(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["description"]["refit"] = False
    (folder / "manifest.json").write_text(json.dumps(manifest))
    texts = {each.kind: each.text for each in zoo.verify(folder).findings}
    assert "its description does not give its task" in texts["folder"]
    assert "they differ in refit" in texts["impossible"]


def test_external_lists_that_were_changed_are_found(folder):
    change_row(folder, "theirs", lambda row: row["metrics"]["ndcg@5"].__setitem__(0, 0.9))
    assert ("theirs", "row") in found(folder)


def test_judged_lists_are_verified_too(tmp_path):
    rng = np.random.default_rng(0)
    query = np.repeat(np.arange(60), 5)
    table = {"query_id": query, "label": rng.integers(0, 3, 300), "x": rng.normal(size=300), "part": query // 10}
    pq.write_table(pa.table(table), tmp_path / "judged.parquet")
    zoo.bench({
        "task": "rank", "data": {"source": {"name": "files", "interactions": str(tmp_path / "judged.parquet")}, "features": ["x"]},
        "split": {"policy": "folds", "column": "part"}, "evaluate": {"metrics": ["ndcg@5", "mrr@3"]},
        "model": [{"label": "x", "rankers": [{"name": "borda", "columns": ["x"]}]}, {"label": "net", "rankers": [{"name": "neural-ranker", "dim": 4}], "ranker_train": {"max_epochs": 2}}],
    }, tmp_path / "rank")  # fmt: skip
    folder = tmp_path / "rank"
    verification = zoo.verify(folder, sample=5)
    assert verification.ok, verification
    assert [run.name for run in verification.reruns] == ["x", "net (seed 0)"]
    change_lists(
        folder,
        "x",
        lambda t: t.set_column(
            t.column_names.index("labels"), "labels", pa.array([row[::-1] for row in t["labels"].to_pylist()])
        ),
    )
    assert any(
        "their documents or labels are not those of the data" in each.text for each in zoo.verify(folder).findings
    )


@pytest.mark.parametrize("task", ["recommend", "rank"])
def test_a_folder_of_an_earlier_version_has_no_row_that_contradicts_itself(tmp_path, task):
    source = Path(__file__).parents[1] / "fixtures" / "benchmarks" / task
    shutil.copytree(source, tmp_path / "old")
    kinds = {each.kind for each in zoo.verify(tmp_path / "old").findings}
    assert kinds <= {"impossible"}


def test_a_negative_sample_and_a_folder_without_results_are_refused(tmp_path, bench):
    with pytest.raises(ConfigError, match="sample: expected the number of rows to run again, 0 or more, found -1"):
        zoo.verify(bench, sample=-1)
    with pytest.raises(ResultsError, match="holds no results"):
        zoo.verify(tmp_path)


def test_networks_filters_rankers_and_text_run_again_from_the_manifest(tmp_path):
    """The experiment is resolved from the manifest: shared and own training settings, several stages, features for metrics."""
    experiment = {
        **EXPERIMENT,
        "split": {"policy": "temporal", "cuts": [0.6, 0.7, 0.8]},
        "evaluate": {"metrics": ["ndcg@5", {"name": "recall", "k": 5, "normalise": "min"}, "diversity@5", "calibration@5",
                     "serendipity@5", "gap@5", "gini@5", "popularity-lift@5"], "bootstrap": 100,
                     "features": {"name": "tf-idf", "columns": ["title"]}, "candidates": 30},
        "train": {"max_epochs": 2, "batch_size": 64, "seeds": [0]},
        "references": False,
        "model": [
            {"label": "net", "predictor": {"name": "gru4rec", "dim": 8}, "train": {"learning_rate": 0.01, "max_epochs": 1}},
            {"label": "two stages", "predictor": "item-knn", "featurizer": {"name": "tf-idf", "columns": ["title"]},
             "filters": [{"name": "price-band", "max": 500.0}], "rankers": [{"name": "neural-ranker", "dim": 8}], "ranker_train": {"max_epochs": 2}},
        ],
    }  # fmt: skip
    zoo.bench(experiment, tmp_path / "out")
    verification = zoo.verify(tmp_path / "out", sample=2)
    assert verification.ok, verification
    assert [run.outcome for run in verification.reruns] == ["reproduced", "reproduced"]


def test_a_variable_of_the_environment_stays_hidden_and_is_read_again(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    events = {
        "user_id": rng.integers(0, 30, 600),
        "item_id": rng.integers(0, 40, 600),
        "timestamp": rng.permutation(600) * 10_000 + 10**12,
    }
    pq.write_table(pa.table(events), tmp_path / "events.parquet")
    monkeypatch.setenv("SHOP_FOLDER_OF_TEST", str(tmp_path))
    source = {"name": "files", "interactions": "${SHOP_FOLDER_OF_TEST}/events.parquet"}
    zoo.bench({**EXPERIMENT, "data": {"source": source}, "references": False}, tmp_path / "out")
    assert zoo.verify(tmp_path / "out", sample=9).ok
    monkeypatch.delenv("SHOP_FOLDER_OF_TEST")
    (finding,) = zoo.verify(tmp_path / "out").findings
    assert "uses the environment variable SHOP_FOLDER_OF_TEST, which is not set" in finding.text


def test_a_tuned_row_runs_again_with_the_settings_that_its_search_found(tmp_path):
    pytest.importorskip("optuna", reason="optuna is not installed")
    experiment = {
        **EXPERIMENT,
        "split": {"policy": "temporal", "cuts": [0.6, 0.8]},
        "tune": {"trials": 3, "metric": "ndcg@5"},
        "references": False,
        "model": [{"predictor": "item-knn"}, {"predictor": {"name": "gru4rec", "dim": 8}, "train": {"max_epochs": 1}}],
    }
    store = zoo.bench(experiment, tmp_path / "out")
    assert [row.error for row in store.rows()] == [None] * 3
    assert store.rows()[0].tuning["trials"] == 3
    verification = zoo.verify(tmp_path / "out", sample=3)
    assert verification.ok, verification
    assert [run.outcome for run in verification.reruns] == ["reproduced"] * 3
    change_row(tmp_path / "out", "item-knn", lambda row: row["model"]["predictor"].update(k=1, shrinkage=0.0))
    assert ("item-knn", "drifted") in found(tmp_path / "out", sample=3)
