"""`${VAR}` is expanded in memory only: no file of a benchmark, an export or an artifact contains the value."""

import pytest

import zoo
from zoo.artifacts.saving import save_artifact
from zoo.benchmark.results_folder.export import export
from zoo.errors import ArtifactError, ConfigError

FOLDER, DENIED = "hunter2-folder", "hunter2-category"
EXPERIMENT = """
references = false
[data]
source = { name = "files", interactions = "${EVENTS}/events.csv", items = "${EVENTS}/items.csv" }
[split]
policy = "leave-last-out"
[evaluate]
metrics = ["ndcg@5"]
[[model]]
label = "popular without ${DENIED}"
predictor = "popular"
filters = [{ name = "category", deny = ["${DENIED}"] }]
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "events.csv").write_text(
        "user_id,item_id,position\n" + "".join(f"u{i % 9},i{i * 7 % 10},{i}\n" for i in range(90))
    )
    (tmp_path / FOLDER / "items.csv").write_text(
        "item_id,category\n" + "".join(f"i{i},{DENIED if i == 3 else 'shown'}\n" for i in range(10))
    )
    monkeypatch.setenv("EVENTS", str(tmp_path / FOLDER))
    monkeypatch.setenv("DENIED", DENIED)
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    return tmp_path / "experiment.toml"


def values_in(folder):
    """Return the files below a folder that contain a value."""
    return [p.name for p in folder.rglob("*") if p.is_file() and b"hunter2" in p.read_bytes()]


def test_no_file_of_a_benchmark_contains_a_value(file, tmp_path):
    store = zoo.bench(file, tmp_path / "out")
    export(store, tmp_path / "kept")
    assert values_in(tmp_path / "out") == values_in(tmp_path / "kept") == []
    source = store.manifest().experiment["data"]["source"]
    assert source["interactions"] == ["${EVENTS}/events.csv"]
    (row,) = store.rows()
    assert (row.label, row.error) == ("popular without ${DENIED}", None)
    assert row.model["filters"][0]["deny"] == ["${DENIED}"]
    assert r"popular without \${DENIED}" in (tmp_path / "out" / "report.md").read_text()
    assert zoo.bench(file, tmp_path / "out").rows()[0] == row  # the same task, and a finished run


@pytest.mark.robust
def test_no_file_of_a_run_in_a_process_of_its_own_contains_a_value(file, tmp_path):
    expected = zoo.bench(file, tmp_path / "here").rows()[0]
    (row,) = zoo.bench(file, tmp_path / "out", isolate=True).rows()
    assert (row.key, row.error, row.metrics) == (expected.key, None, expected.metrics)
    assert values_in(tmp_path / "out") == []


def test_the_error_of_a_row_contains_no_value(file, tmp_path):
    file.write_text(EXPERIMENT.replace('deny = ["${DENIED}"]', 'column = "${DENIED}", deny = ["x"]'))
    store = zoo.bench(file, tmp_path / "out")
    assert "${DENIED}" in store.rows()[0].error
    assert values_in(tmp_path / "out") == []


def test_another_value_is_another_run(file, tmp_path, monkeypatch):
    key = zoo.bench(file, tmp_path / "out").rows()[0].key
    monkeypatch.setenv("DENIED", "shown")
    assert zoo.bench(file, tmp_path / "out").rows()[0].key != key


def test_an_artifact_contains_the_reference_and_expands_it_again(file, tmp_path, monkeypatch):
    fitted = zoo.fit(file, out=tmp_path / "artifact")
    assert b"hunter2" not in (tmp_path / "artifact" / "zoo.json").read_bytes()
    loaded = zoo.load_artifact(tmp_path / "artifact")
    filters = loaded.pipeline.model.filters
    assert filters[0].params.deny == [DENIED]
    assert loaded.recommend("u1", k=3) == fitted.recommend("u1", k=3)
    save_artifact(loaded, tmp_path / "again")
    assert b"hunter2" not in (tmp_path / "again" / "zoo.json").read_bytes()
    monkeypatch.delenv("DENIED")
    with pytest.raises(ArtifactError) as error:
        zoo.load_artifact(tmp_path / "artifact")
    assert str(error.value).endswith(
        "filters[1].deny[1]: '${DENIED}' uses the environment variable DENIED, which is not set. Set it: export DENIED=..."
    )


def test_a_loaded_artifact_keeps_the_rule_of_eligible_items_when_columns_change(file, tmp_path, monkeypatch):
    file.write_text(
        EXPERIMENT.replace('metrics = ["ndcg@5"]', 'metrics = ["ndcg@5"]\neligible = { category = "${SHOWN}" }')
    )
    monkeypatch.setenv("SHOWN", "shown")
    zoo.fit(file, out=tmp_path / "artifact")
    changed = {"item_id": ["i3", "i4"], "category": ["shown", "other"]}
    shop = zoo.load_artifact(tmp_path / "artifact").update_items(changed)
    assert {item.item_id for item in shop.recommend(history=["i1"], k=10)} == {
        f"i{i}" for i in (0, 2, 3, 5, 6, 7, 8, 9)
    }
    monkeypatch.delenv("SHOWN")
    with pytest.raises(ConfigError, match="uses the environment variable SHOWN, which is not set"):
        zoo.load_artifact(tmp_path / "artifact").update_items(changed)
